/** A file per tenant: what a fleet of SQLite files goes through, with real files and real processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFile } from '../../src/dialects/sqlite/files.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { isLocked, takeLock } from '../../src/dialects/sqlite/lock-file.ts'
import type { Tenantry } from '../../src/model/report.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const main = join(import.meta.dirname, '../../dist/cli/main.js')
const libsql = createRequire(import.meta.url).resolve('libsql')
const started: ChildProcess[] = []
let project: Project
let folder: string

beforeEach(() => {
  project = makeProject()
  folder = join(project.dir, 'tenants')
  mkdirSync(folder)
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  project.remove()
})

const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i + 1}`)

/** Tenants with an empty file each. */
function fleet(count: number, more: Record<string, unknown> = {}): string[] {
  for (const name of names(count)) createFile(join(folder, `${name}.db`))
  project.configure({
    servers: { files: { url: 'sqlite:./tenants' } },
    tenants: names(count).map((slug) => ({ slug, database: slug })),
    ...more,
  })
  return names(count)
}

/** Asks a file over a session of its own. */
async function ask(name: string, sql: string): Promise<Record<string, unknown>[]> {
  const server = { name: 'files', dialect: 'sqlite' as const, host: '', port: 0, tls: null, directory: folder }
  const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  const connection = await sqlite.connect({ ...server, ...limits }, name, {
    connectTimeoutMs: 5000,
    applicationName: 'test',
  })
  try {
    return await connection.run(sql)
  } finally {
    await connection.close()
  }
}

