/** What is in the way of a new tenant is left as it is, and said; nothing of a secret gets out. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectMariadb } from '../../scripts/lib/mariadb-client.mjs'
import type { TenantryEvent } from '../../src/model/events.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

const migrations = {
  'migrations/001_clients.sql': `CREATE TABLE clients (id integer PRIMARY KEY, name varchar(80) NOT NULL);`,
  'migrations/002_first.sql': `INSERT INTO clients (id, name) VALUES (1, 'first');`,
}
let app: TestDatabase
let registry: TestDatabase
let project: ProvisionProject | undefined
const slugOf = () => `x${Math.random().toString(36).slice(2, 10)}`
const made: string[] = []

const start = async (config: string, servers: Record<string, unknown> = { main: { url: app.url } }) => {
  project = await makeProvisionProject(servers, registry.url, config, migrations)
  return project
}
const stateOf = async (slug: string) => (await project?.registry.tenants.find(slug))?.state ?? null

beforeEach(async () => {
  app = await freshDatabase('provision_attacks')
  registry = await freshDatabase('provision_attacks_registry')
})
afterEach(async () => {
  for (const name of made.splice(0)) await sharedServer().query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  project?.remove()
  project = undefined
  await app?.drop()
  await registry?.drop()
})

describe('what exists and was not made for the tenant', () => {
  test('a role with other rights is not touched', async () => {
    const { provision } = await start(`provision: { topology: 'schema' },`)
    const name = slugOf()
    await sharedServer().query(`CREATE ROLE "${name}" CREATEDB LOGIN PASSWORD 'theirs'`)
    const before = await sharedServer().query(
      `SELECT rolcreatedb, rolpassword FROM pg_authid WHERE rolname = '${name}'`,
    )
    await expect(provision({ slug: name, schema: name })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: expect.stringContaining(`role ${name} exists on main, and was not made for it. It was not touched.`),
      hint: expect.stringContaining('tenantry tenants remove'),
    })
    expect(
      await sharedServer().query(`SELECT rolcreatedb, rolpassword FROM pg_authid WHERE rolname = '${name}'`),
    ).toEqual(before)
    expect(await stateOf(name)).toBe('failed')
    expect(await app.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${name}'`)).toEqual([])
    await sharedServer().query(`DROP ROLE "${name}"`)
    expect(await provision({ slug: name })).toMatchObject({ made: true, from: 'failed', tenant: { state: 'active' } })
  })

  test('a database and a schema of that name are not touched', async () => {
    const { provision, open } = await start(`provision: { topology: 'database' },`)
    const name = slugOf()
    made.push(name)
    await sharedServer().query(`CREATE DATABASE "${name}"`)
    await sharedServer().query('CREATE TABLE theirs (id int); INSERT INTO theirs VALUES (7)', name)
    await expect(provision({ slug: name, database: name })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: expect.stringContaining(`database ${name} exists on main`),
    })
    expect(await sharedServer().query('SELECT id FROM theirs', name)).toEqual([{ id: 7 }])
    // Nor by taking away what is there of the tenant.
    const removed = await open((tenantry) => tenantry.tenants.remove(name, { dropData: true, yes: name }))
    expect(removed).toMatchObject({ ok: true, dropped: null, notices: [{ rule: 'place-kept' }] })
    expect(await sharedServer().query('SELECT id FROM theirs', name)).toEqual([{ id: 7 }])
    expect(await stateOf(name)).toBe(null)
    expect(await sharedServer().query(`SELECT 1 FROM pg_roles WHERE rolname = '${name}'`)).toEqual([])
    expect(await sharedServer().query(`SELECT 1 FROM pg_database WHERE datname LIKE 'tenantry\\_new\\_%'`)).toEqual([])
    const theirs = `theirs_${slugOf()}`
    const within = slugOf()
    await app.query(`CREATE SCHEMA ${theirs}; CREATE TABLE ${theirs}.rows (id int)`)
    await expect(
      provision({ slug: within, topology: 'schema', database: app.name, schema: theirs }),
    ).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: expect.stringContaining(`schema ${theirs} exists on main`),
    })
    await open((tenantry) => tenantry.tenants.remove(within, { dropData: true, yes: within }))
    expect(await app.query(`SELECT relname FROM pg_class WHERE relnamespace = '${theirs}'::regnamespace`)).toEqual([
      { relname: 'rows' },
    ])
  })
})

test('names with everything that SQL treats as its own are names', async () => {
  const { provision, open } = await start(`provision: { topology: 'database' },`)
  const wild = `${slugOf()}'); SELECT 1 \\ %I %s "; --`
  for (const database of [wild, `${wild.slice(0, 10)}'`]) {
    made.push(database)
    const slug = slugOf()
    expect(await provision({ slug, database })).toMatchObject({ ok: true, tenant: { state: 'active' } })
    await open((tenantry) => tenantry.tenants.remove(slug, { dropData: true, yes: slug }))
    const left = await sharedServer().query('SELECT 1 FROM pg_database WHERE datname = $1', undefined, [database])
    expect(left).toEqual([])
    expect(await sharedServer().query('SELECT 1 FROM pg_roles WHERE rolname = $1', undefined, [database])).toEqual([])
  }
  const schema = `${slugOf()}'"%I\\;--`
  const slug = slugOf()
  await provision({ slug, topology: 'schema', database: app.name, schema })
  await open((tenantry) => tenantry.tenants.remove(slug, { dropData: true, yes: slug }))
  expect(await app.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])).toEqual([])
})

test('without a key nothing is made', async () => {
  const { use, env } = await start(`provision: { topology: 'schema' },`)
  const slug = slugOf()
  const made = use((tenantry) => tenantry.provision({ slug }), { env: { PATH: env.PATH } })
  await expect(made).rejects.toMatchObject({
    code: 'KEY_INVALID',
    hint: expect.stringContaining('tenantry keys generate'),
  })
  expect(await stateOf(slug)).toBeNull()
})

test.each(["o'brien", 'a/../b', 'acme\u0000', 'Acme', 'x'.repeat(300), 'аcme'])(
  'the slug %j is refused before anything is asked',
  async (slug) => {
    const { provision } = await start(`provision: { topology: 'schema' },`)
    await expect(provision({ slug })).rejects.toMatchObject({ code: 'TENANT_INVALID' })
  },
)

describe('first rows', () => {
  test('are written as the tenant, before it is active, and once more after a failure', async () => {
    const own = await start(`provision: { topology: 'schema', firstRows: async ({ tenant, query }) => {
      const [me] = await query('SELECT current_user AS name')
      await query('INSERT INTO clients (id, name) VALUES (2, $1) ON CONFLICT DO NOTHING', [me.name])
      globalThis.tries = (globalThis.tries ?? 0) + 1
      if (globalThis.tries === 1) throw new Error('not yet')
      await query('INSERT INTO clients (id, name) VALUES (3, $1)', [tenant.slug])
    } },`)
    const slug = slugOf()
    await expect(own.provision({ slug })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: expect.stringContaining('not yet'),
      context: { step: 'first-rows' },
    })
    expect(await stateOf(slug)).toBe('failed')
    expect((await own.up()).summary.targets).toBe(0)
    await own.provision({ slug })
    const tenant = await own.registry.tenants.find(slug)
    expect(await app.query(`SELECT name FROM "${tenant?.placement.schema}".clients ORDER BY id`)).toEqual([
      { name: 'first' },
      { name: tenant?.placement.schema },
      { name: slug },
    ])
  })

  test('that change the schema keep the tenant from becoming active', async () => {
    const own = await start(
      `scratch: { server: 'main' }, provision: { topology: 'schema', role: false, firstRows: ({ query }) => query('CREATE TABLE extra (id int)') },`,
    )
    const slug = slugOf()
    await expect(own.provision({ slug })).rejects.toMatchObject({
      code: 'VERIFY_FAILED',
      message: expect.stringContaining('table extra is extra'),
    })
    expect(await stateOf(slug)).toBe('failed')
  })
})

test('a migration that fails leaves a tenant that is gone on with once it is mended', async () => {
  const own = await start(`provision: { topology: 'database' },`)
  own.write({ 'migrations/003_wrong.sql': 'CREATE TABLE wrong (id no_such_type);' })
  const slug = slugOf()
  await expect(own.provision({ slug })).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    context: { migration: '003_wrong', tenant: slug },
  })
  expect(await stateOf(slug)).toBe('failed')
  own.write({ 'migrations/003_wrong.sql': 'CREATE TABLE wrong (id int);' })
  const report = await own.provision({ slug })
  made.push(report.tenant.target.split('/')[1] ?? '')
  expect(report).toMatchObject({ source: 'template', tenant: { state: 'active' } })
  expect(
    await sharedServer().query(
      `SELECT count(*)::int AS n FROM pg_database WHERE datname LIKE 'tenantry\\_template\\_%\\_new'`,
    ),
  ).toEqual([{ n: 0 }])
})

test('a disk that is full while a database is made: said with its code, nothing left, gone on with later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-full-'))
  let mounted = false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
    mounted = true
    mkdirSync(join(folder, 'data'))
    const own = await start(`provision: { topology: 'database', from: 'replay' },`, {
      main: { url: `sqlite:${join(folder, 'data')}/` },
    })
    own.write({
      'migrations/003_much.sql': `CREATE TABLE much (body text); INSERT INTO much WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT hex(randomblob(100)) FROM n;`,
    })
    const slug = slugOf()
    await expect(own.provision({ slug })).rejects.toMatchObject({ message: expect.stringContaining('full') })
    expect(await stateOf(slug)).toBe('failed')
    execFileSync('mount', ['-o', 'remount,size=8m', folder])
    expect(await own.provision({ slug })).toMatchObject({ made: true, tenant: { state: 'active' } })
  } finally {
    if (mounted) execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  }
})

test('SQLite: tenants are copies of one file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-files-'))
  try {
    const own = await start(`scratch: { server: 'main' }, provision: { topology: 'database' },`, {
      main: { url: `sqlite:${folder}/` },
    })
    const [one, two] = [await own.provision({ slug: slugOf() }), await own.provision({ slug: slugOf() })]
    expect([one, two]).toMatchObject([
      { made: true, source: 'template', verified: true },
      { made: true, source: 'template', verified: true },
    ])
    expect((await own.up()).summary).toMatchObject({ targets: 2, upToDate: 2 })
    expect(await own.open((tenantry) => tenantry.drift())).toMatchObject({ ok: true })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

withMariadb('MariaDB', () => {
  test('a tenant has its own account, which cannot see another tenant', async () => {
    const database = await freshMariadb('provision')
    const own = await start(`scratch: { server: 'main' }, provision: { topology: 'database' },`, {
      main: { url: database.url },
    })
    const slug = slugOf()
    const reports = [await own.provision({ slug: `${slug}a` }), await own.provision({ slug: `${slug}b` })]
    expect(reports).toMatchObject([
      { made: true, verified: true },
      { made: true, verified: true },
    ])
    const [mine, other] = reports.map(({ tenant }) => tenant.target.split('/')[1] ?? '')
    const { user, password } = await own.credential(`${slug}a`)
    const { host, port } = sharedMariadb() as unknown as { host: string; port: number }
    const client = connectMariadb({ host, port, user, password })
    expect(await client.query('SELECT name FROM clients', mine)).toEqual([{ name: 'first' }])
    await expect(client.query('SELECT * FROM clients', other)).rejects.toThrow(/denied/i)
    // An underscore in a grant stands for any character.
    const likeIt = `${mine?.replace('_', 'x')}`
    await sharedMariadb().query(`CREATE DATABASE \`${likeIt}\``)
    await expect(client.query('SELECT 1', likeIt)).rejects.toThrow(/denied/i)
    await expect(client.query('CREATE TABLE own (id int)', mine)).rejects.toThrow(/denied/i)
    expect(await own.provision({ slug: `${slug}a` })).toMatchObject({ made: false })
    for (const name of [mine, other, likeIt]) await sharedMariadb().query(`DROP DATABASE \`${name}\``)
    await database.drop()
  })
})

test('no password of a new tenant is in any event, report, error or statement log', async () => {
  const own = await start(`provision: { topology: 'schema', firstRows: () => { throw new Error('boom') } },`)
  const events: TenantryEvent[] = []
  const slug = slugOf()
  const error = await own
    .provision({ slug }, (event) => events.push(event))
    .then(
      () => null,
      (reason: unknown) => reason,
    )
  const { password } = await own.credential(slug)
  const texts = [
    JSON.stringify(events),
    JSON.stringify(error),
    String(error),
    JSON.stringify(await own.registry.tenants.audit(slug)),
  ]
  for (const text of texts) expect(text).not.toContain(password)
  const rows = await registry.query('SELECT * FROM tenantry_provisions')
  expect(JSON.stringify(rows)).not.toContain(password)
})
