/** What is dropped with a tenant, what never is, the dump before it, and a removal that was killed in the middle. */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Tenants } from '../../src/model/tenant-report.ts'
import { freshDatabase, postgresMajor, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'
import { databasesLike, twoMigrations } from './tenants-project.ts'

let mark: string
let project: ProvisionProject
beforeEach(() => {
  mark = `r${randomBytes(3).toString('hex')}`
})

const tenants = <T>(work: (tenants: Tenants) => Promise<T>) => project.open((tenantry) => work(tenantry.tenants))
const states = async (slug: string) =>
  (await project.registry.tenants.audit(slug)).filter(({ action }) => action === 'state').map(({ to }) => to)
/** A program of this name that is found first; the environment is put back after each test. */
function putProgram(name: string, script: string): void {
  const bin = join(project.dir, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  process.env.PATH = `${bin}:${process.env.PATH}`
}
const usualPath = process.env.PATH
afterEach(() => {
  process.env.PATH = usualPath
})
const drop = (slug: string, dump?: string) =>
  tenants((book) => book.remove(slug, { dropData: true, yes: slug, ...(dump === undefined ? {} : { dump }) }))

describe('on PostgreSQL', () => {
  let registry: TestDatabase
  beforeEach(async () => {
    registry = await freshDatabase('registry')
    project = await makeProvisionProject(
      { main: { url: sharedServer().url() } },
      registry.url,
      `provision: { topology: 'database', server: 'main', role: false }`,
      twoMigrations,
    )
  })
  afterEach(async () => {
    project?.remove()
    for (const name of await databasesLike(mark)) await sharedServer().query(`drop database "${name}" with (force)`)
    await registry?.drop()
  })
  const database = async (name: string) => {
    await sharedServer().query(`create database "${name}"`)
    return name
  }
  const schemas = async (name: string) =>
    (await sharedServer().query("select nspname from pg_namespace where nspname like 't\\_%' order by 1", name)).map(
      ({ nspname }) => nspname,
    )

  test('a schema goes alone; its neighbours and its database stay', async () => {
    const pool = await database(`${mark}_pool`)
    await sharedServer().query(
      'create schema t_a; create table t_a.x as select generate_series(1, 500) as i; create schema t_b; create table t_b.x (i int); analyze',
      pool,
    )
    await tenants(async (book) => {
      await book.add('a', { schema: 't_a', database: pool })
      await book.add('b', { schema: 't_b', database: pool })
    })
    const warnings: unknown[] = []
    await tenants((book) =>
      book.remove('a', {
        dropData: true,
        confirm: async (warning) => {
          warnings.push(warning)
          return 'a'
        },
      }),
    )
    expect(warnings).toMatchObject([
      { place: `schema main/${pool}/t_a`, size: { tables: 1, rowsEstimate: 500, bytes: expect.any(Number) } },
    ])
    expect(await schemas(pool)).toEqual(['t_b'])
    expect(await tenants(async (book) => (await book.show('b')).tenant.state)).toBe('active')
  })

  test('what others use, too, is never dropped, and it says what to do instead', async () => {
    const pool = await database(`${mark}_pool`)
    await sharedServer().query('create schema t_c', pool)
    const solo = await database(`${mark}_solo`)
    await tenants(async (book) => {
      await book.add('one', { topology: 'shared', database: pool })
      await book.add('two', { topology: 'shared', database: pool })
      await book.add('alone', { topology: 'shared', database: solo })
      await book.add('within', { schema: 't_c', database: pool })
      await book.add('whole', { topology: 'database', database: registry.name })
      await book.add('server', { topology: 'database', database: 'postgres' })
    })
    const cases: [string, RegExp, RegExp][] = [
      [
        'one',
        /holds data of 2 other tenants, too \((two|within), (two|within)\)/,
        /by its id \([\da-f-]{36}\).*tenants archive one/,
      ],
      ['alone', /tables that are made to be shared/, /by its id/],
      ['whole', /is where the registry is/, /tenants archive whole/],
      ['server', /belongs to the server itself/, /tenants archive server/],
    ]
    for (const [slug, message, hint] of cases) {
      const error = await drop(slug).catch((thrown) => thrown)
      expect([slug, error.code, error.message, error.hint]).toEqual([
        slug,
        'SHARED_TARGET',
        expect.stringMatching(message),
        expect.stringMatching(hint),
      ])
      expect(await states(slug)).toEqual([])
    }
    // A database in which another tenant has a schema, though nobody shares its tables.
    const host = await database(`${mark}_host`)
    await sharedServer().query('create schema t_d', host)
    await tenants(async (book) => {
      await book.add('host', { database: host })
      await book.add('guest', { schema: 't_d', database: host })
    })
    await expect(drop('host')).rejects.toMatchObject({ code: 'SHARED_TARGET' })
    expect(await databasesLike(mark)).toHaveLength(3)
    // Once the guest is gone, it is its own.
    await drop('guest')
    await drop('host')
    expect(await databasesLike(mark)).not.toContain(host)
  })

  test('the database that a server is reached by is not dropped as that of a tenant', async () => {
    const home = await database(`${mark}_home`)
    project.remove()
    const url = sharedServer().url(home)
    project = await makeProvisionProject({ main: { url } }, registry.url, '', twoMigrations)
    await tenants((book) => book.add('first', { database: home }))
    await expect(drop('first')).rejects.toMatchObject({
      code: 'SHARED_TARGET',
      message: expect.stringContaining('is the one that a server of the config is reached by'),
    })
    expect(await databasesLike(mark)).toEqual([home])
  })

  test('a second name for the same server does not hide who else is there', async () => {
    const both = await database(`${mark}_both`)
    await sharedServer().query('create schema t_x', both)
    const url = sharedServer().url()
    project.remove()
    project = await makeProvisionProject({ main: { url }, alias: { url } }, registry.url, '', twoMigrations)
    await tenants(async (book) => {
      await book.add('mine', { server: 'main', database: both })
      await book.add('theirs', { server: 'alias', database: both, schema: 't_x' })
    })
    await expect(drop('mine')).rejects.toMatchObject({ code: 'SHARED_TARGET' })
    expect(await databasesLike(mark)).toEqual([both])
  })

  test('a dump that fails drops nothing, and the tenant is as it was', async () => {
    await database(`${mark}_a`)
    await tenants((book) => book.add('acme', { database: `${mark}_a` }))
    // A program that starts and fails, as one of an older version than the server does.
    putProgram(
      'pg_dump',
      'echo half > "$(printf %s "$2" | cut -d= -f2)"; echo "password $PGPASSWORD is wrong" >&2; exit 1',
    )
    const error = await drop('acme', 'acme.dump').catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'BACKUP_FAILED', message: expect.stringContaining('nothing was dropped') })
    expect(JSON.stringify(error)).not.toContain(sharedServer().password)
    expect(JSON.stringify(error)).toContain('[secret]')
    expect(readdirSync(project.dir).filter((name) => name.includes('dump'))).toEqual([])
    expect(await databasesLike(mark)).toEqual([`${mark}_a`])
    expect(await states('acme')).toEqual(['suspended', 'active'])
  })

  const dumper = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  const dumperMajor = Number(/(\d+)/.exec(dumper)?.[1] ?? 0)
  test.skipIf(dumperMajor === 0)(
    `the real pg_dump (${dumperMajor}) and a server of version ${postgresMajor}`,
    async () => {
      const name = await database(`${mark}_a`)
      await sharedServer().query(
        `create schema "t ""x"; create table "t ""x".notes as select 'kept in the dump' as text; create schema t_b; create table t_b.other (i int)`,
        name,
      )
      await tenants((book) => book.add('acme', { database: name, schema: 't "x' }))
      const file = join(project.dir, 'acme.sql')
      if (dumperMajor < postgresMajor) {
        await expect(drop('acme', file)).rejects.toMatchObject({
          code: 'BACKUP_FAILED',
          message: expect.stringContaining('version mismatch'),
          hint: expect.stringContaining("server's version"),
        })
        expect(existsSync(file)).toBe(false)
        expect(await states('acme')).toEqual(['suspended', 'active'])
        return
      }
      expect(await drop('acme', file)).toMatchObject({ result: 'dropped', dump: { file } })
      expect(statSync(file).mode & 0o077).toBe(0)
      const text = readFileSync(file, 'utf8')
      expect(text).toContain('kept in the dump')
      expect(text).not.toContain('other')
      expect(await schemas(name)).toEqual(['t_b'])
    },
  )

  test('without the program, or onto a file that is there, nothing is even begun', async () => {
    await database(`${mark}_a`)
    await tenants((book) => book.add('acme', { database: `${mark}_a` }))
    project.write({ 'there.dump': 'mine' })
    putProgram('pg_dump', 'exit 9')
    await expect(drop('acme', 'there.dump')).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: expect.stringContaining('is there already'),
    })
    await expect(drop('acme', 'no/such/folder/x.dump')).rejects.toMatchObject({ code: 'BACKUP_FAILED' })
    process.env.PATH = '/nonexistent'
    await expect(drop('acme', 'new.dump')).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: expect.stringContaining('`pg_dump` is not installed'),
    })
    const warned = await tenants((book) => book.remove('acme', { dropData: true })).catch((thrown) => thrown)
    expect(warned).toMatchObject({ code: 'CONFIRMATION_MISSING', context: { dumpWith: null } })
    expect(readFileSync(join(project.dir, 'there.dump'), 'utf8')).toBe('mine')
    expect(await states('acme')).toEqual([])
  })

  test('killed in the middle, the same command finishes it', async () => {
    const name = await database(`${mark}_a`)
    await sharedServer().query('create table x (i int)', name)
    await tenants((book) => book.add('acme', { database: name }))
    const { registry: book } = project
    const tenant = await book.tenants.find('acme')
    await book.tenants.change(tenant?.id ?? '', 'active', { state: 'removing' }, { name: 'killed' })
    expect(await tenants(async (all) => (await all.show('acme')).next)).toMatchObject([
      { command: 'tenantry tenants remove acme --drop-data', why: 'finishes what was begun' },
      { command: 'tenantry tenants archive acme' },
    ])
    await expect(tenants((all) => all.activate('acme'))).rejects.toMatchObject({ code: 'TENANT_STATE' })
    await drop('acme')
    expect(await databasesLike(mark)).toEqual([])
    // Killed after the place was gone.
    await tenants((all) => all.add('bolt', { database: `${mark}_b`, state: 'active' }))
    const bolt = await book.tenants.find('bolt')
    await book.tenants.change(bolt?.id ?? '', 'active', { state: 'removing' }, { name: 'killed' })
    const report = await drop('bolt', 'bolt.dump')
    expect(report).toMatchObject({ result: 'dropped', dropped: { size: null }, dump: null })
    expect(report.notices).toMatchObject([{ rule: 'nothing-to-dump' }])
    expect(await book.tenants.find('bolt')).toBeNull()
  })

  test('a process that is killed at any moment leaves what the next one finishes', async () => {
    for (const delayMs of [0, 3, 10, 30, 100]) {
      const name = await database(`${mark}_k${delayMs}`)
      const slug = `k${delayMs}`
      await tenants((book) => book.add(slug, { database: name }))
      const child = project.start(['tenants', 'remove', slug, '--drop-data', '--yes', slug])
      const ended = new Promise((resolve) => child.on('close', resolve))
      await expect
        .poll(async () => (await project.registry.tenants.find(slug))?.state, { interval: 2, timeout: 30_000 })
        .not.toBe('active')
      await sleep(delayMs)
      child.kill('SIGKILL')
      await ended
      const left = await project.registry.tenants.find(slug)
      if (left === null) expect(await databasesLike(name)).toEqual([])
      else await drop(slug)
      expect(await databasesLike(name)).toEqual([])
      expect(await project.registry.tenants.find(slug)).toBeNull()
    }
  })
})

