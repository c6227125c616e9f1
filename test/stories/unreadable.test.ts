/** Credentials that do not open stop a command before it has touched any target. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NewTenantRecord } from '../../src/model/registry.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { actor, openProjectRegistry, runWith } from './credential-project.ts'
import { createSchemas, makeProject, type Project } from './project.ts'

const count = 300
const cbcKey = 'your-32-character-secret-key!!??'

let database: TestDatabase
let project: Project
let role: string

beforeEach(async () => {
  database = await freshDatabase('unreadable')
  role = `${database.name}_role`
  await database.server.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'Pl4nted'`)
  await database.query(createSchemas(count))
  await database.query(
    Array.from({ length: count }, (_, i) => `ALTER SCHEMA t_${i + 1} OWNER TO "${role}";`).join('\n'),
  )
  project = makeProject()
  project.write({ 'migrations/001_marks.sql': 'CREATE TABLE marks (name text);' })
  project.configure({
    servers: { main: { url: `postgres://${new URL(database.url).host}/` } },
    registry: {},
    tenants: { from: 'registry' },
  })
})
afterEach(async () => {
  project.remove()
  await database.drop()
  await database.server.query(`DROP ROLE "${role}"`)
})

/** What an application stores, by the usual snippet. */
function encrypt(password: string): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(cbcKey), iv)
  return `${iv.toString('hex')}:${Buffer.concat([cipher.update(password), cipher.final()]).toString('hex')}`
}

function passesPadding(stored: string, key: string): boolean {
  const [iv = '', encrypted = ''] = stored.split(':')
  const decipher = createDecipheriv('aes-256-cbc', Buffer.from(key), Buffer.from(iv, 'hex'))
  try {
    decipher.update(encrypted, 'hex')
    decipher.final()
    return true
  } catch {
    return false
  }
}

async function fill(passwordOf: (i: number) => string): Promise<string[]> {
  const registry = await openProjectRegistry(project)
  const tenants = Array.from(
    { length: count },
    (_, i): NewTenantRecord => ({
      slug: `t${i + 1}`,
      topology: 'schema',
      state: 'active',
      placement: { server: 'main', database: database.name, schema: `t_${i + 1}` },
    }),
  )
  const added = await registry.tenants.add(tenants, actor)
  const stored = added.map((_, i) => encrypt(passwordOf(i)))
  await registry.tenants.writeCredentials(
    added.map(({ id }, i) => ({
      credential: { tenantId: id, user: role, sealed: stored[i] ?? '', reference: null },
    })),
    'credential',
    actor,
  )
  await registry.close()
  return stored
}

async function countTables(): Promise<number> {
  return (await database.query(`SELECT 1 FROM pg_tables WHERE schemaname LIKE 't\\_%'`)).length
}

test('a wrong CBC key that gets past the padding of some of 300: no target is touched; with the right one, all are', {
  timeout: 120_000,
}, async () => {
  const stored = await fill(() => 'Pl4nted')
  let wrong = ''
  for (let i = 0; wrong === ''; i++) {
    const key = createHash('sha256').update(`wrong ${i}`).digest('hex').slice(0, 32)
    if (stored.some((text) => passesPadding(text, key))) wrong = key
  }
  for (const command of ['up', 'plan', 'status', 'baseline']) {
    const argv = [command, ...(command === 'baseline' ? ['--to', '001'] : []), '--json']
    const { code, stdout } = await runWith(project, argv, { env: { DB_ENCRYPTION_KEY: wrong } })
    expect(code, stdout).toBe(2)
    const { error } = JSON.parse(stdout)
    expect(error).toMatchObject({ code: 'CREDENTIAL_UNREADABLE', context: { unreadable: count } })
    expect(error.message).toContain('300 of 300 credentials do not open, so no target was touched')
    expect(error.message).toContain('… and 280 more')
    expect(error.message).toMatch(/that key [0-9a-f]{8} \(DB_ENCRYPTION_KEY\) does not open/)
  }
  for (const key of [cbcKey.slice(1), `${cbcKey}!`, '']) {
    const { code, stderr } = await runWith(project, ['up'], { env: { DB_ENCRYPTION_KEY: key } })
    expect(code).toBe(2)
    expect(stderr).toContain(
      key === '' ? 'no key for those (DB_ENCRYPTION_KEY) is set' : `has ${key.length} characters, not 32`,
    )
  }
  expect(await countTables()).toBe(0)
  const { code, stdout } = await runWith(project, ['up', '--json'], { env: { DB_ENCRYPTION_KEY: cbcKey } })
  expect(code, stdout).toBe(0)
  expect(JSON.parse(stdout).summary).toMatchObject({ targets: count, applied: count })
})

test('tenants of one database with two passwords, and a server without a user: nobody guesses', async () => {
  await fill((i) => (i === 7 ? 'another' : 'Pl4nted'))
  const { code, stdout } = await runWith(project, ['up', '--json'], { env: { DB_ENCRYPTION_KEY: cbcKey } })
  expect(code, stdout).toBe(2)
  const { error } = JSON.parse(stdout)
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toContain('with different credentials')
  expect(error.hint).toContain('servers.main.url')
  expect(await countTables()).toBe(0)
})

test('one damaged among 300 is named alone; without it the others go on', async () => {
  await fill(() => 'Pl4nted')
  const registry = await openProjectRegistry(project)
  const tenant = await registry.tenants.find('t42')
  const stored = (await registry.tenants.readCredentials([tenant?.id ?? ''])).get(tenant?.id ?? '')
  const sealed = `${stored?.sealed?.slice(0, -2)}00`
  await registry.tenants.writeCredentials(
    [{ credential: { tenantId: tenant?.id ?? '', user: role, sealed, reference: null } }],
    'credential',
    actor,
  )
  await registry.close()
  const env = { DB_ENCRYPTION_KEY: cbcKey }
  const { code, stderr } = await runWith(project, ['up'], { env })
  expect(code).toBe(2)
  expect(stderr).toMatch(/The credential of t42 is an AES-256-CBC value .* so no target was touched/)
  expect(await countTables()).toBe(0)
  expect((await runWith(project, ['up', '--exclude', 't42'], { env })).code).toBe(0)
})

test('moved from AES-256-CBC to AES-256-GCM, after somebody said so', async () => {
  await fill(() => 'Pl4nted')
  const env = { DB_ENCRYPTION_KEY: cbcKey, MASTER_ENCRYPTION_KEY: 'm'.repeat(32) }
  const plain = await runWith(project, ['keys', 'rotate', '--json'], { env })
  expect(JSON.parse(plain.stdout)).toMatchObject({ ok: true, total: count, rotated: 0, cbc: count })
  const refused = await runWith(project, ['keys', 'rotate', '--reseal', '--json'], { env })
  expect(refused.code).toBe(2)
  expect(JSON.parse(refused.stdout).error.code).toBe('CONFIRMATION_MISSING')
  const wrong = await runWith(project, ['keys', 'rotate', '--reseal', '--yes'], {
    env: { ...env, DB_ENCRYPTION_KEY: 'w'.repeat(32) },
  })
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('none was sealed anew')
  const done = await runWith(project, ['keys', 'rotate', '--reseal', '--yes', '--json'], { env })
  expect(JSON.parse(done.stdout)).toMatchObject({ ok: true, rotated: count, resealed: count, cbc: 0 })
  // The application's key is not needed any more.
  const up = await runWith(project, ['up', '--json'], { env: { MASTER_ENCRYPTION_KEY: env.MASTER_ENCRYPTION_KEY } })
  expect(JSON.parse(up.stdout).summary).toMatchObject({ applied: count })
})
