/** Passwords in a team's own table, which its own application goes on reading. */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { openProjectRegistry, runWith } from './credential-project.ts'
import { makeProject, type Project } from './project.ts'

const env = { DB_ENCRYPTION_KEY: 'your-32-character-secret-key!!??' }
const password = `n3w@:/%'"\\ one`

/** The application's own code. */
function encrypt(text: string): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(env.DB_ENCRYPTION_KEY), iv)
  return Buffer.concat([iv, cipher.update(text), cipher.final()]).toString('base64')
}

function decrypt(stored: string): string {
  const bytes = Buffer.from(stored, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', Buffer.from(env.DB_ENCRYPTION_KEY), bytes.subarray(0, 16))
  return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString()
}

let central: TestDatabase
let own: TestDatabase
let project: Project
let role: string

beforeEach(async () => {
  central = await freshDatabase('central')
  own = await freshDatabase('own')
  role = `${own.name}_role`
  await own.server.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'first'`)
  await own.query(`ALTER SCHEMA public OWNER TO "${role}"`)
  const { hostname, port } = new URL(own.url)
  await central.query(`CREATE TABLE tenants (id uuid PRIMARY KEY, slug text NOT NULL, status text NOT NULL,
    "dbHost" text, "dbPort" int, "dbName" text, "dbUser" text, "dbPassword" text)`)
  await central.query('INSERT INTO tenants VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', [
    randomUUID(),
    'acme',
    'ACTIVE',
    hostname,
    Number(port),
    own.name,
    role,
    encrypt('first'),
  ])
  project = makeProject()
  project.write({ 'migrations/001_marks.sql': 'CREATE TABLE marks (name text);' })
  project.configure({
    registry: {
      url: central.url,
      tenants: {
        table: 'tenants',
        columns: {
          id: 'id',
          slug: 'slug',
          state: 'status',
          host: 'dbHost',
          port: 'dbPort',
          database: 'dbName',
          user: 'dbUser',
          password: 'dbPassword',
        },
        values: { state: { ACTIVE: 'active' } },
      },
    },
    tenants: { from: 'registry' },
  })
  await (await openProjectRegistry(project)).close()
})
afterEach(async () => {
  project.remove()
  await central.drop()
  await own.drop()
  await own.server.query(`DROP ROLE "${role}"`)
})

async function stored(): Promise<string> {
  const [row] = await central.query('SELECT "dbPassword" AS password FROM tenants')
  return String(row?.password)
}

test('they are opened, written back in the same shape, left alone by a rotation, and moved only when asked', async () => {
  expect((await runWith(project, ['up'], { env })).code).toBe(0)

  await own.server.query(`ALTER ROLE "${role}" PASSWORD E'n3w@:/%\\'"\\\\ one'`)
  expect((await runWith(project, ['status'], { env })).code).toBe(1)
  const set = ['tenants', 'set-credentials', 'acme', '--user', role, '--password-stdin', '--json']
  const done = await runWith(project, set, { env, input: `${password}\n` })
  expect(JSON.parse(done.stdout)).toMatchObject({ ok: true, kind: 'cbc' })
  expect(decrypt(await stored())).toBe(password)
  expect((await runWith(project, ['status'], { env })).code).toBe(0)

  const keys = { ...env, MASTER_ENCRYPTION_KEY: 'm'.repeat(32) }
  const before = await stored()
  const rotated = await runWith(project, ['keys', 'rotate', '--json'], { env: keys })
  expect(JSON.parse(rotated.stdout)).toMatchObject({ ok: true, rotated: 0, cbc: 1 })
  expect(await stored()).toBe(before)

  const moved = await runWith(project, ['keys', 'rotate', '--reseal', '--yes', '--json'], { env: keys })
  expect(JSON.parse(moved.stdout)).toMatchObject({ ok: true, rotated: 1, resealed: 1 })
  expect(await stored()).toMatch(/^tenantry:v1:/)
  expect((await runWith(project, ['status'], { env: { MASTER_ENCRYPTION_KEY: 'm'.repeat(32) } })).code).toBe(0)
})
