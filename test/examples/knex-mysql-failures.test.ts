/** What the guide of knex-mysql says of keys and failures: each is broken on purpose, in a fleet of five. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMysqlProxy } from '../servers/mysql-proxy.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import {
  columnsOf,
  encrypt,
  encryptionKey,
  initial,
  type KnexFleet,
  type KnexTenant,
  knexRows,
  openKnexFleet,
  runKnex,
} from './knex-mysql-fleet.ts'

withMariadb('what the guide of knex-mysql says of failures', () => {
  let fleet: KnexFleet
  const applied = [...initial]

  beforeAll(async () => {
    fleet = await openKnexFleet()
  })
  afterAll(() => fleet?.remove())

  const up = 'npm run migrate:all-tenants'
  const addMigration = (name: string, lines: string, down = '') =>
    fleet.example.write({
      [`migrations/tenant/${name}`]: `exports.up = async (knex) => {\n${lines}\n}\nexports.down = async (knex) => {\n${down}\n}\n`,
    })
  const having = async (table: string): Promise<string[]> => {
    const found: string[] = []
    for (const { slug, database } of [...fleet.active, fleet.suspended])
      if ((await columnsOf(database, table)).length > 0) found.push(slug)
    return found
  }
  const others = (...slugs: string[]) => fleet.active.map(({ slug }) => slug).filter((slug) => !slugs.includes(slug))
  const expectHistories = async (expected: (slug: string) => readonly string[]) => {
    for (const { slug, database } of fleet.active)
      expect({ slug, rows: await knexRows(database) }).toEqual({ slug, rows: expected(slug) })
    expect(await knexRows(fleet.suspended.database)).toEqual(initial)
  }
  /** Knex itself, on a tenant's database with the tenant's own user. */
  const knex = async (command: string, { user, password, database }: KnexTenant) =>
    (
      await fleet.example.ok(`npx knex ${command}`, { DB_USER: user, DB_PASS: password, DB_NAME: database.name })
    ).stdout.replaceAll('\r', '')

  describe('the key of the passwords', () => {
    const name = '20300101000000_add_notes.js'

    beforeAll(() => addMigration(name, "  await knex.schema.createTable('notes', (t) => t.increments())"))

    test('of 31 characters, of another application, or none at all: told before a target is touched', async () => {
      const short = encryptionKey.slice(1)
      const cases = [
        [short, 'DB_ENCRYPTION_KEY has 31 characters, not 32'],
        [randomBytes(16).toString('hex'), '5 of 5 credentials do not open, so no target was touched'],
        ['', 'no key for those (DB_ENCRYPTION_KEY) is set'],
      ] as const
      for (const [key, message] of cases) {
        const { code, stdout, stderr } = await fleet.example.run(up, { DB_ENCRYPTION_KEY: key })
        expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(message)])
        if (key !== '') expect(stdout + stderr).not.toContain(key)
      }
      expect(await having('notes')).toEqual([])
      await expectHistories(() => initial)
    })

    test('"Invalid encrypted password format": the tenant is named, and a password that is stored anew is what the application reads', async () => {
      const { example, central, tenant } = fleet
      const { id, user, password } = tenant('globex')
      await central.query("UPDATE tenants SET dbPasswordEncrypted = 'in clear' WHERE id = ?", [id])
      const refused = await example.run(up)
      expect([refused.code, refused.stderr]).toEqual([
        2,
        expect.stringContaining('The credential of globex is neither a sealed text nor an AES-256-CBC value'),
      ])
      expect(refused.stdout + refused.stderr).not.toContain('in clear')
      expect(await having('notes')).toEqual([])
      example.write({ 'password.txt': password })
      await example.ok(`npx tenantry tenants set-credentials globex --user ${user} --password-stdin < password.txt`)
      const [row] = await central.query('SELECT dbPasswordEncrypted AS stored FROM tenants WHERE id = ?', [id])
      expect(String(row?.stored)).toMatch(/^[\da-f]{32}:[\da-f]+$/)
      const read = `node -p "require('./src/crypto.js').decryptPassword(process.env.STORED)"`
      expect((await example.ok(read, { STORED: String(row?.stored) })).stdout).toBe(`${password}\n`)
    })

    test('that fits opens what the recipe of the guide made, and no output holds a password', async () => {
      const { example } = fleet
      const { code, stdout, stderr } = await example.ok(`${up} -- --verbose`)
      expect(code).toBe(0)
      applied.push(name)
      await expectHistories(() => applied)
      for (const secret of [encryptionKey, fleet.tenant('globex').password])
        expect(stdout + stderr).not.toContain(secret)
      expect(await encrypt(example, 'x')).not.toBe(await encrypt(example, 'x'))
    })
  })

  test('one of five fails: the others are done, it is named in the summary, and Knex agrees afterwards', async () => {
    const { example, tenant } = fleet
    const name = '20300102000000_add_author_to_notes.js'
    addMigration(name, "  await knex.schema.alterTable('notes', (t) => t.string('author'))")
    const { database } = tenant('globex')
    await database.query('RENAME TABLE notes TO notes_kept')
    const failed = await example.run(up)
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(/^Found 5 targets/m)
    expect(failed.stdout).toMatch(/^✔ 4 applied · ✖ 1 failed/m)
    expect(failed.stdout).toContain(`${name}, statement 1`)
    expect(failed.stdout).toContain('tenantry explain globex')
    await expectHistories((slug) => (slug === 'globex' ? applied : [...applied, name]))
    await database.query('RENAME TABLE notes_kept TO notes')
    const mended = await example.ok(up)
    expect(mended.stdout).toMatch(/^✔ 1 applied · 0 failed · 4 up-to-date/m)
    applied.push(name)
    await expectHistories(() => applied)
    const list = await knex('migrate:list', tenant('globex'))
    expect(list).toContain(`Found ${applied.length} Completed`)
    expect(list).toContain('No Pending Migration')
    expect(await knex('migrate:latest', tenant('globex'))).toContain('Already up to date')
  })

  test('"Table already exists": what is in the way is compared, and what was half done goes on where it stopped', async () => {
    const { example, tenant } = fleet
    const name = '20300103000000_add_projects.js'
    addMigration(
      name,
      `  await knex.schema.createTable('projects', (t) => { t.increments(); t.string('name') })
  await knex('projects').insert({ name: 'First' })
  await knex.schema.createTable('labels', (t) => t.increments())`,
    )
    const [half, byHand] = [tenant('techstart'), tenant('acme-corp')]
    await half.database.query('CREATE TABLE labels (anything int)')
    await byHand.database.query(`CREATE TABLE projects (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(255));
      INSERT INTO projects (name) VALUES ('First'); CREATE TABLE labels (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY)`)
    const failed = await example.run(up)
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining("Table 'labels' already exists")])
    expect(failed.stdout).toMatch(/^✔ 3 applied · ✖ 2 failed/m)
    await expectHistories((slug) => (others('techstart', 'acme-corp').includes(slug) ? [...applied, name] : applied))

    // Half done: DDL commits by itself on MariaDB. What stands in the way is not what the migration makes.
    const stopped = await example.ok('npx tenantry explain techstart')
    expect(stopped.stdout).toContain('half-done: 20300103000000_add_projects (up), stopped after statement 2')
    expect(stopped.stdout).toContain('table labels')
    expect(stopped.stdout).toContain('it differs from what the migration makes')
    await half.database.query('DROP TABLE labels')
    await example.ok('npm run migrate:tenant techstart')
    expect(await half.database.query('SELECT name FROM projects')).toEqual([{ name: 'First' }])
    expect(await columnsOf(half.database, 'labels')).toEqual(['id'])

    // Run by hand: all of it is there, and it is recorded as Knex would.
    const there = await example.ok('npx tenantry explain acme-corp')
    expect(there.stdout).toContain('it equals what the migration makes')
    expect(there.stdout).toContain(`tenantry baseline --migration 20300103000000_add_projects acme-corp`)
    await example.ok(`npx tenantry baseline --migration 20300103000000_add_projects acme-corp`)
    expect(await byHand.database.query('SELECT name FROM projects')).toEqual([{ name: 'First' }])
    applied.push(name)
    await expectHistories(() => applied)
    for (const { database } of [half, byHand]) expect(await runKnex(example, database)).toEqual([])
  })

  test('nothing hangs: a query without an end, a server that is down, a lost connection and a lock, each in its own tenant', async () => {
    const { example, central, tenant } = fleet
    const [slow, down, lost, locked] = ['globex', 'techstart', 'test-tenant', 'acme-corp'].map(tenant) as [
      KnexTenant,
      KnexTenant,
      KnexTenant,
      KnexTenant,
    ]
    const name = '20300104000000_add_size.js'
    addMigration(
      name,
      `  if (await knex.schema.hasTable('busy')) await knex.raw('SELECT SLEEP(600)')
  await knex.schema.alterTable('projects', (t) => t.integer('size'))`,
    )
    await slow.database.query('CREATE TABLE busy (id int)')
    const proxy = await startMysqlProxy(lost.database.server)
    const setPort = ({ id }: KnexTenant, port: number) =>
      central.query('UPDATE tenants SET dbPort = ? WHERE id = ?', [port, id])
    await setPort(down, 1)
    await setPort(lost, proxy.port)
    const cut = proxy.cutAt(/alter table `projects`/, 'before')
    // A transaction that somebody left open keeps others from changing the table.
    const { default: mysql } = await import('mysql2/promise')
    const holder = await mysql.createConnection(locked.database.url)
    await holder.query('START TRANSACTION')
    await holder.query('SELECT * FROM projects')
    try {
      const { code, stdout } = await example.run(up, {
        TENANTRY_MIGRATION_TIMEOUT_MS: '3000',
        TENANTRY_LOCK_TIMEOUT_MS: '300',
        TENANTRY_LOCK_RETRY_BUDGET_MS: '600',
      })
      await cut
      expect(code).toBe(1)
      expect(stdout).toMatch(/^✔ 2 applied · ✖ 3 failed/m)
      expect(stdout).toContain('it ran longer than migrationTimeoutMs (3000 ms) and was cancelled')
      expect(stdout).toContain('connection refused')
      expect(stdout).toContain('LOCK_TIMEOUT')
      expect(await columnsOf(lost.database, 'projects')).toContain('size')
      await expectHistories((slug) =>
        [slow, down, locked].some((one) => one.slug === slug) ? applied : [...applied, name],
      )
    } finally {
      await holder.end()
      await proxy.stop()
    }
    await setPort(down, down.database.server.port)
    await setPort(lost, lost.database.server.port)
    await slow.database.query('DROP TABLE busy')
    // Whether the central database can be reached at all may be asked beforehand.
    const away = await example.run('npx tenantry wait --timeout 1', {
      CENTRAL_DATABASE_URL: 'mysql://somebody:pw@127.0.0.1:1/central',
    })
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('127.0.0.1:1')])
    expect((await example.ok('npx tenantry wait')).stdout).toContain('1 server answers')
    const mended = await example.ok(up)
    expect(mended.stdout).toMatch(/^✔ 3 applied · 0 failed · 2 up-to-date/m)
    applied.push(name)
    await expectHistories(() => applied)
  })
})