/** Another program that has the file open; it says `ready` once these statements have run, and stays. */
async function openElsewhere(name: string, ...statements: string[]): Promise<ChildProcess> {
  const program = `const db = new (require(${JSON.stringify(libsql)}))(${JSON.stringify(join(folder, `${name}.db`))})
for (const sql of ${JSON.stringify(statements)}) db.exec(sql)
console.log('ready')
process.stdin.on('data', (sql) => { db.exec(String(sql)); console.log('done') })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  started.push(child)
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return child
}

const applied = (name: string) => ask(name, 'SELECT version FROM schema_migrations ORDER BY version')
const tables = async (name: string) =>
  (
    await ask(name, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
  ).map((row) => row.name)

test('files that are no database, however many, are told one by one, and every other file is migrated', async () => {
  const broken = ['text', 'short', 'noise', 'half', 'version']
  fleet(2)
  await ask('t1', 'CREATE TABLE old (a)')
  const whole = readFileSync(join(folder, 't1.db'))
  writeFileSync(join(folder, 'text.db'), 'this is no database at all\n'.repeat(100))
  writeFileSync(join(folder, 'short.db'), 'abc')
  writeFileSync(join(folder, 'noise.db'), randomBytes(8192))
  writeFileSync(join(folder, 'half.db'), whole.subarray(0, 4096))
  writeFileSync(
    join(folder, 'version.db'),
    Buffer.concat([whole.subarray(0, 18), Buffer.from([9, 9]), whole.subarray(20)]),
  )
  mkdirSync(join(folder, 'folder.db'))
  symlinkSync('t2.db', join(folder, 'linked.db'))
  symlinkSync('nowhere.db', join(folder, 'dangling.db'))
  const slugs = [...broken, 'folder', 'dangling', 'nobodys', 't1', 'linked']
  project.configure({
    servers: { files: { url: 'sqlite:./tenants' } },
    tenants: slugs.map((slug) => ({ slug, database: slug })),
    concurrency: 1,
  })
  project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
  const before = readdirSync(folder).sort()
  const report = await project.up()
  expect(countResults(report)).toEqual({
    applied: 2,
    'failed DATABASE_MISSING': 3,
    'failed DATABASE_UNUSABLE': 5,
  })
  for (const name of broken) {
    expect(resultOf(report, name).error?.message, name).toMatch(/is not a SQLite database|malformed/)
    expect(resultOf(report, name).error?.hint, name).toContain('copy from a backup')
  }
  expect(await applied('t2')).toEqual([{ version: '001_one' }])
  expect(readdirSync(folder).sort()).toEqual(before)
})

test('up, status and down over files', async () => {
  fleet(5)
  project.write({
    'migrations/001_users.sql':
      'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);\nCREATE INDEX users_email ON users (email);',
    'migrations/002_log.sql': `CREATE TABLE log (what TEXT);
CREATE TRIGGER users_log AFTER INSERT ON users BEGIN
  INSERT INTO log VALUES ('new; ' || NEW.email);
  UPDATE log SET what = CASE WHEN what = '' THEN '-' ELSE what END;
END;
INSERT INTO users (email) VALUES ('a@x.org');`,
    'migrations/rollbacks/002_log.sql': 'DROP TRIGGER users_log;\nDROP TABLE log;\nDELETE FROM users;',
  })
  const before = await project.use((tenantry) => tenantry.status())
  expect(before.targets.map(({ pending }) => pending.length)).toEqual(names(5).map(() => 2))
  expect(countResults(await project.up())).toEqual({ applied: 5 })
  expect(await ask('t3', 'SELECT what FROM log')).toEqual([{ what: 'new; a@x.org' }])
  expect((await applied('t5')).map((row) => row.version)).toEqual(['001_users', '002_log'])
  expect(countResults(await project.up())).toEqual({ 'up-to-date': 5 })
  const report = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
  expect(countResults(report)).toEqual({ undone: 5 })
  expect(await tables('t1')).toEqual(['schema_migrations', 'tenantry_ledger', 'users'])
  expect((await applied('t1')).map((row) => row.version)).toEqual(['001_users'])
  expect(readdirSync(folder).sort()).toEqual(names(5).map((name) => `${name}.db`))
})

test('a statement that fails takes its migration and its history row back, and no other target', async () => {
  fleet(3)
  await ask('t2', "CREATE TABLE seen (a); INSERT INTO seen VALUES ('x'), ('x')")
  project.write({
    'migrations/001_one.sql': 'CREATE TABLE one (a);',
    'migrations/002_two.sql':
      'CREATE TABLE IF NOT EXISTS seen (a);\nCREATE TABLE two (a);\n\nCREATE UNIQUE INDEX seen_a ON seen (a);',
  })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 2, 'failed MIGRATION_FAILED': 1 })
  const { error } = resultOf(report, 't2')
  expect(error?.message).toContain('UNIQUE constraint failed: seen.a')
  expect(error?.context).toMatchObject({ migration: '002_two', line: 4, sqlstate: '23505' })
  expect((await applied('t2')).map((row) => row.version)).toEqual(['001_one'])
  expect(await tables('t2')).not.toContain('two')
  await ask('t2', 'DELETE FROM seen WHERE rowid = 1')
  expect(countResults(await project.up())).toEqual({ applied: 1, 'up-to-date': 2 })
})

test('of several migrations that are committed together, those before the one that fails stay', async () => {
  fleet(2)
  await ask('t2', 'CREATE TABLE four (a)')
  project.write({
    'migrations/001_one.sql': 'CREATE TABLE one (a);',
    'migrations/002_two.sql': 'CREATE TABLE two (a);\nINSERT INTO one VALUES (1);',
    'migrations/003_parents.sql':
      'CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);',
    'migrations/004_four.sql': 'CREATE TABLE four (a);',
    'migrations/005_orphan.sql': 'INSERT INTO c VALUES (7);',
    'migrations/006_more.sql': 'CREATE TABLE six (a);',
  })
  const finished: string[] = []
  const report = await project.use((tenantry) => tenantry.up(), {
    emit: (event) => {
      if (event.type === 'migration-finished') finished.push(`${event.target} ${event.migration}`)
    },
  })
  expect(countResults(report)).toEqual({ 'failed MIGRATION_FAILED': 1, 'failed ALREADY_EXISTS': 1 })
  // Only its COMMIT can tell: the constraint is deferred.
  expect(resultOf(report, 't1').error).toMatchObject({
    message: expect.stringContaining('FOREIGN KEY constraint failed'),
    context: { migration: '005_orphan' },
  })
  expect(resultOf(report, 't1').applied).toEqual(['001_one', '002_two', '003_parents', '004_four'])
  expect(resultOf(report, 't2').applied).toEqual(['001_one', '002_two', '003_parents'])
  expect(finished.filter((one) => one.startsWith('files/t2'))).toHaveLength(3)
  expect(await ask('t1', 'SELECT count(*) AS n FROM one')).toEqual([{ n: 1 }])
  expect(await applied('t1')).toHaveLength(4)
  expect(await tables('t1')).not.toContain('six')
  expect(await ask('t1', 'SELECT * FROM c')).toEqual([])
})

test('a file that is not there is said to be missing, and is not made', async () => {
  fleet(3)
  rmSync(join(folder, 't2.db'))
  writeFileSync(join(folder, 't3.db'), 'this is no database, but somebody called it one. '.repeat(40))
  project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
  for (const command of ['status', 'up'] as const) {
    const { targets } = await project.use((tenantry): ReturnType<Tenantry['status' | 'up']> => tenantry[command]())
    const errors = new Map(targets.map(({ tenants, error }) => [tenants[0], error]))
    expect(errors.get('t1')).toBeNull()
    expect(errors.get('t2')).toMatchObject({ code: 'DATABASE_MISSING', message: expect.stringContaining('t2.db') })
    expect(errors.get('t3')?.message).toContain('not a SQLite database')
  }
  expect(readdirSync(folder).sort()).toEqual(['t1.db', 't3.db'])
})

test('a file has one lock, by whichever link it is reached', async () => {
  fleet(1)
  symlinkSync('t1.db', join(folder, 'linked.db'))
  const path = join(folder, 't1.db')
  const held = takeLock(join(folder, 'linked.db'), 'main', 'test')
  expect(takeLock(path, 'main', 'test')).toBeNull()
  expect(isLocked(path, 'main')).toBe(true)
  held?.release()
  expect(isLocked(join(folder, 'linked.db'), 'main')).toBe(false)
  expect(readdirSync(folder).sort()).toEqual(['linked.db', 't1.db'])
})

test('names that lead out of the folder, and schemas, are refused before anything is opened', async () => {
  project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
  fleet(1, { tenants: [{ slug: 'a', database: '../../etc/a' }] })
  await expect(project.up()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  fleet(0, { tenants: [{ slug: 'a', database: 'a', schema: 's' }] })
  await expect(project.up()).rejects.toThrow(/databases of sqlite hold no schemas/)
})

test('one file of a dedicated tenant, named by its URL', async () => {
  createFile(join(project.dir, 'app.sqlite3'))
  project.configure({ tenants: [{ slug: 'app', url: 'sqlite:./app.sqlite3' }] })
  project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 1 })
  expect(report.targets[0]?.target).toBe('app/app.sqlite3')
})

describe('a file that somebody writes to', () => {
  beforeEach(() => {
    fleet(2, { lockTimeoutMs: 300, lockRetryBudgetMs: 1000 })
    project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
  })

  test('is waited for within limits, who writes is named, and the others go on', async () => {
    const writer = await openElsewhere('t1', 'BEGIN IMMEDIATE', 'CREATE TABLE mine (a)')
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed LOCK_TIMEOUT': 1 })
    const { error } = resultOf(report, 't1')
    if (process.platform === 'linux') expect(error?.context).toMatchObject({ blockers: [{ sessionId: writer.pid }] })
    expect(await ask('t2', 'SELECT version FROM schema_migrations')).toHaveLength(1)
  })

  test('is migrated once it is free, also where it keeps a WAL', async () => {
    await ask('t2', 'PRAGMA journal_mode = WAL')
    const writers = [
      await openElsewhere('t1', 'BEGIN IMMEDIATE', 'CREATE TABLE mine (a)'),
      await openElsewhere('t2', 'BEGIN IMMEDIATE', 'CREATE TABLE mine (a)'),
    ]
    project.configure({
      servers: { files: { url: 'sqlite:./tenants' } },
      tenants: names(2).map((slug) => ({ slug, database: slug })),
      lockTimeoutMs: 500,
    })
    const waits: string[] = []
    const running = project.use((tenantry) => tenantry.up(), {
      emit: (event) => {
        if (event.type === 'target-waiting') waits.push(event.target)
      },
    })
    const until = Date.now() + 15_000
    while (new Set(waits).size < 2 && Date.now() < until) await sleep(20)
    for (const { stdin } of writers) stdin?.write('COMMIT')
    expect(countResults(await running)).toEqual({ applied: 2 })
    expect(new Set(waits)).toEqual(new Set(['files/t1.db', 'files/t2.db']))
    expect(await tables('t2')).toEqual(['mine', 'one', 'schema_migrations', 'tenantry_ledger'])
  })

  test('is free for it once a question was given up', async () => {
    const server = { name: 'files', dialect: 'sqlite' as const, host: '', port: 0, tls: null, directory: folder }
    const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
    const connection = await sqlite.connect({ ...server, ...limits }, 't1', {
      connectTimeoutMs: 200,
      applicationName: 'test',
    })
    try {
      const writer = await openElsewhere('t1', 'BEGIN EXCLUSIVE')
      const busy = { failure: { kind: 'lock-timeout' } }
      await expect(connection.query('SELECT count(*) AS n FROM sqlite_master')).rejects.toMatchObject(busy)
      await expect(ask('t1', 'SELECT 1 FROM sqlite_master')).rejects.toMatchObject(busy)
      const said = once(writer.stdout as NonNullable<typeof writer.stdout>, 'data')
      // Its next lock is one that no reader may share.
      writer.stdin?.write('COMMIT; BEGIN EXCLUSIVE; CREATE TABLE mine (a); COMMIT')
      await said
      expect(await connection.query('SELECT count(*) AS n FROM sqlite_master')).toEqual([{ n: 1 }])
      expect(await connection.pipeline(['BEGIN IMMEDIATE', 'CREATE TABLE ours (a)', 'COMMIT'])).toMatchObject({
        failure: null,
      })
    } finally {
      await connection.close()
    }
  })

  test('is not held up by whoever reads it, where it keeps a WAL', async () => {
    await ask('t1', 'PRAGMA journal_mode = WAL; CREATE TABLE old (a)')
    await openElsewhere('t1', 'BEGIN', 'SELECT * FROM old')
    expect(countResults(await project.up())).toEqual({ applied: 2 })
  })
})

describe('a table that others refer to is rebuilt', () => {
  const schema = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO posts VALUES (10, 1), (11, 2), (12, 2);`
  const steps = (keep = '1 = 1') => `CREATE TABLE new_users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO new_users SELECT * FROM users WHERE ${keep};
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;`
  const around = (body: string) => `PRAGMA foreign_keys=OFF;\n${body}\nPRAGMA foreign_keys=ON;`
  const posts = () => ask('t1', 'SELECT count(*) AS n FROM posts')

  beforeEach(async () => {
    fleet(1)
    await ask('t1', schema)
  })

  test.each([
    ['as Prisma writes it', around(steps())],
    ['in a transaction of the file', `PRAGMA foreign_keys = 0;\nBEGIN TRANSACTION;\n${steps()}\nCOMMIT;`],
    ['without a word about foreign keys', steps()],
  ])('%s: no row is lost', async (_title, text) => {
    project.write({ 'migrations/001_rebuild.sql': text, 'migrations/002_more.sql': 'DELETE FROM users WHERE id = 1;' })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    // The next migration has them again: the first author's post goes with the author.
    expect(await posts()).toEqual([{ n: 2 }])
    expect(await ask('t1', "SELECT sql FROM sqlite_master WHERE name = 'users'")).toEqual([
      { sql: expect.stringContaining('name TEXT NOT NULL') },
    ])
  })

  test('rows that would refer to nothing are refused, and everything is as it was', async () => {
    project.write({ 'migrations/001_rebuild.sql': around(steps('id = 1')) })
    const report = await project.up()
    expect(resultOf(report, 't1').error?.message).toContain(
      'FOREIGN KEY constraint failed: 2 rows of posts (to users) would refer to nothing',
    )
    expect(await posts()).toEqual([{ n: 3 }])
    expect(await ask('t1', 'SELECT count(*) AS n FROM users')).toEqual([{ n: 2 }])
    expect(await applied('t1').catch(() => [])).toEqual([])
  })

  test('rows that referred to nothing before are not the fault of the migration', async () => {
    await ask('t1', 'PRAGMA foreign_keys = OFF; INSERT INTO posts VALUES (13, 99)')
    project.write({ 'migrations/001_rebuild.sql': around(steps()) })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await posts()).toEqual([{ n: 4 }])
  })
})

