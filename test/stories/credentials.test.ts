/** Tenants that log in with credentials of their own, and passwords that come out nowhere. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { actor, newTenant, openProjectRegistry, runWith } from './credential-project.ts'
import { countResults, makeProject, type Project } from './project.ts'

/** With every character that a URL, a shell, a JSON document or a connection string treats as its own. */
const password = `Pl4nt3d@:/%'"\\\n?#& [x]$\`end`
const wrongPassword = `Wr0ngOne@:/%'"\\\n?#& end`
const key = { MASTER_ENCRYPTION_KEY: `${'k'.repeat(31)}!`, DB_ENCRYPTION_KEY: 'your-32-character-secret-key!!??' }

let project: Project
/** What the last command showed. */
let _said = ''

beforeEach(() => {
  project = makeProject()
  project.write({ 'migrations/001_marks.sql': 'CREATE TABLE marks (name text);' })
})
afterEach(() => project.remove())

/** The secrets in any spelling that gives them away. */
const spellings = [password, wrongPassword, key.MASTER_ENCRYPTION_KEY, key.DB_ENCRYPTION_KEY].flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
  secret.slice(0, 8),
])

function expectClean(text: string, what: string): void {
  for (const spelling of spellings) expect(text.includes(spelling), `${what}: ${text}`).toBe(false)
}

/** Runs a command, looks at all that it shows, and gives its exit code. */
async function run(argv: readonly string[], env: NodeJS.ProcessEnv = key, input?: string): Promise<number | null> {
  const options = { env, ...(input === undefined ? {} : { input }) }
  const { code, stdout, stderr, processList } = await runWith(project, argv, options)
  _said = `${argv.join(' ')}\n${stdout}${stderr}`
  const isPlanted = argv.some((word) => word.includes(password))
  if (!isPlanted) expectClean([...processList].join('\n'), 'the process list')
  expect(stdout.length + stderr.length, argv.join(' ')).toBeGreaterThan(0)
  expectClean(stdout + stderr, argv.join(' '))
  return code
}

function expectCleanFiles(dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const { parentPath, name } of files)
    expectClean(readFileSync(join(parentPath, name)).toString('latin1'), join(parentPath, name))
  return files.length
}

/** A database with a role of its own whose password is the wild one. */
interface OwnPlace {
  database: string
  role: string
  /** `host:port`. */
  address: string
  scheme: string
  tables(): Promise<number>
  drop(): Promise<void>
}

async function makePostgres(): Promise<OwnPlace> {
  const database: TestDatabase = await freshDatabase('credentials')
  const role = `${database.name}_role`
  const literal = `E'${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  await database.server.query(`CREATE ROLE "${role}" LOGIN PASSWORD ${literal}`)
  await database.server.query(`ALTER DATABASE "${database.name}" OWNER TO "${role}"`)
  await database.query(`ALTER SCHEMA public OWNER TO "${role}"`)
  return {
    database: database.name,
    role,
    address: new URL(database.url).host,
    scheme: 'postgres',
    tables: async () => (await database.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).length,
    drop: async () => {
      await database.drop()
      await database.server.query(`DROP ROLE "${role}"`)
    },
  }
}

async function makeMariadb(): Promise<OwnPlace> {
  const database: MariadbDatabase = await freshMariadb('credentials')
  const role = database.name.slice(0, 30)
  const literal = `'${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  await database.server.query(`CREATE USER '${role}'@'%' IDENTIFIED BY ${literal}`)
  await database.server.query(`GRANT ALL ON \`${database.name}\`.* TO '${role}'@'%'`)
  return {
    database: database.name,
    role,
    address: new URL(database.url).host,
    scheme: 'mysql',
    tables: async () => (await database.query('SHOW TABLES')).length,
    drop: async () => {
      await database.drop()
      await database.server.query(`DROP USER '${role}'@'%'`)
    },
  }
}

