/** A tenant on MariaDB does not replay history: it is made from a snapshot, and is the same. */
import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { withNative } from './knex-native.ts'
import { dumpDatabase } from './mariadb-client.ts'
import { makeProvisionProject, type ProvisionProject, startChild } from './provision-project.ts'

/** Values and objects of which a copy could lose something. */
const rich = {
  'migrations/001_tables.sql': `CREATE TABLE parents (id INT AUTO_INCREMENT, other INT, name VARCHAR(40) CHARACTER SET latin1, PRIMARY KEY (id)) AUTO_INCREMENT = 77;
CREATE TABLE children (id INT PRIMARY KEY, parent INT, twice INT AS (parent * 2) STORED, CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parents (id));
ALTER TABLE parents ADD CONSTRAINT circle FOREIGN KEY (other) REFERENCES children (id);
CREATE TABLE kinds (a TINYINT, b BIGINT UNSIGNED, c DECIMAL(30, 10), d FLOAT, e DOUBLE, f BIT(10), g DATE, h DATETIME(6), i TIMESTAMP(3) NULL, j TIME(2), k YEAR,
  l CHAR(5), m TEXT, n BLOB, o VARBINARY(8), p ENUM('x', 'y''z'), q SET('x', 'y'), r JSON, s UUID, t INET6, u POINT, v INT(6) ZEROFILL, w BOOL INVISIBLE DEFAULT 1);
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 5 CACHE 10;`,
  'migrations/002_rows.sql': `INSERT INTO parents (name) VALUES ('first'), ('zwölf'), ('it''s \\\\ "x"');
DELETE FROM parents WHERE name = 'zwölf';
INSERT INTO children (id, parent) VALUES (0, 77), (2, 79);
UPDATE parents SET other = 2 WHERE id = 77;
INSERT INTO parents (name) VALUES ('last'); DELETE FROM parents WHERE name = 'last';
SET time_zone = '+05:00';
INSERT INTO kinds VALUES (-1, 18446744073709551615, -12345678901234567890.0123456789, 0.1, 0.1e-300, b'1000000001', '2024-02-29', '2024-02-29 01:02:03.000004', '2024-10-27 02:30:00.125', '-838:59:58.99', 2024,
  'a ', 'é€😀\\n\\0x', X'00ff27', X'5c00', 'y''z', 'x,y', '{"a": "\\u00e9"}', '123e4567-e89b-12d3-a456-426655440000', '::ffff:1.2.3.4', ST_GeomFromText('POINT(1.5 2)', 4326), 42);
INSERT INTO kinds (a) VALUES (NULL);
SELECT NEXTVAL(numbers);`,
  'migrations/003_programs.sql': `CREATE VIEW named AS SELECT id, name FROM parents;
CREATE VIEW again AS SELECT * FROM named;
CREATE FUNCTION count_parents() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM parents);
CREATE TRIGGER \`parents_name\` BEFORE INSERT ON \`parents\` FOR EACH ROW SET NEW.name = UPPER(NEW.name);
CREATE EVENT clean ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE DO DELETE FROM children WHERE id < 0;`,
}

const knexFolder = {
  'migrations/20240101000000_customers.cjs': `exports.up = async (knex) => {
  await knex.schema.createTable('customers', (t) => { t.increments(); t.string('name').notNullable().unique(); t.json('more') })
  await knex('customers').insert([{ name: 'first', more: '{"a": 1}' }, { name: 'second' }])
}
exports.down = (knex) => knex.schema.dropTable('customers')
`,
  'migrations/20240102000000_orders.cjs': `exports.up = async (knex) => {
  await knex.schema.createTable('orders', (t) => { t.increments(); t.integer('customer').unsigned().references('customers.id'); t.decimal('total', 10, 2) })
  await knex('orders').insert({ customer: 2, total: 12.5 })
}
exports.down = (knex) => knex.schema.dropTable('orders')
`,
}

