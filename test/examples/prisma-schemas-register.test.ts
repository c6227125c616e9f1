/** A schema per user and Prisma's folders: what happens when a user registers, and when that is cut off. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provisionSteps } from '../../src/model/provision.ts'
import { serve } from './example.ts'
import { type Clicarity, guideSql, initial, openClicarity, preferences, requiredTables } from './prisma-schemas.ts'

const killer = `--import=${fileURLToPath(new URL('./kill-at.mjs', import.meta.url))}`

let app: Clicarity
let example: Clicarity['example']

beforeAll(async () => {
  app = await openClicarity('clicarity_register')
  example = app.example
})
afterAll(() => app?.close())

const users = (username: string) => app.query('SELECT * FROM users WHERE username = $1', [username])
const schemaOf = async (username: string) => String((await users(username))[0]?.schema_name)
const schemasLike = async (pattern: string) =>
  (await app.query('SELECT nspname AS name FROM pg_namespace WHERE nspname ~ $1', [pattern])).map(({ name }) => name)
const register = (words: string, killAt?: string) =>
  example.run(`node scripts/register.js ${words}`, killAt ? { NODE_OPTIONS: killer, KILL_AT: killAt } : {})
const post = (url: string, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers })

/** A user's schema, with all that a new one has, and nothing twice. */
async function expectWhole(username: string, email: string | null): Promise<string> {
  const rows = await users(username)
  expect(rows).toMatchObject([{ username, email, status: 'active' }])
  const schema = String(rows[0]?.schema_name)
  expect(schema).toMatch(new RegExp(`^${username}_\\d{8}$`))
  expect(await schemasLike(`^${username}_`)).toEqual([schema])
  expect(await app.tables(schema)).toEqual(requiredTables)
  expect(await app.history(schema)).toEqual([initial, preferences])
  expect(await app.query(`SELECT us_id, name, email, role FROM "${schema}".team_member`)).toEqual([
    { us_id: rows[0]?.id, name: username, email, role: 'owner' },
  ])
  return schema
}

describe('what the guide of prisma-schemas promises of a registration', () => {
  test('john, killed after each step: one user, one schema with eight digits, all migrations, one team member', async () => {
    let name: string | null = null
    for (const step of provisionSteps) {
      const killed = await register('john john@example.com', `john: ${step} done`)
      expect([step, killed.code, killed.stdout]).toEqual([step, null, ''])
      const [user] = await users('john')
      expect([step, user?.status]).toEqual([step, step === 'active' ? 'active' : 'provisioning'])
      name ??= String(user?.schema_name)
      // Until it is whole, no command takes it for a tenant.
      if (step === 'schema') expect((await app.use((tenantry) => tenantry.status())).summary.targets).toBe(0)
    }
    const { code, stdout } = await register('john')
    expect([code, stdout]).toEqual([0, `john is registered: ${name}\n`])
    expect(await expectWhole('john', 'john@example.com')).toBe(name)
  })

  test('the uuid extension is there once for all, and the history table is the one of the guide', async () => {
    expect((await example.ok('npm run register alice')).stdout).toMatch(/Registered alice: alice_\d{8}\n/)
    const alice = await expectWhole('alice', null)
    expect(
      await app.query("SELECT extnamespace::regnamespace::text AS place FROM pg_extension WHERE extname = 'uuid-ossp'"),
    ).toEqual([{ place: 'public' }])
    await app.query(`CREATE SCHEMA guide; SET search_path TO guide; ${guideSql('CREATE TABLE schema_migrations')}`)
    const shape = (schema: string) =>
      app.query(
        `SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
          replace(replace(pg_get_expr(d.adbin, d.adrelid), $1 || '.', ''), 'CURRENT_TIMESTAMP', 'now()') AS value
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = format('%I.schema_migrations', $1)::regclass AND a.attnum > 0
        UNION ALL SELECT contype::text, pg_get_constraintdef(oid), true, NULL FROM pg_constraint
        WHERE conrelid = format('%I.schema_migrations', $1)::regclass AND contype IN ('p', 'u') ORDER BY 1, 2`,
        [schema],
      )
    expect(await shape(alice)).toEqual(await shape('guide'))
    const rows = await app.query(
      `SELECT description, applied_at, checksum FROM "${alice}".schema_migrations ORDER BY id`,
    )
    expect(rows).toMatchObject([
      { description: 'Team members, vendors, contacts, reminders', checksum: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { applied_at: expect.any(Date) },
    ])
  })

  test('over the API: killed and asked again, asked twice at once, asked for a name that is taken or that cannot be', async () => {
    const dying = await serve(example, 'exec node server.js', { NODE_OPTIONS: killer, KILL_AT: 'bob: schema started' })
    const body = { username: 'bob', email: 'bob@example.com' }
    await expect(post(dying.url, '/register', body)).rejects.toThrow()
    await dying.stop()
    const server = await serve(example, 'npm start')
    const answers = await Promise.all([1, 2].map(() => post(server.url, '/register', body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    const schema = await expectWhole('bob', 'bob@example.com')
    expect(await answers.find(({ status }) => status === 201)?.json()).toEqual({ schema })
    for (const username of ['Müller', '', 'drop table;'])
      expect((await post(server.url, '/register', { username })).status).toBe(400)
    // Each user sees rows of the own schema only.
    const as = (user: string) => ({ 'x-user': user })
    expect((await post(server.url, '/vendors', { name: 'Acme' }, as('bob'))).status).toBe(200)
    const read = async (user: string, path: string) => (await fetch(server.url + path, { headers: as(user) })).json()
    expect(await read('bob', '/vendors')).toMatchObject([{ name: 'Acme' }])
    expect(await read('john', '/vendors')).toEqual([])
    expect(await read('john', '/team')).toEqual([{ name: 'john', email: 'john@example.com', role: 'owner' }])
    expect((await fetch(`${server.url}/team`, { headers: as('nobody') })).status).toBe(401)
    await server.stop()
  })

  test('a new user gets every migration, and those who are there wait for a deploy: they get what is pending', async () => {
    const added = app.add('add_notes', 'ALTER TABLE "public"."vendor" ADD COLUMN "notes" TEXT;\n')
    const { code, stderr } = await register('dora')
    expect([code, stderr]).toEqual([0, expect.stringContaining('dora: active done')])
    expect(await app.history(await schemaOf('dora'))).toEqual([initial, preferences, added])
    expect(await app.history(await schemaOf('john'))).toEqual([initial, preferences])
    const report = await app.use((tenantry) => tenantry.up())
    // Found by themselves: everybody who has registered.
    expect(report.targets.map(({ tenants, result }) => [tenants[0], result]).sort()).toEqual([
      ['alice', 'applied'],
      ['bob', 'applied'],
      ['dora', 'up-to-date'],
      ['john', 'applied'],
    ])
  })
})
