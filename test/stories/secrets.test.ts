import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** With every character that a URL, a shell, a JSON document or a connection string treats as its own. */
const password = `Pl4nt3d@:/%'"\\\n?#& [x]$\`end`
const wrongPassword = `Wr0ngOne@:/%'"\\\n?#& end`
const tenants = 3

let database: TestDatabase
let project: Project
let role: string

beforeEach(async () => {
  database = await freshDatabase('secrets')
  role = `${database.name}_role`
  const literal = `E'${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  await database.server.query(`CREATE ROLE "${role}" LOGIN PASSWORD ${literal}`)
  await database.query(createSchemas(tenants))
  for (let i = 1; i <= tenants; i++) await database.query(`ALTER SCHEMA t_${i} OWNER TO "${role}"`)
  project = makeProject()
  project.write({
    'migrations/001_marks.sql': 'CREATE TABLE marks (name text);',
    'migrations/002_fails_once.sql': 'SELECT * FROM nowhere;',
    'migrations/rollbacks/001_marks.sql': 'DROP TABLE marks;',
  })
})
afterEach(async () => {
  project.remove()
  await database.query(`DROP OWNED BY "${role}" CASCADE`)
  await database.drop()
  await database.server.query(`DROP ROLE "${role}"`)
})

function urlWith(secret: string, change: (url: URL) => void = () => {}): string {
  const url = new URL(database.url)
  url.username = role
  url.password = encodeURIComponent(secret)
  change(url)
  return url.href
}

/** The secret in any spelling that gives it away. */
function spellings(secret: string): string[] {
  const whole = [secret, encodeURIComponent(secret), encodeURI(secret), JSON.stringify(secret).slice(1, -1)]
  return [...whole, Buffer.from(secret).toString('base64'), secret.split('@')[0] as string]
}

function expectClean(text: string, what: string): void {
  for (const secret of [password, wrongPassword]) {
    for (const spelling of spellings(secret)) expect(text.includes(spelling), `${what}: ${text}`).toBe(false)
  }
}

/** Runs the command line, watching the arguments and the environment-free part of what `ps` shows of it. */
async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  const child = spawn(process.execPath, [main, ...argv], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (text: string) => {
    output += text
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const watching = setInterval(() => expectClean(showProcess(child.pid), 'the process list'), 50)
  try {
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    expect(output.length, argv.join(' ')).toBeGreaterThan(0)
    expectClean(output, argv.join(' '))
    return code
  } finally {
    clearInterval(watching)
  }
}

function showProcess(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended, or there is no /proc here
  }
}

test('no password comes out of any command, in any form, whatever goes wrong', { timeout: 120_000 }, async () => {
  project.write({
    'tenantry.config.mjs': `export default {
      servers: { main: { url: process.env.SECRET_URL }, ...(process.env.OTHER_URL ? { other: { url: process.env.OTHER_URL } } : {}) },
      migrations: { dir: './migrations' },
      connectTimeoutMs: 2000,
      tenants: [...${JSON.stringify(schemaTenants(tenants, database.name))},
        ...(process.env.OTHER_URL ? [{ slug: 'other', topology: 'database', server: 'other', database: 'other' }] : [])],
    }`,
  })
  const good = { SECRET_URL: urlWith(password) }
  const wrong = { SECRET_URL: urlWith(wrongPassword) }
  const forms = [[], ['--json'], ['--log-format', 'json', '--verbose']]

  for (const form of forms) {
    expect(await run(['plan', ...form], good)).toBe(0)
    expect(await run(['up', ...form], good)).toBe(1)
    expect(await run(['status', ...form], good)).toBe(0)
    expect(await run(['explain', 't1', ...form], good)).toBe(0)
    expect(await run(['adopt', ...form], good)).toBe(0)
    expect(await run(['adopt', ...form], wrong)).toBe(1)
    expect(await run(['unlock', ...form], good)).toBe(0)
    expect(await run(['baseline', '--to', '001', ...form], good)).toBe(0)
    expect(await run(['baseline', '--to', '001', ...form], wrong)).toBe(1)
    // A wrong password, a database that is not there, a port where nobody listens, a host that does not exist.
    expect(await run(['up', ...form], wrong)).toBe(1)
    expect(
      await run(['up', ...form], { ...good, OTHER_URL: urlWith(password, (url) => (url.pathname = '/nowhere')) }),
    ).toBe(1)
    expect(await run(['up', ...form], { ...good, OTHER_URL: urlWith(password, (url) => (url.port = '1')) })).toBe(1)
  }
  expect(
    await run(['up', '--verbose'], {
      ...good,
      OTHER_URL: urlWith(password, (url) => (url.hostname = 'nowhere.invalid')),
    }),
  ).toBe(1)
  // URLs that cannot be read, and ones with a mistake in them.
  expect(await run(['up', '--verbose'], { SECRET_URL: `postgres://${role}:${password}@127.0.0.1/x` })).toBe(2)
  expect(await run(['up', '--json'], { SECRET_URL: `${urlWith(password)}?sslmode=nonsense` })).toBe(2)
  expect(await run(['up', '--json'], { SECRET_URL: urlWith(password).replace('postgres', 'oracle') })).toBe(2)
  expect(
    await run(['up'], {
      SECRET_URL: urlWith(password, (url) => (url.port = '')).replace('127.0.0.1', '127.0.0.1:99999'),
    }),
  ).toBe(2)

  const rollouts = join(project.dir, '.tenantry', 'rollouts')
  const files = readdirSync(rollouts)
  expect(files.length).toBeGreaterThan(5)
  for (const file of files) expectClean(readFileSync(join(rollouts, file), 'utf8'), file)
  for (const table of ['tenantry_ledger', 'schema_migrations']) {
    const rows = await database.query(`SELECT * FROM t_1.${table}`)
    expect(rows.length).toBe(1)
    expectClean(JSON.stringify(rows), table)
  }
})

test('a library that prints what it was given prints no password', async () => {
  project.configure({ servers: { main: { url: urlWith(wrongPassword) } }, tenants: schemaTenants(1, database.name) })
  const { inspect } = await import('node:util')
  const events: unknown[] = []
  const report = await project.use((tenantry) => tenantry.up(), { emit: (event) => events.push(event) })
  expect(report.targets[0]?.error?.code).toBe('AUTHENTICATION_FAILED')
  expectClean(JSON.stringify(report) + JSON.stringify(events), 'the report')
  const tenantry = await project.use(async (opened) => inspect(opened, { depth: 20, showHidden: true }))
  expectClean(tenantry, 'inspect')
})