withMariadb('MariaDB', () => {
  let registry: MariadbDatabase
  let other: MariadbDatabase
  const projects: ProvisionProject[] = []
  const slug = `m${Math.random().toString(36).slice(2, 9)}`

  beforeEach(async () => {
    registry = await freshMariadb('provision_registry')
    other = await freshMariadb('provision_registry')
  })
  afterEach(async () => {
    for (const project of projects.splice(0)) {
      for await (const { placement } of project.registry.tenants.list())
        await sharedMariadb().query(`DROP DATABASE IF EXISTS \`${placement.database}\``)
      project.remove()
    }
    await registry?.drop()
    await other?.drop()
  })

  async function start(
    config: string,
    migrations: Record<string, string>,
    { url }: MariadbDatabase = registry,
  ): Promise<ProvisionProject> {
    const servers = { main: { url: sharedMariadb().url('mysql') } }
    const project = await makeProvisionProject(servers, url, `scratch: { server: 'main' }, ${config}`, migrations)
    projects.push(project)
    return project
  }

  async function databaseOf(project: ProvisionProject, name: string): Promise<MariadbDatabase> {
    const tenant = await project.registry.tenants.find(name)
    if (tenant === null) throw new Error(`There is no tenant ${name}.`)
    const { database } = tenant.placement
    const server = sharedMariadb()
    return {
      name: database,
      url: server.url(database),
      server,
      query: (sql, values) => server.query(sql, database, values),
      drop: async () => {},
    }
  }

  /** Everything that the server's own program writes down, but for the moments in books of migrations. */
  const everything = (database: MariadbDatabase, books: readonly string[]) =>
    dumpDatabase(database, books).replaceAll(/^.*50003 SET.*$/gm, '')

  async function expectSame(made: MariadbDatabase, replayed: MariadbDatabase, history: string, columns: string) {
    const books = [history, 'tenantry_ledger']
    expect(everything(made, books)).toBe(everything(replayed, books))
    const rows = (database: MariadbDatabase) => database.query(`SELECT ${columns} FROM ${history} ORDER BY 1`)
    expect(await rows(made)).toEqual(await rows(replayed))
    expect((await rows(made)).length).toBeGreaterThan(0)
    const ledger = (database: MariadbDatabase) =>
      database.query(
        'SELECT migration, checksum, state, statements_done, statements_total, prefix FROM tenantry_ledger ORDER BY migration',
      )
    expect(await ledger(made)).toEqual(await ledger(replayed))
  }

  test('a snapshot is what the migrations make: definitions, rows, counters, history', async () => {
    const fast = await start('', rich)
    const slow = await start(`provision: { from: 'replay' },`, rich, other)
    const reports = [
      await fast.provision({ slug: `${slug}a` }),
      await fast.provision({ slug: `${slug}b` }),
      await slow.provision({ slug: `${slug}c` }),
    ]
    expect(reports).toMatchObject([
      { source: 'snapshot', verified: true, notices: [] },
      { source: 'snapshot', verified: true, notices: [] },
      { source: 'replay', verified: true, notices: [] },
    ])
    expect(readdirSync(join(fast.dir, '.tenantry/snapshots'))).toHaveLength(1)
    const [a, b, c] = [
      await databaseOf(fast, `${slug}a`),
      await databaseOf(fast, `${slug}b`),
      await databaseOf(slow, `${slug}c`),
    ]
    for (const made of [a, b]) await expectSame(made, c, 'schema_migrations', 'version')
    // What comes next is numbered alike, and is changed by the trigger.
    for (const made of [a, c]) {
      await made.query("INSERT INTO parents (name) VALUES ('next')")
      expect(await made.query("SELECT id FROM parents WHERE name = BINARY 'NEXT'")).toEqual([{ id: 81 }])
    }
    // What the first server had in its cache counts as given away.
    expect(await a.query('SELECT CAST(NEXTVAL(numbers) AS CHAR) AS next')).toEqual([{ next: '55' }])
    expect((await fast.up()).summary).toMatchObject({ targets: 2, upToDate: 2 })
    expect((await fast.open((tenantry) => tenantry.status())).ok).toBe(true)
    expect(await fast.open((tenantry) => tenantry.drift())).toMatchObject({ ok: true })
    expect(
      await sharedMariadb().query(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'tenantry\\_%'",
      ),
    ).toEqual([])
  })

  test('a folder of Knex: Knex itself agrees, and goes on with it', async () => {
    const config = `migrations: { dir: './migrations', format: 'knex' },`
    const both = [await start(config, {}), await start(`${config} provision: { from: 'replay' },`, {}, other)]
    for (const { dir, write } of both) {
      symlinkSync(join(process.cwd(), 'node_modules'), join(dir, 'node_modules'))
      write(knexFolder)
    }
    const [fast, slow] = both as [ProvisionProject, ProvisionProject]
    expect(await fast.provision({ slug: `${slug}k` })).toMatchObject({
      source: 'snapshot',
      verified: true,
      notices: [],
    })
    expect(await slow.provision({ slug: `${slug}l` })).toMatchObject({ source: 'replay', verified: true })
    const [made, replayed] = [await databaseOf(fast, `${slug}k`), await databaseOf(slow, `${slug}l`)]
    await expectSame(made, replayed, 'knex_migrations', 'name, batch')
    expect((await fast.up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
    const place = { client: 'mysql2' as const, url: made.url }
    const seen = await withNative(
      place,
      async (knex) => {
        const [, pending] = await knex.migrate.list()
        const [, ran] = await knex.migrate.latest()
        await knex.migrate.rollback()
        const [, again] = await knex.migrate.latest()
        return { pending, ran, again: again.length }
      },
      { migrations: { directory: join(fast.dir, 'migrations') } },
    )
    expect(seen).toMatchObject({ pending: [], ran: [] })
    expect(seen.again).toBeGreaterThan(0)
  })

  test('rows that only their own statements can write: every migration is run, and it is said why', async () => {
    const project = await start('', {
      'migrations/001_prices.sql': `CREATE TABLE prices (id INT PRIMARY KEY, price INT) WITH SYSTEM VERSIONING;
INSERT INTO prices VALUES (1, 2); UPDATE prices SET price = 3;`,
    })
    expect(await project.provision({ slug })).toMatchObject({
      source: 'replay',
      verified: true,
      notices: [{ rule: 'replayed', message: expect.stringContaining('table prices keeps versions of its rows') }],
    })
    const made = await databaseOf(project, slug)
    expect(await made.query('SELECT price FROM prices FOR SYSTEM_TIME ALL ORDER BY price')).toHaveLength(2)
  })

  test('killed while the snapshot is loaded: what is there half is emptied, and made whole', async () => {
    const tables = Array.from({ length: 80 }, (_, i) => `CREATE TABLE t${i} (id INT AUTO_INCREMENT PRIMARY KEY);`)
    const project = await start('provision: { role: false },', {
      'migrations/001_tables.sql': tables.join('\n'),
      'migrations/002_row.sql': 'INSERT INTO t7 VALUES (3);',
    })
    expect(await project.provision({ slug: `${slug}o` })).toMatchObject({ source: 'snapshot' })
    const child = startChild(project, { call: 'provision', options: { slug: `${slug}p` } })
    const countTables = async () => {
      const [row] = await sharedMariadb().query(
        `SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE '${slug}p\\_%'`,
      )
      return Number(row?.n)
    }
    const until = performance.now() + 30_000
    while ((await countTables()) < 3 && performance.now() < until) await sleep(2)
    process.kill(child.pid, 'SIGKILL')
    expect((await child.ended).signal).toBe('SIGKILL')
    const left = await databaseOf(project, `${slug}p`)
    const [facts] = await registry.query('SELECT facts FROM tenantry_provisions WHERE facts LIKE ?', [
      '%"filling":true%',
    ])
    expect(facts).toBeDefined()
    // What somebody finds there counts for nothing.
    await left.query('CREATE TABLE half_made (id INT)')
    const notices = await project.provision({ slug: `${slug}p` })
    expect(notices).toMatchObject({ made: true, source: 'snapshot', verified: true, tenant: { state: 'active' } })
    expect(await left.query("SHOW TABLES LIKE 'half_made'")).toEqual([])
    const whole = await databaseOf(project, `${slug}o`)
    expect(everything(left, ['schema_migrations'])).toBe(everything(whole, ['schema_migrations']))
  })
})
