import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DatabaseError } from '../../src/model/dialect.ts'
import type { NewTenantRecord, TenantRecord } from '../../src/model/registry.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import type { Registry } from '../../src/registry/registry.ts'

/** A registry of a test's own, and a way to look at its tables from beside it. */
export interface SampleRegistry {
  /** Each call opens another one, as another process would. */
  open(): Registry
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

export interface RegistrySample {
  title: string
  /** `describe`, or what skips where there is no server. */
  describe(title: string, define: () => void): void
  /** Empty: nothing was migrated. */
  fresh(): Promise<SampleRegistry>
  /** Ids are numbers that the table gives; nobody else can name one. */
  countsIds: boolean
}

export const actor = { name: 'ada@box' }

/** Servers that tenants of these tests are on. */
export function sampleServers(): Map<string, ServerAddress> {
  const address = (name: string, port: number): [string, ServerAddress] => [
    name,
    {
      name,
      dialect: 'postgres',
      host: `${name}.test`,
      port,
      tls: null,
      maxConcurrency: 8,
      maxConcurrencyPerDatabase: 4,
    },
  ]
  return new Map([address('main', 5432), address('other', 5433)])
}

export function newTenant(slug: string, more: Partial<NewTenantRecord> = {}): NewTenantRecord {
  const placement = { server: 'main', database: `db_${slug}` }
  return { slug, topology: 'database', state: 'active', placement, ...more }
}

/** As the databases sort them: numbers by what they are. */
function sortIds(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => (/^\d+$/.test(a + b) ? Number(a) - Number(b) : a < b ? -1 : 1))
}

export async function all(tenants: AsyncIterable<TenantRecord>): Promise<TenantRecord[]> {
  const list: TenantRecord[] = []
  for await (const tenant of tenants) list.push(tenant)
  return list
}

