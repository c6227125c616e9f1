/** The entrypoint of a container, run without one: it migrates, and only then becomes the server. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, connect as openSocket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const entrypoint = join(root, 'deploy', 'docker-entrypoint.sh')

let app: TestDatabase
let project: Project

beforeAll(async () => {
  app = await freshDatabase('entrypoint')
})

afterAll(() => app?.drop())

beforeEach(async () => {
  await app.query('drop schema public cascade; create schema public')
  project = makeProject()
  project.write({
    'migrations/001_item.sql': 'create table item (id int primary key);\n',
    // Tells that it is running, then who came after: the server must find both rows.
    'migrations/002_slow.sql': 'select pg_sleep(1);\ninsert into item values (1);\n',
    'server.mjs': `
      import { appendFileSync } from 'node:fs'
      import pg from 'pg'
      const client = new pg.Client(process.env.DATABASE_URL)
      await client.connect()
      const { rows } = await client.query("select count(*)::int as n from item").catch(() => ({ rows: [{ n: -1 }] }))
      appendFileSync('served.log', JSON.stringify({ rows: rows[0].n, pid: process.pid, args: process.argv.slice(2) }) + '\\n')
      await client.end()
      process.exit(Number(process.env.SERVER_EXIT ?? 0))\n`,
  })
  mkdirSync(join(project.dir, 'node_modules/.bin'), { recursive: true })
  writeFileSync(
    join(project.dir, 'node_modules/.bin/tenantry'),
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'dist/cli/main.js')}" "$@"\n`,
  )
  chmodSync(join(project.dir, 'node_modules/.bin/tenantry'), 0o755)
  // The server's own packages.
  writeFileSync(join(project.dir, 'node_modules/pg.mjs'), '')
  mkdirSync(join(project.dir, 'node_modules/pg'), { recursive: true })
  writeFileSync(
    join(project.dir, 'node_modules/pg/package.json'),
    JSON.stringify({ name: 'pg', version: '8.0.0', main: 'index.js' }),
  )
  writeFileSync(
    join(project.dir, 'node_modules/pg/index.js'),
    `module.exports = require(${JSON.stringify(join(root, 'node_modules/pg'))})\n`,
  )
})

afterEach(() => project?.remove())

/** A port that was free a moment ago. */
async function findPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  text: string
}

function startContainer(env: NodeJS.ProcessEnv = {}, command = [process.execPath, 'server.mjs', 'one arg']) {
  const child = spawn('sh', [entrypoint, ...command], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, DATABASE_URL: app.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part))
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, text })))
  return { child, ended, text: () => text }
}

const run = (env: NodeJS.ProcessEnv = {}, command?: string[]) => startContainer(env, command).ended

