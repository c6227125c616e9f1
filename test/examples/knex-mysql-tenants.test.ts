/** What the guide of knex-mysql says of new tenants, of undos and of care, on MariaDB. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { type Served, serve } from './example.ts'
import { columnsOf, initial, type KnexFleet, knexRows, openKnexFleet, runKnex } from './knex-mysql-fleet.ts'

withMariadb('what the guide of knex-mysql promises besides', () => {
  let fleet: KnexFleet
  const centralTable = async () => (await fleet.central.query('SHOW CREATE TABLE tenants'))[0]
  let asPrismaMadeIt: unknown

  beforeAll(async () => {
    fleet = await openKnexFleet()
    asPrismaMadeIt = await centralTable()
  })
  afterAll(() => fleet?.remove())

  const post = async (served: Served, path: string, body: unknown, user = 'ada@example.com') => {
    const headers = { 'content-type': 'application/json', 'x-user': user }
    const response = await fetch(`${served.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return [response.status, await response.json()]
  }
  const rowOf = async (slug: string) => {
    const [row] = await fleet.central.query('SELECT * FROM tenants WHERE slug = ?', [slug])
    return row as Record<'id' | 'status' | 'dbName' | 'dbUser' | 'dbPasswordEncrypted', string>
  }
  const place = (name: string) => {
    const server = sharedMariadb()
    return {
      name,
      url: server.url(name),
      query: (sql: string, values?: readonly unknown[]) => server.query(sql, name, values),
    }
  }
  const isThere = async (name: string) =>
    (await sharedMariadb().query(`SHOW DATABASES LIKE '${name.replaceAll('_', '\\_')}'`)).length > 0

  test('a tenant made by the API has its database and every migration, is ACTIVE, and the application logs in with what was written', async () => {
    const { example, central, admin } = fleet
    await central.query("INSERT INTO users (id, email, passwordHash) VALUES ('u1', 'ada@example.com', 'x')")
    const served = await serve(example, 'npm run start:prod', admin)
    expect(await post(served, '/tenants', { slug: 'initech', name: 'Initech' }, 'nobody')).toEqual([
      401,
      { error: 'no such user' },
    ])
    // Two that are sent at once make one.
    const [one, two] = await Promise.all([
      post(served, '/tenants', { slug: 'initech', name: 'Initech' }),
      post(served, '/tenants', { slug: 'initech', name: 'Initech' }),
    ])
    expect(one).toEqual([201, { id: expect.any(String), slug: 'initech', status: 'ACTIVE' }])
    expect(two).toEqual(one)
    const row = await rowOf('initech')
    expect(row).toMatchObject({ status: 'ACTIVE', name: 'Initech', dbHost: sharedMariadb().host })
    expect(row.dbPasswordEncrypted).toMatch(/^[\da-f]{32}:[\da-f]+$/)
    expect(await knexRows(place(row.dbName))).toEqual(initial)
    expect(await place(row.dbName).query('SELECT name FROM roles ORDER BY id')).toEqual([
      { name: 'owner' },
      { name: 'member' },
    ])
    // The backend's own code decrypts the password, and MariaDB takes it.
    expect(await post(served, '/tenants/initech/tasks', { title: 'Fill in the report' })).toEqual([
      200,
      [{ id: 1, title: 'Fill in the report' }],
    ])
    await served.stop()
    // Knex finds nothing to do, with the tenant's own user.
    expect(await runKnex(example, place(row.dbName))).toEqual([])

    // A later migration reaches it as every other one: by its own user, and nobody may see it besides.
    example.write({
      'migrations/tenant/20300101000000_add_notes.js': `exports.up = (knex) => knex.schema.createTable('notes', (t) => { t.increments(); t.string('text') })
exports.down = (knex) => knex.schema.dropTable('notes')\n`,
    })
    const up = await example.ok('npm run migrate:all-tenants')
    expect(up.stdout).toMatch(/^✔ 6 applied · 0 failed/m)
    expect(await columnsOf(place(row.dbName), 'notes')).toEqual(['id', 'text'])
    const grants = await sharedMariadb().query(`SHOW GRANTS FOR '${row.dbUser}'@'%'`)
    const rights = grants.flatMap((grant) => Object.values(grant).map(String))
    expect(rights.filter((right) => right.startsWith('GRANT ALL'))).toHaveLength(1)
    expect(rights.join('\n')).not.toContain(fleet.tenant('globex').database.name)
  })

  test('a tenant whose migrations fail is not served; the next call goes on with it', async () => {
    const { example, admin } = fleet
    const broken = 'migrations/tenant/20300102000000_broken.js'
    example.write({ [broken]: 'exports.up = (knex) => knex("no_such_table").del()\nexports.down = async () => {}\n' })
    const failing = await serve(example, 'npm run start:prod', admin)
    expect(await post(failing, '/tenants', { slug: 'hooli', name: 'Hooli' })).toEqual([
      500,
      { error: 'MIGRATION_FAILED' },
    ])
    expect(await rowOf('hooli')).toMatchObject({ status: 'FAILED' })
    expect(await post(failing, '/tenants/hooli/tasks', { title: 'x' })).toEqual([404, { error: 'no such tenant' }])
    await failing.stop()
    expect(failing.output()).toContain('no_such_table')
    rmSync(join(example.dir, broken))
    const served = await serve(example, 'npm run start:prod', admin)
    expect((await post(served, '/tenants', { slug: 'hooli', name: 'Hooli' }))[0]).toBe(201)
    await served.stop()
    const row = await rowOf('hooli')
    expect(row.status).toBe('ACTIVE')
    expect(await knexRows(place(row.dbName))).toEqual([...initial, '20300101000000_add_notes.js'])
  })

  test('every down is tried out away from the tenants; one that forgets something, and one that is missing, are found', async () => {
    const { example, admin } = fleet
    const prove = async () => {
      const { code, stdout } = await example.run('npm run --silent migrate:prove -- --json', admin)
      const { migrations } = JSON.parse(stdout) as { migrations: { migration: string; verdict: string }[] }
      return { code, verdicts: Object.fromEntries(migrations.map((one) => [one.migration, one.verdict])) }
    }
    const proved = await prove()
    expect(proved).toEqual({
      code: 0,
      verdicts: Object.fromEntries(
        [...initial, '20300101000000_add_notes.js'].map((name) => [
          name.replace('.js', ''),
          expect.stringMatching(/^(reversible|lossy)$/),
        ]),
      ),
    })
    const forgets = 'migrations/tenant/20300103000000_forgets.js'
    const missing = 'migrations/tenant/20300104000000_missing.js'
    example.write({
      [forgets]: `exports.up = (knex) => knex.schema.createTable('left_behind', (t) => t.increments())
exports.down = (knex) => knex.schema.dropTableIfExists('left_over')\n`,
      [missing]: "exports.up = (knex) => knex.schema.createTable('for_ever', (t) => t.increments())\n",
    })
    const { code, verdicts } = await prove()
    expect(code).toBe(3)
    expect(verdicts).toMatchObject({ '20300103000000_forgets': 'broken', '20300104000000_missing': 'one-way' })
    for (const { database } of fleet.active) expect(await columnsOf(database, 'left_behind')).toEqual([])
    for (const path of [forgets, missing]) rmSync(join(example.dir, path))
  })

  test('an applied file that is changed is refused, and told by check', async () => {
    const { example } = fleet
    const file = 'migrations/tenant/20300101000000_add_notes.js'
    const before = example.read(file)
    example.write({ [file]: before.replace("t.string('text')", "t.text('text')") })
    const refused = await example.run('npm run migrate:tenant globex')
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('MIGRATION_CHANGED')])
    const check = await example.run('npx tenantry check')
    expect([check.code, check.stdout]).toEqual([3, expect.stringContaining('7 changed')])
    example.write({ [file]: before })
    await example.ok('npx tenantry check')
  })

  test('a backup of each tenant comes before what takes something away; without it nothing is taken', async () => {
    const { example, active } = fleet
    example.write({
      'migrations/tenant/20300105000000_drop_notes.js': `exports.up = (knex) => knex.schema.dropTable('notes')
exports.down = (knex) => knex.schema.createTable('notes', (t) => { t.increments(); t.string('text') })\n`,
    })
    const failed = await example.run("npm run migrate:all-tenants -- --backup 'exit 3'")
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('BACKUP_FAILED')])
    for (const { database } of active) expect(await columnsOf(database, 'notes')).not.toEqual([])
    await example.ok(`npm run migrate:all-tenants -- --backup 'echo "$TENANTRY_DATABASE" >> backups.txt'`)
    expect(example.read('backups.txt').trim().split('\n')).toEqual(
      expect.arrayContaining(active.map(({ database }) => database.name)),
    )
    for (const { database } of active) expect(await columnsOf(database, 'notes')).toEqual([])
  })

  test('the central database keeps the table as Prisma made it, and a tenant goes with its database and user', async () => {
    const { example, admin } = fleet
    expect(await centralTable()).toEqual(asPrismaMadeIt)
    const row = await rowOf('hooli')
    await example.ok('npx tenantry tenants remove hooli --drop-data --yes hooli --env admin', admin)
    expect(await isThere(row.dbName)).toBe(false)
    expect(await sharedMariadb().query('SELECT 1 FROM mysql.user WHERE User = ?', 'mysql', [row.dbUser])).toEqual([])
  })
})