test('what cannot be in a transaction is run alone, and resumed', async () => {
  fleet(2)
  await ask('t2', 'CREATE TABLE two (a)')
  project.write({
    'migrations/001_wal.sql': `CREATE TABLE one (a);
PRAGMA journal_mode = WAL;
VACUUM;
CREATE TABLE two (a);
INSERT INTO one VALUES (1);`,
  })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 1, 'failed ALREADY_EXISTS': 1 })
  expect(await ask('t1', 'PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  expect(await ask('t2', 'SELECT state, statements_done FROM tenantry_ledger')).toEqual([
    { state: 'running', statements_done: 3 },
  ])
  await ask('t2', 'DROP TABLE two')
  expect(countResults(await project.up())).toEqual({ applied: 1, 'up-to-date': 1 })
  expect(await ask('t2', 'SELECT a FROM one')).toEqual([{ a: 1 }])
  expect(readdirSync(folder).filter((name) => name.includes('tenantry'))).toEqual([])
})

test('what reaches for other files is refused before a target is touched', async () => {
  fleet(1)
  project.write({ 'migrations/001_attach.sql': "CREATE TABLE one (a);\nATTACH 'other.db' AS other;" })
  const report = await project.up()
  expect(countResults(report)).toEqual({ 'failed MIGRATION_UNSUPPORTED': 1 })
  expect(resultOf(report, 't1').error?.context).toMatchObject({ rule: 'attach', line: 2 })
  expect(await tables('t1')).toEqual([])
  expect(existsSync(join(folder, 'other.db'))).toBe(false)
})