function served(): { rows: number; pid: number; args: string[] }[] {
  const file = join(project.dir, 'served.log')
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const applied = async () =>
  app.query('select version from schema_migrations order by 1').then(
    (rows) => rows.map(({ version }) => version),
    () => [],
  )

test('migrates, then becomes the server: its process, its arguments, its exit code', async () => {
  const { child, ended } = startContainer({ SERVER_EXIT: '7' })
  const { code, text } = await ended
  expect(code, text).toBe(7)
  expect(await applied()).toHaveLength(2)
  expect(served()).toEqual([{ rows: 1, pid: child.pid, args: ['one arg'] }])
})

test('of ten at once one applies, nine wait, and all serve only after the commit', async () => {
  const ended = await Promise.all(Array.from({ length: 10 }, () => run()))
  expect(ended.map(({ code }) => code)).toEqual(Array(10).fill(0))
  expect(served().map(({ rows }) => rows)).toEqual(Array(10).fill(1))
  expect(await applied()).toHaveLength(2)
  const ledger = await app.query('select migration, rollout from tenantry_ledger order by 1')
  expect(ledger).toHaveLength(2)
}, 120_000)

test('a failed migration starts none of three, and the exit code says so', async () => {
  project.write({ 'migrations/003_bad.sql': 'insert into item values (1);\n' })
  const ended = await Promise.all([run(), run(), run()])
  for (const { code, text } of ended) {
    expect(code).toBe(1)
    expect(text).toMatch(/`tenantry up --allow-failures 0` ended with 1; the server is not started/)
  }
  expect(served()).toEqual([])
}, 60_000)

describe('TENANTRY_ON_START', () => {
  test('skip touches nothing', async () => {
    expect((await run({ TENANTRY_ON_START: 'skip' })).code).toBe(0)
    expect(served()).toMatchObject([{ rows: -1 }])
  })

  test('check starts the server on an up-to-date database only', async () => {
    expect(await run({ TENANTRY_ON_START: 'check' })).toMatchObject({ code: 3 })
    expect([served(), await applied()]).toEqual([[], []])
    await run()
    expect(await run({ TENANTRY_ON_START: 'check' })).toMatchObject({ code: 0 })
    expect(served()).toHaveLength(2)
  })

  test.each([
    [{ TENANTRY_ON_START: 'migrat' }, /TENANTRY_ON_START=migrat is none of/],
    [{ TENANTRY_ON_START_MAX_FAILURES: 'some' }, /TENANTRY_ON_START_MAX_FAILURES=some is neither/],
    [{ TENANTRY_ON_START_WAIT: '1m' }, /TENANTRY_ON_START_WAIT=1m is no number/],
  ])('%j is refused before anything is touched', async (env, message) => {
    const { code, text } = await run(env)
    expect(code).toBe(2)
    expect(text).toMatch(message)
    expect([served(), await applied()]).toEqual([[], []])
  })

  test('without a command there is nothing to start', async () => {
    expect(await run({}, [])).toMatchObject({ code: 2, text: expect.stringContaining('no command to start') })
  })
})

describe('TENANTRY_ON_START_MAX_FAILURES', () => {
  beforeEach(() => {
    const places = ['one', 'two', 'three'].map((slug) => ({ slug, topology: 'schema', server: 'main', schema: slug }))
    project.configure({ servers: { main: { url: app.url } }, tenants: places })
    project.write({ 'migrations/002_slow.sql': 'select 1 / (current_schema() <> $$two$$)::int;\n' })
    return app.query(
      ['one', 'two', 'three'].map((name) => `drop schema if exists ${name} cascade; create schema ${name}`).join(';'),
    )
  })

  test('0 keeps the app down for one bad tenant', async () => {
    expect(await run()).toMatchObject({ code: 1 })
    expect(served()).toEqual([])
  })

  test.each(['1', '34%'])('%s does not', async (most) => {
    const { code, text } = await run({ TENANTRY_ON_START_MAX_FAILURES: most })
    expect(code, text).toBe(0)
    expect(served()).toHaveLength(1)
    expect(text).toMatch(/division by zero/)
  })

  test('1 is not enough for two', async () => {
    project.write({ 'migrations/002_slow.sql': 'select 1 / (current_schema() = $$one$$)::int;\n' })
    expect(await run({ TENANTRY_ON_START_MAX_FAILURES: '1' })).toMatchObject({ code: 1 })
  })
})

describe('a database that is not there yet', () => {
  const away = (url: string, port: number) => {
    const other = new URL(url)
    other.port = String(port)
    other.hostname = '127.0.0.1'
    return other.href
  }

  test('is waited for, with a limit', async () => {
    const DATABASE_URL = away(app.url, await findPort())
    const { code, text } = await run({ DATABASE_URL, TENANTRY_ON_START_WAIT: '1' })
    expect(code).toBe(1)
    expect(text).toMatch(/did not answer in time/)
    expect(text).not.toContain(new URL(app.url).password || 'no password')
    expect(served()).toEqual([])
  })

  test('is found when it comes up', async () => {
    const { hostname, port: real } = new URL(app.url)
    const port = await findPort()
    const { child, ended, text } = startContainer({ DATABASE_URL: away(app.url, port) })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(child.exitCode).toBeNull()
    const proxy = createServer((socket) => {
      const behind = openSocket({ host: hostname, port: Number(real) })
      socket.pipe(behind).pipe(socket)
      for (const one of [socket, behind]) one.on('error', () => socket.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
    const { code } = await ended
    proxy.close()
    expect(code, text()).toBe(0)
    expect(served()).toMatchObject([{ rows: 1 }])
  }, 60_000)
})

test('`docker stop` while it migrates: what is in flight is finished, and no server starts', async () => {
  const { child, ended } = startContainer()
  await expect
    .poll(
      () =>
        app.query(
          "select 1 from pg_stat_activity where query like '%pg_sleep(1)%' and state = 'active' and pid <> pg_backend_pid()",
        ),
      {
        timeout: 30_000,
      },
    )
    .not.toEqual([])
  child.kill('SIGTERM')
  const { code } = await ended
  expect(code).toBe(130)
  expect(served()).toEqual([])
  expect(await applied()).toHaveLength(2)
}, 60_000)

test('`docker stop` that comes when everything is applied already starts no server either', async () => {
  const bin = join(project.dir, 'node_modules/.bin/tenantry')
  writeFileSync(bin, '#!/bin/sh\ntrap : TERM\necho "$1" >> ran.log\nkill -TERM $PPID\nsleep 0.2\nexit 0\n')
  const { ended } = startContainer()
  const { code } = await ended
  expect(code).toBe(143)
  expect(served()).toEqual([])
  expect(readFileSync(join(project.dir, 'ran.log'), 'utf8')).toBe('wait\n')
}, 60_000)
