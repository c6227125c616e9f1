/** The registry's own life: made by one command only, by many at once, and left alone where it is newer. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { newestVersion, ownTables } from '../../src/registry/schema.ts'
import { freshDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project, resultOf } from './project.ts'

interface RegistryPlace {
  url: string
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

async function freshFile(): Promise<RegistryPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-registry-'))
  const bounds = { port: 0, tls: null, maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  const server = { name: 'registry', dialect: 'sqlite' as const, host: '', directory, ...bounds }
  return {
    url: `sqlite:${join(directory, 'book.db')}`,
    async query(sql) {
      const connection = await sqlite.connect(server, 'book.db', { connectTimeoutMs: 5000, applicationName: 'test' })
      return connection.query(sql).finally(() => connection.close())
    },
    drop: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

const kinds = [
  { name: 'PostgreSQL', within: describe, fresh: () => freshDatabase('registry') },
  { name: 'MariaDB', within: withMariadb, fresh: () => freshMariadb('registry') },
  { name: 'SQLite', within: describe, fresh: freshFile },
] satisfies { name: string; within: (title: string, define: () => void) => void; fresh(): Promise<RegistryPlace> }[]

for (const { name, within, fresh } of kinds) {
  within(`a registry on ${name}`, () => {
    let project: Project
    let place: RegistryPlace

    beforeEach(async () => {
      project = makeProject()
      place = await fresh()
      project.configure({
        servers: { main: { url: 'postgres://somebody:pw@127.0.0.1:1/none' } },
        tenants: { from: 'registry' },
        registry: { url: place.url },
      })
      project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
    })

    afterEach(async () => {
      project.remove()
      await place.drop()
    })

    it('is made by `registry migrate` and by nothing else', async () => {
      for (const argv of [['status'], ['up'], ['tenants', 'list'], ['plan']]) {
        const ended = await project.run([...argv, '--json'])
        expect([argv, ended.code, JSON.parse(ended.stdout).error?.code]).toEqual([argv, 2, 'REGISTRY_MISSING'])
        expect(JSON.parse(ended.stdout).error.hint).toContain('tenantry registry migrate')
      }
      const before = await project.run(['registry', 'status', '--json'])
      expect(before.code).toBe(0)
      expect(JSON.parse(before.stdout)).toMatchObject({
        command: 'registry status',
        ok: false,
        registry: { state: 'missing', version: null, newest: newestVersion, pending: [1] },
      })
      const made = await project.run(['registry', 'migrate', '--json'])
      expect(JSON.parse(made.stdout)).toMatchObject({
        command: 'registry migrate',
        ok: true,
        registry: { state: 'ready', version: newestVersion, applied: [1] },
        migrations: null,
      })
      expect(made.code).toBe(0)
      const again = await project.run(['registry', 'migrate', '--json'])
      expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, registry: { applied: [] } })
      expect((await project.run(['tenants', 'list', '--json'])).code).toBe(0)
    })

    it('is made once by ten processes at once', async () => {
      const ended = await Promise.all(Array.from({ length: 10 }, () => project.run(['registry', 'migrate', '--json'])))
      expect(ended.map(({ code, stdout }) => (code === 0 ? 0 : stdout))).toEqual(Array(10).fill(0))
      const applied = ended.map(({ stdout }) => JSON.parse(stdout).registry.applied.length)
      expect(applied.sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, newestVersion])
      const rows = await place.query(`SELECT version FROM ${ownTables.version}`)
      expect(rows.map(({ version }) => Number(version))).toEqual([1])
    }, 120_000)

    it('of a newer version is left alone by every command', async () => {
      await project.run(['registry', 'migrate'])
      await place.query(`INSERT INTO ${ownTables.version} (version, applied_at) VALUES (99, 'later')`)
      for (const argv of [
        ['registry', 'migrate'],
        ['status'],
        ['tenants', 'list'],
        ['tenants', 'add', 'acme', '--database', 'x'],
      ]) {
        const { code, stdout } = await project.run([...argv, '--json'])
        expect([argv, code, JSON.parse(stdout).error?.code]).toEqual([argv, 2, 'REGISTRY_NEWER'])
      }
      const status = await project.run(['registry', 'status', '--json'])
      expect(JSON.parse(status.stdout)).toMatchObject({ ok: false, registry: { state: 'newer', version: 99 } })
      expect(await place.query(`SELECT slug FROM ${ownTables.tenants}`)).toEqual([])
      expect(await place.query(`SELECT version FROM ${ownTables.version} ORDER BY version`)).toHaveLength(2)
    })

    it('of an older version is left alone until it is migrated', async () => {
      await project.run(['registry', 'migrate'])
      await place.query(`UPDATE ${ownTables.version} SET version = 0`)
      for (const argv of [['status'], ['tenants', 'list']]) {
        const { code, stdout } = await project.run([...argv, '--json'])
        expect([argv, code, JSON.parse(stdout).error?.code]).toEqual([argv, 2, 'REGISTRY_OUTDATED'])
        expect(JSON.parse(stdout).error.hint).toContain('tenantry registry migrate')
      }
      expect((await project.run(['registry', 'migrate'])).code).toBe(0)
      expect((await project.run(['tenants', 'list'])).code).toBe(0)
    })

    it("runs the team's own migrations of its database, and tells of both", async () => {
      project.configure({
        servers: { main: { url: 'postgres://somebody:pw@127.0.0.1:1/none' } },
        tenants: { from: 'registry' },
        registry: { url: place.url, migrations: { dir: './registry-migrations' } },
      })
      project.write({
        'registry-migrations/001_usage.sql': 'CREATE TABLE usage_records (id integer);',
        'registry-migrations/002_bad.sql': 'CREATE TABLE usage_records (id integer);',
      })
      const failed = await project.run(['registry', 'migrate', '--json'])
      const report = JSON.parse(failed.stdout)
      expect(failed.code).toBe(1)
      expect(report).toMatchObject({ ok: false, registry: { state: 'ready' }, migrations: { summary: { failed: 1 } } })
      expect(report.migrations.targets[0]).toMatchObject({
        set: 'registry',
        applied: ['001_usage'],
        failed: ['002_bad'],
      })
      project.write({ 'registry-migrations/002_bad.sql': 'CREATE TABLE more_records (id integer);' })
      expect(JSON.parse((await project.run(['registry', 'status', '--json'])).stdout)).toMatchObject({ ok: false })
      expect((await project.run(['registry', 'migrate'])).code).toBe(0)
      const status = JSON.parse((await project.run(['registry', 'status', '--json'])).stdout)
      expect(status).toMatchObject({ ok: true, migrations: { targets: [{ pending: [], failed: [] }] } })
      expect(await place.query('SELECT * FROM more_records')).toEqual([])
    })
  })
}

describe('the embedded registry', () => {
  let project: Project

  beforeEach(() => {
    project = makeProject()
    project.configure({
      servers: { main: { url: 'postgres://somebody:pw@127.0.0.1:1/none' } },
      tenants: { from: 'registry' },
    })
    project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
  })

  afterEach(() => project.remove())

  it('is a file that only its owner may read, and that no other command makes', async () => {
    const file = join(project.dir, '.tenantry', 'registry.db')
    for (const argv of [['status'], ['up'], ['tenants', 'list'], ['tenants', 'add', 'acme', '--database', 'x']]) {
      const { code, stdout } = await project.run([...argv, '--json'])
      expect([argv, code, JSON.parse(stdout).error?.code]).toEqual([argv, 2, 'REGISTRY_MISSING'])
    }
    expect((await project.run(['registry', 'status'])).code).toBe(0)
    expect(existsSync(file)).toBe(false)
    const made = await project.run(['registry', 'migrate'])
    expect([made.code, made.stderr]).toEqual([0, expect.any(String)])
    expect(made.stdout).toContain('registry.db: tables made, version 1')
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
  })
})

describe('the fleet of a registry', () => {
  let project: Project
  const places: { drop(): Promise<void> }[] = []

  beforeEach(() => {
    project = makeProject()
    project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
  })

  afterEach(async () => {
    project.remove()
    for (const place of places.splice(0)) await place.drop()
  })

  async function fleetOf(count: number) {
    const registry = await freshDatabase('registry')
    const database = await freshDatabase('fleet')
    places.push(registry, database)
    await database.query(Array.from({ length: count }, (_, i) => `CREATE SCHEMA t_${i + 1};`).join('\n'))
    project.configure({
      servers: { main: { url: database.url } },
      tenants: { from: 'registry' },
      registry: { url: registry.url },
      concurrency: 1,
    })
    await project.use(async (tenantry) => {
      await tenantry.registry.migrate()
      for (let i = 1; i <= count; i++)
        await tenantry.tenants.add(`t${i}`, {
          topology: 'schema',
          database: database.name,
          schema: `t_${i}`,
          state: 'active',
        })
    })
    return { registry, database }
  }

  it('is migrated; who is suspended is left out', async () => {
    const { database } = await fleetOf(3)
    await project.use((tenantry) => tenantry.tenants.suspend('t2'))
    const report = await project.up()
    expect(report).toMatchObject({ ok: true, summary: { targets: 2, applied: 2 } })
    const tables = await database.query("SELECT schemaname FROM pg_tables WHERE tablename = 'a' ORDER BY 1")
    expect(tables).toEqual([{ schemaname: 't_1' }, { schemaname: 't_3' }])
  })

  it('may be in a schema of its own, which is made with it', async () => {
    const registry = await freshDatabase('registry')
    places.push(registry)
    project.configure({
      servers: { main: { url: registry.url } },
      tenants: { from: 'registry' },
      registry: { url: registry.url, schema: 'Book "of" tenants' },
    })
    const ended = await Promise.all([1, 2, 3].map(() => project.run(['registry', 'migrate', '--json'])))
    expect(ended.map(({ code, stdout }) => (code === 0 ? 0 : stdout))).toEqual([0, 0, 0])
    const schemas = await registry.query("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'tenantry%'")
    expect(schemas).toEqual([{ schemaname: 'Book "of" tenants' }])
    expect((await project.run(['tenants', 'add', 'acme', '--database', 'x', '--json'])).code).toBe(0)
  })

  it('goes on where the registry disappears in the middle of a run', async () => {
    const { registry } = await fleetOf(6)
    let isGone: Promise<void> | null = null
    const report = await project.use((tenantry) => tenantry.up(), {
      emit: (event) => {
        if (event.type === 'target-finished') isGone ??= registry.drop()
      },
    })
    expect(isGone).not.toBeNull()
    await isGone
    expect(report).toMatchObject({ ok: true, summary: { targets: 6, applied: 6 } })
    const after = await project.run(['up', '--json'])
    expect(after.code).toBe(1)
    expect(JSON.parse(after.stdout).error).toMatchObject({ code: 'DATABASE_MISSING' })
    expect(JSON.parse(after.stdout).error.message).toContain('registry')
  })

  it('is told of a registry that cannot be reached, without its password', async () => {
    const password = 'p@:/%\'"`\nw'
    project.configure({
      servers: { main: { url: 'postgres://somebody:pw@127.0.0.1:1/none' } },
      tenants: { from: 'registry' },
      registry: { url: `postgres://someone:${encodeURIComponent(password)}@127.0.0.1:1/registry` },
    })
    for (const argv of [
      ['up'],
      ['registry', 'migrate'],
      ['registry', 'status'],
      ['tenants', 'list'],
      ['status', '--verbose'],
    ]) {
      const plain = await project.run(argv)
      expect([argv, plain.code]).toEqual([argv, 1])
      expect(plain.stderr).toContain('127.0.0.1:1/registry')
      const json = await project.run([...argv, '--json'])
      for (const text of [plain.stdout, plain.stderr, json.stdout, json.stderr]) {
        expect(text).not.toContain(password)
        expect(text).not.toContain(encodeURIComponent(password))
        expect(text).not.toContain('%40%3A')
      }
    }
  })

  it('is found by its variable alone', async () => {
    const { registry, database } = await fleetOf(1)
    const bare = makeProject()
    try {
      bare.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
      const empty = await freshDatabase('registry')
      places.push(empty)
      const missing = await bare.run(['status', '--json'], { TENANT_REGISTRY_DB_URL: empty.url })
      expect(JSON.parse(missing.stdout).error).toMatchObject({ code: 'REGISTRY_MISSING' })
      // Tenants on a server that only the config knows: their host is not in our tables.
      const other = await bare.run(['tenants', 'list', '--json'], { TENANT_REGISTRY_DB_URL: registry.url })
      expect(JSON.parse(other.stdout)).toMatchObject({ tenants: [{ slug: 't1', target: `main/${database.name}/t_1` }] })
    } finally {
      bare.remove()
    }
  })

  it('is never migrated by an application that only opens it', async () => {
    const { registry, database } = await fleetOf(2)
    project.configure({
      servers: { main: { url: database.url } },
      tenants: { from: 'registry' },
      registry: { url: registry.url, migrations: { dir: './registry-migrations' } },
    })
    project.write({ 'registry-migrations/001_usage.sql': 'CREATE TABLE usage_records (id integer);' })
    await project.use((tenantry) => tenantry.registry.migrate())
    await project.up()
    project.write({
      'registry-migrations/002_more.sql': 'CREATE TABLE more_records (id integer);',
      'migrations/002_b.sql': 'CREATE TABLE b (id integer);',
      'server.mjs': `
        import { createServer } from 'node:http'
        import { openTenantry } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
        const tenantry = await openTenantry()
        const server = createServer(async (request, response) => {
          const slug = request.url.slice(1)
          const connection = await tenantry.connectionFor(slug)
          const [row] = await connection.query('SELECT count(*)::int AS rows FROM a')
          response.end(JSON.stringify({ row, version: await tenantry.tenantVersion(slug) }))
        })
        server.listen(0, '127.0.0.1', () => console.log(server.address().port))
      `,
    })
    const rowsOf = async () => [
      await registry.query('SELECT * FROM tenantry_registry'),
      await registry.query('SELECT * FROM schema_migrations ORDER BY 1'),
      await database.query('SELECT * FROM t_1.schema_migrations ORDER BY 1'),
      await database.query('SELECT * FROM t_2.schema_migrations ORDER BY 1'),
      await database.query("SELECT tablename FROM pg_tables WHERE tablename = 'b'"),
    ]
    const before = await rowsOf()
    const server = spawn(process.execPath, [join(project.dir, 'server.mjs')], {
      cwd: project.dir,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      let said = ''
      server.stderr.on('data', (chunk) => (said += String(chunk)))
      const port = await new Promise<string>((resolve, reject) => {
        server.stdout.once('data', (chunk) => resolve(String(chunk).trim()))
        server.once('exit', () => reject(new Error(said)))
      })
      for (const slug of ['t1', 't2']) {
        const answer = await fetch(`http://127.0.0.1:${port}/${slug}`)
        expect(await answer.json()).toMatchObject({ row: { rows: 0 } })
      }
    } finally {
      server.kill('SIGKILL')
    }
    expect(await rowsOf()).toEqual(before)
    expect(resultOf(await project.use((tenantry) => tenantry.status()), 't1').pending).toEqual(['002_b'])
  })
})
