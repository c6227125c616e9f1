/** One database, Sequelize: what the guide of this team says, done; and the issues it lists, solved. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../servers/need.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { sharedServer } from '../servers/shared.ts'
import { type TlsFixture, tlsFixture } from '../servers/tls.ts'
import { describeGuide, type Example, openExample, serve } from './example.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const server = sharedServer()
const database = `mydb_${randomBytes(4).toString('hex')}`
const made = new Set<string>()
let example: Example

const query = (sql: string, name = database) => server.query(sql, name)
const history = async (name = database) =>
  (await query('SELECT name FROM "SequelizeMeta" ORDER BY name', name)).map(({ name }) => name)
const hasTable = async (table: string, name = database) =>
  (await query(`SELECT to_regclass('public.${table}') IS NOT NULL AS there`, name))[0]?.there === true
const files = () => readdirSync(join(example.dir, 'migrations')).sort()

async function createDatabase(name: string): Promise<void> {
  await server.query(`CREATE DATABASE "${name}"`)
  made.add(name)
}

beforeAll(async () => {
  const { host, port, user, password } = server
  const env = { DB_HOST: host, DB_PORT: String(port), DB_USER: user, DB_PASS: password, DB_NAME: database }
  example = openExample('sequelize-single', env)
  await createDatabase(database)
})

afterAll(async () => {
  example?.remove()
  for (const name of made) await server.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
})

describeGuide('sequelize-single', [
  {
    command: 'npm run migrate:up',
    shows: 'every migration of the history table is applied, in the order of its time stamp',
    async check() {
      await example.ok('npm run migrate:up')
      expect(await history()).toEqual(files())
      for (const table of ['users', 'organizations', 'plans', 'system_config']) expect(await hasTable(table)).toBe(true)
      const columns = await query(
        "SELECT table_name AS t FROM information_schema.columns WHERE column_name = 'deleted_at' AND table_schema = 'public' ORDER BY 1",
      )
      expect(columns.map(({ t }) => t)).toEqual([
        'one_time_purchases',
        'organization_members',
        'organizations',
        'subscriptions',
        'users',
      ])
    },
  },
  {
    command: 'npm run migrate:down',
    shows: 'the last migration is undone, and it alone',
    async check() {
      await example.ok('npm run migrate:down')
      expect(await history()).toEqual(files().slice(0, -1))
      const columns = await query(
        "SELECT 1 FROM information_schema.columns WHERE table_name = 'subscriptions' AND column_name = 'deleted_at'",
      )
      expect(columns).toEqual([])
    },
  },
  {
    command: ['npx sequelize-cli db:migrate', 'npx sequelize-cli db:migrate:undo'],
    shows: 'the tool goes on where tenantry is, and the other way round',
    async check() {
      await example.ok('npx sequelize-cli db:migrate')
      expect(await history()).toEqual(files())
      const { stdout } = await example.ok('npm run migrate:up')
      expect(stdout).toContain('1 up-to-date')
      await example.ok('npx sequelize-cli db:migrate:undo')
      expect(await history()).toEqual(files().slice(0, -1))
      await example.ok('npm run migrate:up')
      expect((await example.ok('npx sequelize-cli db:migrate:status')).stdout).not.toMatch(/^down/m)
    },
  },
  {
    command: 'npm run migrate:create -- --name descriptive-migration-name',
    shows: 'a new file with the current time stamp, and up and down in it',
    async check() {
      const before = files()
      await example.ok('npm run migrate:create -- --name descriptive-migration-name')
      const [file = ''] = files().filter((name) => !before.includes(name))
      expect(file).toMatch(/^20\d{12}-descriptive-migration-name\.js$/)
      expect(example.read(`migrations/${file}`)).toMatch(/'use strict'[\s\S]*up[\s\S]*down/)
      rmSync(join(example.dir, 'migrations', file))
    },
  },
  {
    command: 'npm start',
    shows: 'migrations and seeds are there before the server listens',
    async check() {
      const name = `${database}_start`
      await createDatabase(name)
      const served = await serve(example, 'npm start', { DB_NAME: name })
      const roles = await fetch(`${served.url}/roles`)
      expect(await roles.json()).toEqual([{ name: 'Admin' }, { name: 'Member' }, { name: 'Owner' }])
      await served.stop()
      expect(await history(name)).toEqual(files())
    },
  },
])

describe('what the guide of sequelize-single promises besides', () => {
  test('the test database is migrated by itself', async () => {
    await createDatabase(`${database}_test`)
    await example.ok('NODE_ENV=test npm run migrate:up')
    expect(await history(`${database}_test`)).toEqual(files())
  })

  test('the name of a database may contain hyphens', async () => {
    const name = `my-db-${randomBytes(4).toString('hex')}`
    await createDatabase(name)
    await example.ok(`DB_NAME=${name} npm run migrate:up`)
    expect(await history(name)).toEqual(files())
    await example.ok(`DB_NAME=${name} npm run migrate:down`)
    expect(await history(name)).toEqual(files().slice(0, -1))
  })

  test('a migration that fails starts no server, and leaves nothing of itself', async () => {
    const broken = 'migrations/20990101000000-broken.js'
    example.write({
      [broken]: `module.exports = {
        up: async (queryInterface, Sequelize) => {
          await queryInterface.createTable('half', { id: Sequelize.INTEGER })
          await queryInterface.sequelize.query('SELECT 1 / 0')
        },
        down: async (queryInterface) => queryInterface.dropTable('half'),
      }`,
    })
    const { code, stdout } = await example.run('PORT=0 npm start')
    expect([code, stdout]).toEqual([1, expect.stringContaining('20990101000000-broken')])
    expect(stdout).not.toContain('Listening')
    expect(await hasTable('half')).toBe(false)
    expect(await history()).not.toContain('20990101000000-broken.js')
    rmSync(join(example.dir, broken))
  })
})

describe('the issues that the guide of sequelize-single lists', () => {
  test('soft delete columns that came late are filled for the rows that were there before', async () => {
    await query(`INSERT INTO organizations (name, slug, status, updated_at) VALUES
      ('Acme', 'acme', 'active', '2026-01-30'), ('Gone', 'gone', 'deleted', '2026-02-01')`)
    const { stdout } = await example.ok('npm run data -- run 001_deleted_organizations')
    expect(stdout).toContain('001_deleted_organizations')
    expect(await query('SELECT slug, deleted_at = updated_at AS same FROM organizations ORDER BY slug')).toEqual([
      { slug: 'acme', same: null },
      { slug: 'gone', same: true },
    ])
    // The models that are paranoid see it so.
    const served = await serve(example, 'node src/server.js')
    expect(await (await fetch(`${served.url}/organizations`)).json()).toEqual([{ name: 'Acme', slug: 'acme' }])
    await served.stop()
  })

  test('every down is proved, and one that leaves something behind is found', async () => {
    const prove = async () => {
      const { code, stdout } = await example.run('npm run --silent migrate:prove -- --env development --json')
      return { code, migrations: JSON.parse(stdout).migrations as { migration: string; verdict: string }[] }
    }
    const { code, migrations } = await prove()
    expect(code).toBe(0)
    expect(migrations.map(({ migration, verdict }) => `${migration}.js ${verdict}`)).toEqual(
      files().map((file) => expect.stringMatching(new RegExp(`^${file} (reversible|lossy)$`))),
    )
    example.write({
      'migrations/20990101000000-forgets.js': `module.exports = {
        up: async (queryInterface, Sequelize) => queryInterface.createTable('left_behind', { id: Sequelize.INTEGER }),
        down: async (queryInterface) => queryInterface.sequelize.query('SELECT 1'),
      }`,
    })
    const again = await prove()
    expect(again.code).toBe(3)
    expect(again.migrations.at(-1)).toMatchObject({ migration: '20990101000000-forgets', verdict: 'broken' })
    rmSync(join(example.dir, 'migrations/20990101000000-forgets.js'))
  })

  test('roles, permissions and system config values are seeded, twice the same', async () => {
    const rows = () =>
      query(`SELECT r.name, string_agg(p.code, ' ' ORDER BY p.code) AS may FROM roles r
        JOIN role_permissions l ON l.role_id = r.id JOIN permissions p ON p.id = l.permission_id GROUP BY 1 ORDER BY 1`)
    for (let run = 0; run < 2; run++) {
      await example.ok('npx tenantry seed')
      expect(await rows()).toEqual([
        { name: 'Admin', may: 'members.manage tools.use' },
        { name: 'Member', may: 'tools.use' },
        { name: 'Owner', may: 'billing.manage members.manage tools.use' },
      ])
      expect(await query('SELECT key, value FROM system_config ORDER BY key')).toEqual([
        { key: 'signup.open', value: true },
        { key: 'trial.days', value: 14 },
      ])
    }
  })

  test('containers that start at once migrate once, and all of them serve', async () => {
    const name = `${database}_race`
    await createDatabase(name)
    const served = await Promise.all([1, 2, 3].map(() => serve(example, 'npm start', { DB_NAME: name })))
    for (const { url } of served) expect((await fetch(`${url}/roles`)).status).toBe(200)
    await Promise.all(served.map(({ stop }) => stop()))
    expect(await history(name)).toEqual(files())
    // The ledger has one line for each: nothing was tried twice.
    const runs = await query('SELECT count(*)::int AS n FROM tenantry_ledger', name)
    expect(runs).toEqual([{ n: files().length }])
  })

  test('a production install has no development packages, and migrates', { timeout: 180_000 }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tenantry-production-'))
    try {
      const npm = (args: string[], cwd: string) => {
        const ended = spawnSync('npm', [...args, '--no-audit', '--no-fund'], {
          cwd,
          encoding: 'utf8',
          env: process.env,
        })
        expect(`npm ${args[0]}: ${ended.status} ${ended.status === 0 ? '' : ended.stderr}`).toBe(`npm ${args[0]}: 0 `)
        return ended.stdout
      }
      const [packed = ''] = npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], root)
        .trim()
        .split('\n')
        .slice(-1)
      const source = JSON.parse(example.read('package.json'))
      source.dependencies.tenantry = `file:./${packed}`
      const copy = openExample('sequelize-single', example.env)
      rmSync(join(copy.dir, 'node_modules'), { recursive: true })
      copy.write({ 'package.json': JSON.stringify(source) })
      writeFileSync(join(copy.dir, packed), readFileSync(join(dir, packed)))
      npm(['install', '--package-lock-only'], copy.dir)
      npm(['ci', '--omit=dev'], copy.dir)
      expect(existsSync(join(copy.dir, 'node_modules/sequelize-cli'))).toBe(false)
      const name = `${database}_production`
      await createDatabase(name)
      await copy.ok('npm run migrate:up', { DB_NAME: name })
      expect(await history(name)).toEqual(files())
      copy.remove()
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})

needs('openssl')('the certificate of the production database', () => {
  let tls: TlsFixture
  let secured: PostgresServer

  beforeAll(async () => {
    tls = tlsFixture()
    secured = await startPostgres({ tls: tls.server, hba: 'hostssl all all 127.0.0.1/32 scram-sha-256' })
  })
  afterAll(async () => {
    await secured?.stop()
    tls?.remove()
  })

  test('is verified with its authority; another authority is refused before anything is sent', async () => {
    const env = {
      NODE_ENV: 'production',
      DB_HOST: '127.0.0.1',
      DB_PORT: String(secured.port),
      DB_USER: secured.user,
      DB_PASS: secured.password,
      DB_NAME: 'postgres',
    }
    const refused = await example.run('npm run migrate:up', { ...env, DB_SSL_CA: tls.strangerCa })
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('TLS')])
    const none = await example.run('npm run migrate:up', env)
    expect(none.code).toBe(1)
    await example.ok('npm run migrate:up', { ...env, DB_SSL_CA: tls.ca })
    expect(await secured.query('SELECT name FROM "SequelizeMeta" ORDER BY name')).toHaveLength(files().length)
    // The application connects in the same way.
    const served = await serve(example, 'node src/server.js', { ...env, DB_SSL_CA: tls.ca })
    expect((await fetch(`${served.url}/organizations`)).status).toBe(200)
    await served.stop()
  })
})
