/** The whole life of a tenant by the built command line: made, used, out of service and back, archived, removed. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sharedServer } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'
import { databasesLike, type RegistryPlace, registryKinds, twoMigrations } from './tenants-project.ts'

for (const kind of registryKinds) {
  kind.describe(`with a registry on ${kind.name}`, () => {
    let place: RegistryPlace
    let project: ProvisionProject
    /** Part of every name, so that nothing of another test is met. */
    let mark: string

    beforeEach(async () => {
      mark = `l${randomBytes(3).toString('hex')}`
      place = await kind.fresh()
      project = await makeProvisionProject(
        { main: { url: sharedServer().url() } },
        place.url,
        `scratch: { server: 'main' }, provision: { topology: 'database', server: 'main' }`,
        twoMigrations,
      )
    })
    afterEach(async () => {
      for (const name of await databasesLike(mark)) await sharedServer().query(`drop database "${name}" with (force)`)
      for (const { rolname } of await sharedServer().query('select rolname from pg_roles'))
        if (String(rolname).includes(mark)) await sharedServer().query(`drop role "${rolname}"`)
      project?.remove()
      await place?.drop()
    })

    const env = () => ({ ...project.env, TENANTRY_ACTOR: 'ada' })
    const run = (...argv: string[]) => project.run(argv, env())
    const json = async (...argv: string[]) => {
      const { stdout, code } = await run(...argv, '--json')
      return { ...JSON.parse(stdout), code }
    }

    test('from the first row to the last', async () => {
      const slug = `${mark}-acme`
      const added = await run('tenants', 'add', slug, '--provision', '--name', 'Acme Ltd', '--label', 'tier=gold')
      expect([added.code, added.stderr.includes('error')]).toEqual([0, false])
      expect(added.stdout).toMatch(new RegExp(`✔ ${slug} \\(Acme Ltd\\): made and active, in main/`))
      const [database] = await databasesLike(mark)
      expect(database).toMatch(new RegExp(`^${mark}_acme_\\d{8}$`))

      const list = await json('tenants', 'list')
      expect(list).toMatchObject({ command: 'tenants list', ok: true, code: 0, next: null })
      expect(list.tenants).toEqual([
        {
          id: expect.stringMatching(/^[\da-f-]{36}$/),
          slug,
          state: 'active',
          topology: 'database',
          target: `main/${database}`,
          labels: { tier: 'gold' },
          name: 'Acme Ltd',
        },
      ])
      expect((await json('tenants', 'provision', slug)).made).toBe(false)

      const shown = await json('tenants', 'show', slug)
      expect(shown).toMatchObject({
        tenant: { slug, placement: { server: 'main', database } },
        credential: { kind: 'sealed', keyId: expect.stringMatching(/^[\da-f]{8}$/) },
        migrations: [{ set: 'tenant', applied: 2, pending: [], error: null }],
      })
      const secret = (await project.credential(slug)).password
      expect(JSON.stringify(shown)).not.toContain(secret)

      // Out of service: the next migration leaves it out.
      expect((await run('tenants', 'suspend', slug)).stdout).toContain('active → suspended')
      expect((await run('tenants', 'suspend', slug)).stdout).toContain('is suspended already')
      project.write({ 'migrations/003_tags.sql': 'create table tags (id int primary key);\n' })
      expect((await json('up')).summary.applied).toBe(0)
      const refused = await run('up', slug)
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('suspended')

      // Back as it is: it is told what it lacks, and the command that is told brings it.
      const back = await run('tenants', 'activate', slug, '--no-migrate')
      expect(back.code).toBe(0)
      expect(back.stdout).toContain(`${slug} is behind: it lacks a migration (003_tags)`)
      expect(back.stdout).toContain(`\`tenantry up ${slug}\``)
      expect((await run('tenants', 'show', slug)).stdout).toContain('1 pending: 003_tags')
      expect((await json('up', slug)).summary.applied).toBe(1)
      expect((await run('tenants', 'show', slug)).stdout).toContain('✔ migrations of tenant: 3 applied')

      // Archived by `remove`; nothing is dropped by that, and it can come back.
      expect(await json('tenants', 'remove', slug)).toMatchObject({ result: 'archived', from: 'active', code: 0 })
      expect(await databasesLike(mark)).toEqual([database])
      expect((await json('tenants', 'activate', slug)).notices).toEqual([])
      expect((await json('tenants', 'archive', slug)).tenant.state).toBe('archived')

      // Data is dropped only when the slug is typed.
      for (const argv of [[], ['--yes'], ['--yes', 'acme'], ['--yes', `${slug}x`]]) {
        const asked = await json('tenants', 'remove', slug, '--drop-data', ...argv)
        expect(asked).toMatchObject({ ok: false, code: 2, error: { code: 'CONFIRMATION_MISSING' } })
        expect(asked.error.message).toMatch(
          new RegExp(`database main/${database} for good: \\d+ tables, about \\d+ rows`),
        )
        expect(asked.error.hint).toContain(`--drop-data --yes ${slug}`)
      }
      expect(await databasesLike(mark)).toEqual([database])
      const gone = await run('tenants', 'remove', slug, '--drop-data', '--yes', slug)
      expect([gone.code, gone.stdout]).toEqual([0, expect.stringContaining(`dropped the database main/${database}`)])
      expect(await databasesLike(mark)).toEqual([])
      expect(await sharedServer().query(`select 1 from pg_roles where rolname like '${mark}%'`)).toEqual([])
      expect((await json('tenants', 'list')).tenants).toEqual([])
      expect((await run('tenants', 'show', slug)).code).toBe(2)

      // Who did what stays, and holds no password.
      const audit = await project.registry.tenants.audit(slug)
      expect(audit.filter(({ action }) => action === 'state').map(({ from, to }) => `${from}>${to}`)).toEqual([
        'provisioning>active',
        'active>suspended',
        'suspended>active',
        'active>archived',
        'archived>active',
        'active>archived',
        'archived>removing',
      ])
      expect(audit.at(0)?.action).toBe('add')
      expect(audit.at(-1)?.action).toBe('remove')
      expect(new Set(audit.map(({ actor }) => actor))).toEqual(new Set(['ada']))
      expect(JSON.stringify(audit)).not.toContain(secret)
    }, 120_000)

    test('one that is there is taken in as active; one that is not waits for being made', async () => {
      const there = `${mark}_there`
      await sharedServer().query(`create database "${there}"`)
      const taken = await run('tenants', 'add', `${mark}a`, '--database', there)
      expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining(`added, active, in main/${there}`)])
      expect(taken.stdout).toContain('lacks 2 migrations (001_users, 002_notes)')
      const named = await json('tenants', 'add', `${mark}b`, '--database', `${mark}_nowhere`)
      expect(named).toMatchObject({ tenant: { state: 'provisioning' }, code: 0 })
      const unnamed = await json('tenants', 'add', `${mark}c`)
      expect(unnamed.tenant).toMatchObject({
        state: 'provisioning',
        target: expect.stringMatching(`main/${mark}c_\\d{8}`),
      })
      expect(unnamed.next).toMatchObject([{ command: `tenantry tenants provision ${mark}c` }])
      expect(await databasesLike(mark)).toEqual([there])
      const again = await json('tenants', 'add', `${mark}d`, '--database', there)
      expect(again).toMatchObject({ code: 2, error: { code: 'TENANT_EXISTS' } })
      expect((await json('tenants', 'activate', `${mark}c`)).error).toMatchObject({
        code: 'TENANT_STATE',
        hint: expect.stringContaining(`tenantry tenants provision ${mark}c`),
      })
      // What is not made yet is dropped, too: only its row is there.
      expect(await json('tenants', 'remove', `${mark}c`, '--drop-data', '--yes', `${mark}c`)).toMatchObject({
        result: 'dropped',
        dropped: { size: null },
      })
    }, 60_000)

    test('one that cannot be made says at which step and why, and how it goes on', async () => {
      project.write({ 'migrations/003_wrong.sql': 'create table wrong (id nothing);\n' })
      const slug = `${mark}-bad`
      const failed = await json('tenants', 'add', slug, '--provision')
      expect(failed).toMatchObject({ code: 1, ok: false })
      const shown = await json('tenants', 'show', slug)
      expect(shown).toMatchObject({
        tenant: { state: 'failed' },
        migrations: null,
        provision: { step: expect.any(String), isRunning: false, error: { code: expect.any(String) } },
        next: [{ command: `tenantry tenants provision ${slug}` }, {}, {}],
      })
      expect((await run('tenants', 'show', slug)).stdout).toMatch(/made +up to step \w+.*; stopped by [A-Z_]+: /)
      expect((await json('tenants', 'activate', slug)).error.code).toBe('TENANT_STATE')
      project.write({ 'migrations/003_wrong.sql': 'create table wrong (id int);\n' })
      expect(await json('tenants', 'provision', slug)).toMatchObject({
        code: 0,
        made: true,
        tenant: { state: 'active' },
      })
      expect((await json('tenants', 'show', slug)).provision).toMatchObject({ step: 'active', error: null })
    }, 120_000)

    test('import, and pages of the list', async () => {
      const lines = Array.from({ length: 250 }, (_, i) => `${mark}-${i},${mark}_${i},${i % 2 ? 'gold' : 'basic'}`)
      project.write({ 'tenants.csv': `slug,database,label.tier\n${lines.join('\n')}\n` })
      expect(await json('tenants', 'import', 'tenants.csv', '--dry-run')).toMatchObject({ tenants: 250, dryRun: true })
      expect((await json('tenants', 'list')).tenants).toEqual([])
      expect((await run('tenants', 'import', 'tenants.csv')).stdout).toContain('250 tenants added')
      const again = await json('tenants', 'import', 'tenants.csv')
      expect(again).toMatchObject({ code: 2, error: { code: 'TENANT_INVALID' } })
      expect(again.error.context.problems).toHaveLength(250)
      const slugs: string[] = []
      let pages = 0
      for (let after: string | null = null; ; pages++) {
        const page: { tenants: { slug: string }[]; next: string | null } = await json(
          ...['tenants', 'list', '--limit', '40', '--label', 'tier=gold'],
          ...(after === null ? [] : ['--after', after]),
        )
        slugs.push(...page.tenants.map(({ slug }) => slug))
        after = page.next
        if (after === null) break
      }
      expect(pages).toBe(3)
      expect(new Set(slugs).size).toBe(125)
      const text = await run('tenants', 'list', '--limit', '3')
      expect(text.stdout.split('\n')).toHaveLength(7)
      expect(text.stdout).toMatch(/the first 3; `--after \S+` shows those that follow/)
      expect((await project.registry.tenants.audit(`${mark}-7`)).map(({ action }) => action)).toEqual(['add'])
    }, 60_000)

    test('without a registry it says how to get one', async () => {
      project.write({
        'none/tenantry.config.json': JSON.stringify({ servers: {}, migrations: { dir: '../migrations' }, tenants: [] }),
      })
      const { code, stderr } = await project.run(['--config', join('none', 'tenantry.config.json'), 'tenants', 'list'])
      expect([code, stderr]).toEqual([2, expect.stringContaining("from: 'registry'")])
      expect(existsSync(join(project.dir, '.tenantry', 'registry.db'))).toBe(false)
    })
  })
}