describe('a SQLite file', () => {
  test('is copied, and gone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tenantry-files-'))
    try {
      project = await makeProvisionProject(
        { files: { url: `sqlite:${dir}` } },
        `sqlite:${join(dir, 'registry', 'book.db')}`,
        `provision: { topology: 'database', server: 'files' }`,
        twoMigrations,
      )
      const acme = await tenants(async (book) => (await book.add('acme', { database: 'acme' })).tenant)
      expect(acme.state).toBe('provisioning')
      closeSync(openSync(join(dir, 'acme.db'), 'wx'))
      await tenants((book) => book.add('bolt', { database: 'bolt', state: 'active' }))
      closeSync(openSync(join(dir, 'bolt.db'), 'wx'))
      expect((await project.up()).summary.applied).toBe(1)
      const report = await drop('bolt', join(dir, 'copy.db'))
      expect(report).toMatchObject({
        dropped: { size: { tables: 4, rowsEstimate: null } },
        dump: { bytes: expect.any(Number) },
      })
      expect(readdirSync(dir).sort()).toEqual(['acme.db', 'copy.db', 'registry'])
      expect(/create table notes/i.test(readFileSync(join(dir, 'copy.db'), 'latin1'))).toBe(true)
      expect(statSync(join(dir, 'copy.db')).mode & 0o077).toBe(0)
    } finally {
      project?.remove()
      rmSync(dir, { recursive: true })
    }
  })
})