/** What every store of tenants promises, whichever database and tables it is over. */
export function describeRegistry(sample: RegistrySample): void {
  sample.describe(sample.title, () => {
    let place: SampleRegistry
    let registry: Registry
    const nobody = () => (sample.countsIds ? '987654321' : randomUUID())

    beforeEach(async () => {
      place = await sample.fresh()
      registry = place.open()
      await registry.migrate()
    })

    afterEach(async () => {
      await registry.close()
      await place.drop()
    })

    describe('tenants', () => {
      it('are as they were added, found by id and by slug, with a line of audit', async () => {
        const labels = { tier: 'gold', "odd 'key'": 'ü "quoted" \\ value' }
        const [acme] = await registry.tenants.add([newTenant('acme', { labels, name: "Acme's ☃" })], actor)
        expect(acme).toMatchObject({ slug: 'acme', topology: 'database', state: 'active', labels, name: "Acme's ☃" })
        const id = acme?.id as string
        expect(await registry.tenants.find('acme')).toMatchObject({ id, labels, placement: { database: 'db_acme' } })
        expect(await registry.tenants.find(id)).toMatchObject({ slug: 'acme' })
        expect(await registry.tenants.find('ACME')).toBeNull()
        expect(await registry.tenants.find("acme' OR '1'='1")).toBeNull()
        const audit = await registry.tenants.audit('acme')
        expect(audit).toEqual(await registry.tenants.audit(id))
        expect(audit).toMatchObject([{ actor: 'ada@box', tenantId: id, slug: 'acme', action: 'add', from: null }])
      })

      it('come in pages, in the order of ids, each once', async () => {
        const added = await registry.tenants.add(
          Array.from({ length: 25 }, (_, i) => newTenant(`t${i}`, { state: i % 5 === 0 ? 'suspended' : 'active' })),
          actor,
        )
        const ids = sortIds(added.map(({ id }) => id))
        const seen: string[] = []
        for (let after: string | null = null; ; ) {
          const page: TenantRecord[] = await registry.tenants.page({}, after, 10)
          seen.push(...page.map(({ id }) => id))
          after = page.at(-1)?.id ?? null
          if (page.length < 10) break
        }
        expect(seen).toEqual(ids)
        expect((await all(registry.tenants.list())).map(({ id }) => id)).toEqual(ids)
        const suspended = await all(registry.tenants.list({ states: ['suspended'] }))
        expect(suspended).toHaveLength(5)
        expect(await registry.tenants.page({ states: ['suspended'] }, suspended[1]?.id ?? null, 2)).toEqual(
          suspended.slice(2, 4),
        )
        expect(await all(registry.tenants.list({ states: [] }))).toEqual([])
      })

      it('are added all at once or not at all, and who is in the way is told', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme')], actor)
        const others = [
          newTenant('fine'),
          newTenant('acme', { placement: { server: 'main', database: 'else' } }),
          newTenant('squatter', { placement: { server: 'main', database: 'db_acme' } }),
          newTenant('twin', { id: acme?.id as string }),
        ]
        const refusal = await registry.tenants.add(others, actor).catch((error: unknown) => error)
        expect(refusal).toMatchObject({ code: 'TENANT_EXISTS' })
        expect(String(refusal)).toMatch(/slug "acme" is taken/)
        expect(String(refusal)).toMatch(/place of "squatter"/)
        expect(String(refusal)).toMatch(/id .* is the one of "acme"/)
        expect((await all(registry.tenants.list())).map(({ slug }) => slug)).toEqual(['acme'])
        expect(await registry.tenants.audit('fine')).toEqual([])
      })

      it('two of one list that are the same are refused', async () => {
        const twins = [newTenant('a'), newTenant('a', { placement: { server: 'other', database: 'x' } })]
        await expect(registry.tenants.add(twins, actor)).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
        expect(await all(registry.tenants.list())).toEqual([])
      })

      it('of many who add one slug at once, one does', async () => {
        const several = Array.from({ length: 6 }, () => place.open())
        const added = await Promise.allSettled(
          several.map(({ tenants }, i) =>
            tenants.add([newTenant('acme', { placement: { server: 'main', database: `x${i}` } })], actor),
          ),
        )
        await Promise.all(several.map((each) => each.close()))
        const failures = added.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
        expect(failures.map(({ code }) => code)).toEqual(Array(5).fill('TENANT_EXISTS'))
        expect(await all(registry.tenants.list())).toHaveLength(1)
        expect(await registry.tenants.audit('acme')).toHaveLength(1)
      })

      it.each([
        ['a quote', `acme'; DROP TABLE tenantry_tenants; --`],
        ['a path', '../../etc/passwd'],
        ['a slash', 'a/b'],
        ['a NUL', 'a\0b'],
        ['an escape', '\u001b[2Jacme'],
        ['a newline', 'acme\nX-Injected: 1'],
        ['300 characters', 'a'.repeat(300)],
        ['a Cyrillic letter', 'аcme'],
        ['a direction mark', 'acme\u202E'],
        ['a soft hyphen', 'ac\u00ADme'],
        ['capitals', 'Acme'],
        ['a space', 'ac me'],
        ['nothing', ''],
        ['a dash first', '-rf'],
        ['a lone surrogate', 'a\uD800'],
      ])('a slug with %s is refused, and nothing is added', async (_what, slug) => {
        const both = [newTenant('fine'), newTenant(slug, { placement: { server: 'main', database: 'x' } })]
        await expect(registry.tenants.add(both, actor)).rejects.toMatchObject({ code: 'TENANT_INVALID' })
        expect(await all(registry.tenants.list())).toEqual([])
        expect(await registry.tenants.find(slug)).toBeNull()
      })

      it('every problem of a list is told at once', async () => {
        const bad = [
          newTenant('Bad'),
          newTenant('nowhere', { placement: { server: 'mian', database: 'x' } }),
          newTenant('empty', { placement: { server: 'main', database: '' } }),
          newTenant('schemaless', { topology: 'schema' }),
        ]
        const refusal = await registry.tenants.add(bad, actor).catch((error: unknown) => error)
        expect(refusal).toMatchObject({ code: 'TENANT_INVALID' })
        for (const word of ['capital', 'mian', 'the database is empty', 'needs a schema'])
          expect(String(refusal)).toContain(word)
      })
    })

    describe('changes', () => {
      it('follow the transitions, and are audited one by one', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme', { state: 'provisioning' })], actor)
        const id = acme?.id as string
        await registry.tenants.change(id, 'provisioning', { state: 'failed' }, actor)
        await registry.tenants.change(id, 'failed', { state: 'provisioning' }, actor)
        const active = await registry.tenants.change(
          id,
          'provisioning',
          { state: 'active', labels: { tier: 'gold' } },
          { name: 'bob@box' },
        )
        expect(active).toMatchObject({ state: 'active', labels: { tier: 'gold' } })
        expect(await registry.tenants.find(id)).toMatchObject({ state: 'active', labels: { tier: 'gold' } })
        const audit = await registry.tenants.audit(id)
        expect(audit.map(({ actor: who, action, from, to }) => [who, action, from, to])).toEqual([
          ['ada@box', 'add', null, expect.any(String)],
          ['ada@box', 'state', 'provisioning', 'failed'],
          ['ada@box', 'state', 'failed', 'provisioning'],
          ['bob@box', 'state', 'provisioning', 'active'],
          ['bob@box', 'labels', '{}', '{"tier":"gold"}'],
        ])
      })

      it('that do not follow, or come too late, are refused', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme')], actor)
        const id = acme?.id as string
        const states = (state: 'provisioning' | 'suspended', expected: 'active' | 'failed') =>
          registry.tenants.change(id, expected, { state }, actor)
        await expect(states('provisioning', 'active')).rejects.toMatchObject({ code: 'TENANT_STATE' })
        await expect(states('suspended', 'failed')).rejects.toMatchObject({ code: 'TENANT_STATE' })
        await expect(registry.tenants.change(nobody(), 'active', {}, actor)).rejects.toMatchObject({
          code: 'TENANT_UNKNOWN',
        })
        expect(await registry.tenants.audit(id)).toHaveLength(1)
      })

      it('of many at once, one wins', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme', { state: 'provisioning' })], actor)
        const id = acme?.id as string
        const several = Array.from({ length: 6 }, () => place.open())
        const ended = await Promise.allSettled(
          several.map(({ tenants }) => tenants.change(id, 'provisioning', { state: 'active' }, actor)),
        )
        await Promise.all(several.map((each) => each.close()))
        expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        for (const one of ended)
          if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'TENANT_STATE' })
        expect((await registry.tenants.audit(id)).filter(({ action }) => action === 'state')).toHaveLength(1)
      })
    })

    describe('removal', () => {
      it('takes row and credential away and leaves the audit', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme')], actor)
        const id = acme?.id as string
        await write(id, { sealed: 'tenantry:v1:0a1b2c3d:x' })
        await expect(registry.tenants.remove(id, actor)).rejects.toMatchObject({ code: 'TENANT_STATE' })
        await registry.tenants.change(id, 'active', { state: 'removing' }, actor)
        await registry.tenants.remove(id, actor)
        expect(await registry.tenants.find(id)).toBeNull()
        expect((await registry.tenants.readCredentials([id])).size).toBe(0)
        expect((await registry.tenants.audit(id)).map(({ action }) => action)).toEqual([
          'add',
          'credential',
          'state',
          'remove',
        ])
        await registry.tenants.add([newTenant('acme')], actor)
      })
    })

    const write = (tenantId: string, given: { sealed?: string; reference?: string }, was?: string | null) =>
      registry.tenants.writeCredentials(
        [
          {
            credential: { tenantId, user: 'app', sealed: given.sealed ?? null, reference: given.reference ?? null },
            ...(was === undefined ? {} : { was }),
          },
        ],
        'credential',
        actor,
      )

    describe('credentials', () => {
      it('are written where what was there is still there', async () => {
        const [acme] = await registry.tenants.add([newTenant('acme')], actor)
        const id = acme?.id as string
        expect(await write(id, { sealed: 'tenantry:v1:0a1b2c3d:one' }, null)).toBe(1)
        expect(await write(id, { sealed: 'tenantry:v1:0a1b2c3d:two' }, null)).toBe(0)
        expect(await write(id, { sealed: 'tenantry:v1:0a1b2c3d:two' }, 'something else')).toBe(0)
        expect((await registry.tenants.readCredentials([id, nobody()])).get(id)).toEqual({
          tenantId: id,
          user: 'app',
          sealed: 'tenantry:v1:0a1b2c3d:one',
          reference: null,
        })
        expect(await write(id, { sealed: 'tenantry:v1:ffffffff:two' }, 'tenantry:v1:0a1b2c3d:one')).toBe(1)
        expect(await write(id, { reference: 'command:vault read hunter2' })).toBe(1)
        expect((await registry.tenants.readCredentials([id])).get(id)).toMatchObject({
          sealed: null,
          reference: 'command:vault read hunter2',
        })
        const audit = await registry.tenants.audit(id)
        expect(audit.slice(1).map(({ action, from, to }) => [action, from, to])).toEqual([
          ['credential', 'none', 'sealed (key 0a1b2c3d)'],
          ['credential', 'sealed (key 0a1b2c3d)', 'sealed (key ffffffff)'],
          ['credential', 'sealed (key ffffffff)', 'reference (command)'],
        ])
        await expect(write(nobody(), { sealed: 'x' })).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
      })

      it('come in pages, and many are written at once', async () => {
        const added = await registry.tenants.add(
          Array.from({ length: 450 }, (_, i) => newTenant(`t${i}`)),
          actor,
        )
        const put = (sealed: (id: string) => string, was?: (id: string) => string) =>
          registry.tenants.writeCredentials(
            added.map(({ id }) => ({
              credential: { tenantId: id, user: null, sealed: sealed(id), reference: null },
              ...(was === undefined ? {} : { was: was(id) }),
            })),
            'rotate',
            actor,
          )
        const one = (id: string) => `tenantry:v1:00000001:${id}`
        const two = (id: string) => `tenantry:v1:00000002:${id}`
        expect(await put(one)).toBe(450)
        expect(await put(two, one)).toBe(450)
        expect(await put(two, one)).toBe(0)
        const seen: string[] = []
        for (let after: string | null = null; ; ) {
          const page = await registry.tenants.pageCredentials(after, 200)
          for (const { tenantId, sealed } of page) {
            expect(sealed).toBe(two(tenantId))
            seen.push(tenantId)
          }
          after = page.at(-1)?.tenantId ?? null
          if (page.length < 200) break
        }
        expect(seen).toEqual(sortIds(added.map(({ id }) => id)))
      })

      it('a new tenant may come with a reference', async () => {
        const credential = { user: 'app', reference: 'env:ACME_PASSWORD' }
        const [acme] = await registry.tenants.add([newTenant('acme', { credential })], actor)
        const id = acme?.id as string
        expect((await registry.tenants.readCredentials([id])).get(id)).toEqual({
          tenantId: id,
          sealed: null,
          ...credential,
        })
        expect((await registry.tenants.audit(id)).map(({ action, to }) => [action, to]).at(-1)).toEqual([
          'credential',
          'reference (env)',
        ])
      })
    })

    describe('the database', () => {
      it('takes values as they are, wherever question marks stand', async () => {
        const odd = `it's a "test" \\ ? $1 \n ☃`
        const [row] = await registry.database.query('SELECT ? AS a, ? AS b FROM (SELECT 1 AS one) AS x WHERE ? = ?', [
          odd,
          'b',
          'same',
          'same',
        ])
        expect(row).toEqual({ a: odd, b: 'b' })
      })

      it('undoes a transaction whose work throws', async () => {
        const failing = registry.database.transaction(async (query) => {
          await query(
            `INSERT INTO ${registry.table('heads')} (set_name, migrations, state, updated_at) VALUES (?, ?, ?, ?)`,
            ['tenant', '[]', 'done', 'now'],
          )
          throw new Error('on purpose')
        })
        await expect(failing).rejects.toThrow('on purpose')
        expect(await registry.database.query(`SELECT * FROM ${registry.table('heads')}`)).toEqual([])
      })

      it('counts right when many read first and write then', async () => {
        const heads = registry.table('heads')
        await registry.database.query(
          `INSERT INTO ${heads} (set_name, migrations, state, heartbeat_at, updated_at) VALUES (?, ?, ?, ?, ?)`,
          ['tenant', '[]', 'done', 0, 'now'],
        )
        const several = Array.from({ length: 3 }, () => place.open())
        const count = ({ database }: Registry) =>
          database.transaction(async (query) => {
            const [row] = await query(`SELECT heartbeat_at FROM ${heads} WHERE set_name = ?`, ['tenant'])
            await query(`UPDATE ${heads} SET heartbeat_at = ? WHERE set_name = ?`, [
              Number(row?.heartbeat_at) + 1,
              'tenant',
            ])
          })
        await Promise.all(several.flatMap((each) => [count(each), count(each), count(each)]))
        await Promise.all(several.map((each) => each.close()))
        const [row] = await registry.database.query(`SELECT heartbeat_at FROM ${heads}`)
        expect(Number(row?.heartbeat_at)).toBe(9)
      })

      it('says what a statement was refused for, and has a clock', async () => {
        await expect(registry.database.query('SELECT * FROM no_such_table')).rejects.toBeInstanceOf(DatabaseError)
        const [row] = await registry.database.query(`SELECT ${registry.nowMs} AS now`)
        expect(Math.abs(Number(row?.now) - Date.now())).toBeLessThan(60_000)
      })

      it('replaces a row that is there', async () => {
        const heads = registry.table('heads')
        const put = (state: string) =>
          registry.database.query(
            `INSERT INTO ${heads} (set_name, migrations, state, updated_at) VALUES (?, ?, ?, ?) ${registry.orUpdate('set_name', ['state'])}`,
            ['tenant', '[]', state, 'now'],
          )
        await put('running')
        await put('done')
        expect(await registry.database.query(`SELECT state FROM ${heads}`)).toEqual([{ state: 'done' }])
      })
    })
  })
}