const marksOf = (name: string) =>
  ask(
    name,
    "SELECT (SELECT group_concat(name, ' ') FROM (SELECT name FROM marks ORDER BY name)) AS marks, (SELECT count(*) FROM schema_migrations) AS rows",
  )

test('three runners at once: each migration runs once per file, and nobody fails', async () => {
  const all = fleet(20)
  project.write({
    'migrations/001_marks.sql': "CREATE TABLE marks (name TEXT);\nINSERT INTO marks VALUES ('1');",
    'migrations/002_alone.sql': "INSERT INTO marks VALUES ('2a');\nVACUUM;\nINSERT INTO marks VALUES ('2b');",
    'migrations/003_more.sql': "CREATE TABLE more (a);\nINSERT INTO marks VALUES ('3');",
  })
  const runs = await Promise.all([1, 2, 3].map(() => project.run(['up', '--json'])))
  const reports = runs.map(({ stdout }) => JSON.parse(stdout))
  expect(reports.flatMap(({ targets }) => targets.flatMap(({ error }: { error: unknown }) => error ?? []))).toEqual([])
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
  const done = reports.flatMap(({ targets }) =>
    targets.flatMap((one: { target: string; applied: string[] }) => one.applied.map((id) => `${one.target} ${id}`)),
  )
  expect(done).toHaveLength(all.length * 3)
  expect(new Set(done).size).toBe(all.length * 3)
  for (const name of all) expect(await marksOf(name)).toEqual([{ marks: '1 2a 2b 3', rows: 3 }])
})