withMariadb('on MariaDB', () => {
  let registry: MariadbDatabase
  // Everything that an option file, a shell or a URL could trip over.
  const password = 'p@ss:/%\'"\\#;=$ x`\n\t~'
  beforeEach(async () => {
    registry = await freshMariadb('registry')
    const server = sharedMariadb()
    const user = `${mark}_u`
    await server.query(`create user '${user}'@'%' identified by '${password.replace(/['\\]/g, '\\$&')}'`)
    await server.query(`grant all on *.* to '${user}'@'%' with grant option`)
    const url = `mysql://${user}:${encodeURIComponent(password)}@${server.host}:${server.port}`
    project = await makeProvisionProject({ maria: { url } }, registry.url, '', twoMigrations)
  })
  afterEach(async () => {
    project?.remove()
    await sharedMariadb().query(`drop user if exists '${mark}_u'@'%'`)
    for (const { name } of await sharedMariadb().query(
      `select schema_name as name from information_schema.schemata where schema_name like '${mark}%'`,
    ))
      await sharedMariadb().query(`drop database \`${name}\``)
    await registry?.drop()
  })

  test('a dump by the real program, whole and for nobody else to read; then it is gone', async () => {
    const name = `${mark}_acme`
    const server = sharedMariadb()
    await server.query(`create database \`${name}\``)
    await server.query(
      "create table notes (id int primary key, text text); insert into notes values (1, 'kept in the dump')",
      name,
    )
    await tenants((book) => book.add('acme', { database: name }))
    const file = join(project.dir, 'acme.sql')
    const report = await drop('acme', file)
    expect(report).toMatchObject({
      result: 'dropped',
      dropped: { place: `database maria/${name}`, size: { tables: 1 } },
      dump: { file, bytes: statSync(file).size },
    })
    expect(statSync(file).mode & 0o077).toBe(0)
    const text = readFileSync(file, 'utf8')
    expect(text).toContain('kept in the dump')
    expect(text).not.toContain(password)
    expect(await server.query(`select 1 from information_schema.schemata where schema_name = '${name}'`)).toEqual([])
    // It is a dump indeed.
    await server.query(`create database \`${name}\``)
    await server.query(text.replaceAll(/^\/\*M!999999.*$/gm, ''), name)
    expect(await server.query('select text from notes', name)).toEqual([{ text: 'kept in the dump' }])
    expect(await states('acme')).toEqual(['suspended', 'removing'])
  })

  test('the password is in no argument while it is dumped', async () => {
    const name = `${mark}_acme`
    await sharedMariadb().query(`create database \`${name}\``)
    await tenants((book) => book.add('acme', { database: name }))
    const seen = join(project.dir, 'seen')
    putProgram(
      'mariadb-dump',
      `{ tr '\\0' '\\n' < /proc/$$/cmdline; env; ls -l "$(printf %s "$1" | cut -d= -f2)"; } > '${seen}'
       exec /usr/bin/mysqldump "$@"`,
    )
    await drop('acme', join(project.dir, 'acme.sql'))
    const text = readFileSync(seen, 'utf8')
    expect(text).toContain('--defaults-file=')
    expect(text).not.toContain(password)
    expect(text).toMatch(/-rw------- .*client\.cnf/)
  })
})
