/** Whoever makes a tenant is killed at every step, or is one of many; tenants come in every moment of an `up`. */
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { provisionSteps } from '../../src/model/provision.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { type Child, makeProvisionProject, type ProvisionProject, startChild } from './provision-project.ts'

const migrations = {
  'migrations/001_clients.sql': `CREATE TABLE clients (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO clients (name) VALUES ('first');`,
  'migrations/002_orders.sql': 'CREATE TABLE orders (id serial PRIMARY KEY, client_id int REFERENCES clients (id));',
}
const newer = { 'migrations/003_notes.sql': 'CREATE TABLE notes (id serial PRIMARY KEY, body text);' }

let app: TestDatabase
let registry: TestDatabase
let project: ProvisionProject
const children: Child[] = []

const start = async (config: string) => {
  project = await makeProvisionProject({ main: { url: app.url } }, registry.url, config, migrations)
}
const child = (task: Parameters<typeof startChild>[1]) => {
  const one = startChild(project, task)
  children.push(one)
  return one
}
const tenants = async () => {
  const list = []
  for await (const one of project.registry.tenants.list()) list.push(one)
  return list
}
const count = async (sql: string, database = 'postgres') => {
  const [row] = await sharedServer().query(sql, database)
  return Number(row?.count)
}
/** What every end must be: one tenant, one role, one place, and all of it usable. */
async function expectWhole(slug: string, ids: readonly string[]): Promise<void> {
  const [tenant, ...others] = (await tenants()).filter((one) => one.slug === slug)
  expect(others).toEqual([])
  expect(tenant?.state).toBe('active')
  const { database, schema } = tenant?.placement ?? { database: '' }
  const where = schema === undefined ? '' : `"${schema}".`
  const rows = await sharedServer().query(`SELECT version FROM ${where}schema_migrations ORDER BY 1`, database)
  expect(rows.map(({ version }) => String(version))).toEqual(ids)
  expect(await count(`SELECT count(*) FROM ${where}clients`, database)).toBe(1)
  const { user } = await project.credential(slug)
  expect(await count(`SELECT count(*) FROM pg_roles WHERE rolname LIKE '${slug}\\_%'`)).toBe(1)
  expect(user).toBe(schema ?? database)
  if (schema === undefined)
    expect(await count(`SELECT count(*) FROM pg_database WHERE datname LIKE '${slug}\\_%'`)).toBe(1)
  else expect(await count(`SELECT count(*) FROM pg_namespace WHERE nspname LIKE '${slug}\\_%'`, database)).toBe(1)
  expect(
    await count(
      `SELECT count(*) FROM pg_database WHERE datname LIKE 'tenantry\\_new\\_%' AND shobj_description(oid, 'pg_database') LIKE '%${tenant?.id}%'`,
    ),
  ).toBe(0)
}
/** Before each step; and behind those that leave something in a server or in the registry. */
const moments = provisionSteps.flatMap((step): [(typeof provisionSteps)[number], 'started' | 'done'][] =>
  ['place', 'schema', 'active'].includes(step)
    ? [
        [step, 'started'],
        [step, 'done'],
      ]
    : [[step, 'started']],
)
/** Unlike other tests' ones on the same server. */
const slugOf = () => `s${Math.random().toString(36).slice(2, 10)}`