test('a runner that is killed at random moments loses nothing, repeats nothing, and leaves no lock', {
  timeout: 120_000,
}, async () => {
  const all = fleet(16)
  const marks: string[] = []
  const add = (id: string, text: string, own: string[]) => {
    project.write({ [`migrations/${id}.sql`]: text })
    marks.push(...own)
  }
  const mark = (name: string) => `INSERT INTO marks VALUES ('${name}');`
  add('000_marks', 'CREATE TABLE marks (name TEXT);', [])
  let kills = 0
  for (let round = 1; kills < 6 && round < 30; round++) {
    const number = String(round).padStart(3, '0')
    add(`${number}0_plain`, `CREATE TABLE t_${number} (a);\n${mark(`${number}a`)}`, [`${number}a`])
    if (round % 3 === 0) {
      add(`${number}1_alone`, `${mark(`${number}b`)}\nVACUUM;\n${mark(`${number}c`)}`, [`${number}b`, `${number}c`])
    }
    const child = spawn(process.execPath, [main, 'up', '--log-format', 'json'], {
      cwd: project.dir,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    started.push(child)
    const exited = once(child, 'close')
    const moment = Math.floor(Math.random() * all.length)
    let seen = 0
    let output = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-3000)
    })
    const reached = new Promise<void>((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        output = `${output}${text}`.slice(-3000)
        seen += text.split('"migration-finished"').length - 1
        if (seen >= moment) resolve()
      })
    })
    await Promise.race([reached, exited])
    await sleep(Math.random() * 20)
    child.kill('SIGKILL')
    const [code, signal] = await exited
    if (signal === 'SIGKILL') kills++
    else expect(code, `${said}${output}`).toBe(0)
  }
  expect(kills).toBeGreaterThan(2)
  expect(countResults(await project.up())).not.toHaveProperty('failed')
  expect(countResults(await project.up())).toEqual({ 'up-to-date': all.length })
  const ids = readdirSync(join(project.dir, 'migrations')).length
  for (const name of all) {
    expect(await marksOf(name)).toEqual([{ marks: [...marks].sort().join(' '), rows: ids }])
    expect(await ask(name, "SELECT count(*) AS n FROM tenantry_ledger WHERE state <> 'applied'")).toEqual([{ n: 0 }])
  }
})

test('200 files are migrated by a process that may have 140 open', async () => {
  const all = fleet(200)
  for (let i = 1; i <= 5; i++) project.write({ [`migrations/00${i}_t.sql`]: `CREATE TABLE t_${i} (a);` })
  const command = `ulimit -n 140 && exec "$0" "$@"`
  const child = spawn('sh', ['-c', command, process.execPath, main, 'up', '--json'], {
    cwd: project.dir,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  const { summary } = JSON.parse(output)
  expect({ code, summary }).toMatchObject({ code: 0, summary: { applied: all.length, failed: 0 } })
  for (const name of ['t1', 't99', 't160']) expect(await applied(name)).toHaveLength(5)
})