function story(make: () => Promise<OwnPlace>): void {
  const count = 3
  const places: OwnPlace[] = []

  beforeEach(async () => {
    for (let i = 0; i < count; i++) places.push(await make())
    const [first] = places as [OwnPlace]
    project.configure({
      servers: { main: { url: `${first.scheme}://${first.address}/` } },
      registry: {},
      tenants: { from: 'registry' },
      connectTimeoutMs: 5000,
    })
    const registry = await openProjectRegistry(project)
    await registry.tenants.add(
      places.map(({ database }, i) => newTenant(`t${i}`, 'main', database)),
      actor,
    )
    await registry.close()
  })
  afterEach(async () => {
    for (const place of places.splice(0)) await place.drop()
  })

  test('each tenant is migrated as its own role; no password comes out of any command, whatever goes wrong', {
    timeout: 180_000,
  }, async () => {
    const set = (slug: string, how: readonly string[], env: NodeJS.ProcessEnv = key, input?: string) =>
      run(
        ['tenants', 'set-credentials', slug, '--user', places[Number(slug.slice(1))]?.role ?? 'x', ...how],
        env,
        input,
      )
    expect(await set('t0', ['--password-stdin'], key, `${password}\n`)).toBe(0)
    project.write({ 'secret.txt': `${password}\n`, 'migrations/002_fails.sql': 'SELECT * FROM nowhere;' })
    expect(await set('t1', ['--password-ref', 'file:secret.txt'])).toBe(0)
    expect(await set('t2', ['--password-ref', 'env:T2_PASSWORD', '--json'])).toBe(0)
    const env = { ...key, T2_PASSWORD: password }

    for (const form of [[], ['--json'], ['--log-format', 'json', '--verbose']]) {
      expect(await run(['plan', ...form], env)).toBe(0)
      expect(await run(['up', ...form], env)).toBe(1)
      expect(await run(['status', ...form], env)).toBe(0)
      expect(await run(['keys', 'check', ...form], env)).toBe(0)
      expect(await run(['keys', 'rotate', ...form], env)).toBe(0)
    }
    for (const { tables } of places) expect(await tables()).toBeGreaterThanOrEqual(2)

    // A wrong password, no password, a key that is missing, one that is wrong, one that has the wrong length.
    for (const form of [['--verbose'], ['--json']]) {
      expect(await run(['up', ...form], { ...env, T2_PASSWORD: wrongPassword })).toBe(1)
      expect(await run(['up', ...form], key)).toBe(2)
      expect(await run(['up', ...form], { T2_PASSWORD: password })).toBe(2)
      expect(await run(['up', ...form], { ...env, MASTER_ENCRYPTION_KEY: 'x'.repeat(32) })).toBe(2)
      expect(await run(['keys', 'check', ...form], { ...env, MASTER_ENCRYPTION_KEY: 'x'.repeat(32) })).toBe(3)
      const long = { ...env, MASTER_ENCRYPTION_KEY: `${key.MASTER_ENCRYPTION_KEY}!` }
      expect(await run(['up', ...form], long)).toBe(2)
      expect(await run(['keys', 'check', ...form], long)).toBe(2)
      expect(await run(['keys', 'rotate', ...form], long)).toBe(2)
    }
    // Passwords where they do not belong, and what fails to give one.
    expect(await set('t0', ['--password', password])).toBe(2)
    expect(await set('t0', [`--password=${password}`])).toBe(2)
    expect(await set('t0', ['--password-stdin', '--password-ref', 'env:X'], key, password)).toBe(2)
    expect(await set('t0', ['--password-ref', password])).toBe(2)
    expect(await set('t0', ['--password-stdin'], {}, password)).toBe(2)
    expect(await set('t9', ['--password-stdin'], key, password)).toBe(2)
    expect(await set('t1', ['--password-ref', 'command:cat secret.txt >&2; cat secret.txt; exit 3'])).toBe(0)
    expect(await run(['up', '--verbose'], env)).toBe(2)
    expect(await set('t1', ['--password-ref', 'command:cat secret.txt'])).toBe(0)
    project.write({ 'migrations/002_fails.sql': 'CREATE TABLE more (name text);' })
    expect(await run(['up', '--json'], env)).toBe(0)

    // The registry's file is in the state folder, with the audit; rollouts are, too.
    expect(expectCleanFiles(join(project.dir, '.tenantry'))).toBeGreaterThan(5)
    const registry = await openProjectRegistry(project)
    const audit = await registry.tenants.audit('t1')
    await registry.close()
    expect(audit.filter(({ action }) => action === 'credential').map(({ to }) => to)).toEqual([
      'reference (file)',
      'reference (command)',
      'reference (command)',
    ])
  })

  test('a library that prints what it was given prints no password', async () => {
    const events: unknown[] = []
    const role = places[0]?.role ?? ''
    const options = { env: { ...key }, emit: (event: unknown) => events.push(event) }
    const shown = await project.use(async (tenantry) => {
      for (const slug of ['t0', 't1', 't2'])
        await tenantry.keys.setCredential(slug, {
          user: role,
          password: new Secret(slug === 't0' ? password : wrongPassword),
        })
      const report = await tenantry.up()
      const codes = countResults(report)
      expect(codes).toEqual({ applied: 1, 'failed AUTHENTICATION_FAILED': 2 })
      return inspect([report, tenantry, events], { depth: 30, showHidden: true }) + JSON.stringify([report, events])
    }, options)
    expectClean(shown, 'inspect')
  })
}

describe('PostgreSQL', () => story(makePostgres))
withMariadb('MariaDB', () => story(makeMariadb))