beforeEach(async () => {
  app = await freshDatabase('provision_faults')
  registry = await freshDatabase('provision_faults_registry')
})
afterEach(async () => {
  for (const one of children.splice(0)) {
    try {
      process.kill(one.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  for (const { placement } of project === undefined ? [] : await tenants()) {
    if (placement.schema === undefined)
      await sharedServer().query(`DROP DATABASE IF EXISTS "${placement.database}" WITH (FORCE)`)
  }
  project?.remove()
  await app?.drop()
  await registry?.drop()
})

describe.each([
  ['schema', `provision: { topology: 'schema' },`],
  ['database', `provision: { topology: 'database' },`],
])('killed while a tenant gets a %s', (_, config) => {
  test.each(moments)('when %s has %s, beside an up: the next call finishes the same tenant', async (step, state) => {
    await start(config)
    const slug = slugOf()
    const at = { type: 'provision-step', where: { step, state } } as const
    const first = child({ call: 'provision', options: { slug }, at, signal: 'SIGKILL' })
    const others = child({ call: 'up' })
    expect((await first.ended).signal).toBe('SIGKILL')
    expect(await others.ended).toMatchObject({ signal: null, report: { ok: true } })
    const before = (await tenants()).find((one) => one.slug === slug)
    const isDone = step === 'active' && state === 'done'
    expect(before?.state).toBe(isDone ? 'active' : 'provisioning')
    expect((await project.up()).summary.targets).toBe(isDone ? 1 : 0)
    const report = await project.provision({ slug })
    expect(report).toMatchObject({ ok: true, made: !isDone, tenant: { id: before?.id } })
    await expectWhole(slug, ['001_clients', '002_orders'])
  })
})

describe('several at once', () => {
  test.each([
    ['schema', `provision: { topology: 'schema' },`],
    ['database', `provision: { topology: 'database' },`],
  ])('ten processes, one slug: one tenant in a %s, the same for all', async (_, config) => {
    await start(config)
    const slug = slugOf()
    const ends = await Promise.all(
      Array.from({ length: 10 }, () => child({ call: 'provision', options: { slug } }).ended),
    )
    expect(ends.map(({ error }) => error ?? null)).toEqual(ends.map(() => null))
    expect(new Set(ends.map(({ report }) => report?.tenant.id)).size).toBe(1)
    expect(ends.filter(({ report }) => report?.made)).toHaveLength(1)
    await expectWhole(slug, ['001_clients', '002_orders'])
  })
})

/** A folder like the project's, without what came last. */
function olderProject(): string {
  const older = `${project.dir}-older`
  cpSync(project.dir, older, { recursive: true })
  rmSync(join(older, 'migrations/003_notes.sql'))
  return older
}
const all = ['001_clients', '002_orders', '003_notes']

describe('a tenant that comes while the fleet is brought to something new', () => {
  const config = `provision: { topology: 'schema', from: 'replay' },`
  const withNewer = async (): Promise<string> => {
    await start(config)
    await project.provision({ slug: slugOf() })
    project.write(newer)
    const older = olderProject()
    return older
  }
  /** The tenant ends at the head: by itself, or by the next `up`. */
  const expectHead = async (slug: string) => {
    if ((await project.registry.tenants.find(slug))?.state !== 'active') await project.up()
    await expectWhole(slug, all)
  }

  describe.each(['new', 'old'] as const)('made by a process with the %s folder', (folder) => {
    test.each(moments)('a whole up when %s has %s', async (step, state) => {
      const older = await withNewer()
      const slug = slugOf()
      const at = { type: 'provision-step', where: { step, state } } as const
      const cwd = folder === 'old' ? older : project.dir
      const one = child({ call: 'provision', options: { slug }, at, signal: 'SIGSTOP', cwd })
      expect(await one.paused).toBe('paused')
      const up = await project.up()
      expect(up).toMatchObject({ ok: true })
      const isSeen = step === 'active' && state === 'done'
      expect(up.summary.targets).toBe(isSeen ? 2 : 1)
      one.goOn()
      const end = await one.ended
      if (folder === 'old' && !isSeen) expect(end.error).toMatchObject({ code: 'TENANT_BEHIND' })
      else expect(end).toMatchObject({ report: { ok: true, tenant: { state: 'active' } } })
      rmSync(older, { recursive: true })
      await expectHead(slug)
    })

    test.each(['fleet-read', 'rollout-started', 'wave-started', 'target-finished', 'wave-finished'] as const)(
      'while the up is at %s',
      async (type) => {
        const older = await withNewer()
        const slug = slugOf()
        const up = child({ call: 'up', at: { type }, signal: 'SIGSTOP' })
        expect(await up.paused).toBe('paused')
        const cwd = folder === 'old' ? older : project.dir
        const one = child({ call: 'provision', options: { slug }, cwd })
        if (folder === 'old') {
          await expect
            .poll(
              async () =>
                (await registry.query('SELECT step FROM tenantry_provisions ORDER BY started_at DESC LIMIT 1'))[0]
                  ?.step,
              {
                timeout: 30_000,
              },
            )
            .toBe('await-head')
        } else expect(await one.ended).toMatchObject({ report: { ok: true } })
        up.goOn()
        expect(await up.ended).toMatchObject({ signal: null, report: { ok: true } })
        const end = await one.ended
        // Where the up was silent for long, it counts as gone: then the next one finishes the tenant.
        if (end.error !== undefined) expect(end.error.code).toBe('TENANT_BEHIND')
        rmSync(older, { recursive: true })
        await expectHead(slug)
      },
    )
  })

  test('an up that was killed holds nobody up: the tenant waits for the next one, and is told so', async () => {
    const older = await withNewer()
    const slug = slugOf()
    const up = child({ call: 'up', at: { type: 'wave-started' }, signal: 'SIGKILL' })
    expect((await up.ended).signal).toBe('SIGKILL')
    const end = await child({ call: 'provision', options: { slug }, cwd: older }).ended
    expect(end.error).toMatchObject({ code: 'TENANT_BEHIND', message: expect.stringContaining('003_notes') })
    expect((await project.registry.tenants.find(slug))?.state).toBe('provisioning')
    rmSync(older, { recursive: true })
    await project.up()
    await expectWhole(slug, all)
  })

  test('what was undone in the whole fleet is waited for by nobody; what one tenant kept, is', async () => {
    await start(config)
    const kept = slugOf()
    for (const slug of [slugOf(), kept]) await project.provision({ slug })
    project.write({
      'migrations/003_notes.up.sql': 'CREATE TABLE notes (id int);',
      'migrations/003_notes.down.sql': 'DROP TABLE notes;',
    })
    expect(await project.up()).toMatchObject({ ok: true, summary: { applied: 2 } })
    const down = (selectors?: object) =>
      project.open((tenantry) =>
        tenantry.down({ allowDataLoss: true, unproven: true, ...(selectors && { selectors }) }),
      )
    expect((await down({ exclude: [kept] })).summary).toMatchObject({ undone: 1 })
    const older = `${project.dir}-older`
    cpSync(project.dir, older, { recursive: true })
    for (const way of ['up', 'down']) rmSync(join(older, `migrations/003_notes.${way}.sql`))
    const slug = slugOf()
    const provision = () => child({ call: 'provision', options: { slug }, cwd: older }).ended
    expect((await provision()).error).toMatchObject({ code: 'TENANT_BEHIND' })
    expect(await down({ tenants: [kept] })).toMatchObject({ ok: true, summary: { undone: 1 } })
    // Not asked of the whole fleet: nothing is known of the others.
    expect((await provision()).error).toMatchObject({ code: 'TENANT_BEHIND' })
    expect((await project.up()).summary).toMatchObject({ failed: 0 })
    expect(await down()).toMatchObject({ ok: true })
    const late = slugOf()
    expect(await child({ call: 'provision', options: { slug: late }, cwd: older }).ended).toMatchObject({
      report: { ok: true, tenant: { state: 'active' } },
    })
    rmSync(older, { recursive: true })
    await expectWhole(late, ['001_clients', '002_orders'])
  })

  test('a head that not one tenant reached is taken back: tenants are made as before', async () => {
    await start(config)
    await project.provision({ slug: slugOf() })
    project.write({ 'migrations/003_notes.sql': 'CREATE TABLE notes (id no_such_type);' })
    const older = olderProject()
    expect((await project.up()).summary).toMatchObject({ failed: 1 })
    const slug = slugOf()
    expect(await child({ call: 'provision', options: { slug }, cwd: older }).ended).toMatchObject({
      report: { ok: true },
    })
    rmSync(older, { recursive: true })
    writeFileSync(join(project.dir, 'migrations/003_notes.sql'), newer['migrations/003_notes.sql'])
    expect((await project.up()).summary).toMatchObject({ applied: 2 })
    await expectWhole(slug, all)
  })
})
