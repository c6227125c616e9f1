import { afterAll, beforeAll, expect, test } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { comparePictures } from '../../src/engine/compare-pictures.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { objectKinds, ownSchema, type PictureScope, type SchemaPicture } from '../../src/model/picture.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { openMysql } from './mysql-connection.ts'
import { cosmetic, pictureSchema, planted } from './mysql-picture-cases.ts'

const everything: PictureScope = { kinds: objectKinds, exceptTables: [], ignore: [] }

/** Things that only the cosmetic cases change, and a second name of the database in a text. */
const beside = [
  'CREATE INDEX tmp_a ON plain (a)',
  'CREATE INDEX tmp_b ON plain (b)',
  'CREATE TABLE plain_child (a INT, CONSTRAINT child_fk FOREIGN KEY (a) REFERENCES plain (a))',
  'CREATE TRIGGER orders_third AFTER INSERT ON orders FOR EACH ROW SET @x = 1',
]

const inOne = (database: MariadbDatabase, statements: readonly string[]) => database.query(statements.join(';\n'))

async function built(label: string, further: readonly string[] = []): Promise<MariadbDatabase> {
  const database = await freshMariadb(label)
  await inOne(database, [...pictureSchema(database.name), ...further])
  return database
}

async function look(database: MariadbDatabase, scope = everything, prepare = ''): Promise<SchemaPicture> {
  const connection = await openMysql(database.server, database.name)
  try {
    if (prepare !== '') await connection.run(prepare)
    const picture = await mysql.pictures.describe(connection, null, scope)
    const { hashes } = await mysql.pictures.fingerprint(connection, [null], scope)
    expect(hashes).toEqual([picture?.hash])
    return picture as SchemaPicture
  } finally {
    await connection.close()
  }
}

const list = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value)

withMariadb('schemas of MariaDB', () => {
  let reference: SchemaPicture
  let larger: SchemaPicture
  beforeAll(async () => {
    reference = await look(await built('a reference'))
    larger = await look(await built('another reference', beside))
  })

  test('every kind of object is seen', () => {
    const seen = new Set(reference.objects.map(({ kind }) => kind))
    const kinds =
      'table column primary-key unique foreign-key check index view sequence function procedure trigger event comment'
    expect([...seen].sort()).toEqual(kinds.split(' ').sort())
  })

  test.each(planted)('%s is found, and nothing else', async (title, sql, change, kind, object) => {
    const database = await built(title, list(sql))
    const differences = comparePictures(reference, await look(database))
    expect(differences).toEqual([{ change, kind, object, detail: expect.stringMatching(/./) }])
    await database.drop()
  })

  test.each(cosmetic)('%s is no difference', async (title, sql) => {
    const database = await built(title, beside)
    await inOne(
      database,
      list(sql).map((text) => text.replace('orders_place', database.name)),
    )
    const picture = await look(database)
    expect(comparePictures(larger, picture)).toEqual([])
    expect(picture.hash).toBe(larger.hash)
    await database.drop()
  })

  test('modes of the session do not matter, and it keeps them', async () => {
    const database = await built('in other words')
    for (const mode of ["'ANSI'", "'ORACLE'", "'NO_BACKSLASH_ESCAPES'", "'TRADITIONAL'"]) {
      expect((await look(database, everything, `SET sql_mode = ${mode}, sql_quote_show_create = 0`)).hash).toBe(
        reference.hash,
      )
    }
    const connection = await openMysql(database.server, database.name)
    await connection.run("SET sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 7")
    await mysql.pictures.describe(connection, null, everything)
    await expect(
      mysql.pictures.describe(connection, null, { ...everything, ignore: [{ kind: null, name: '(' }] }),
    ).rejects.toThrow()
    expect(
      await connection.run(
        'SELECT @@sql_mode AS mode, @@sql_quote_show_create AS quoted, @@lock_wait_timeout AS wait, @tenantry_sql_mode AS kept',
      ),
    ).toEqual([{ mode: 'ANSI_QUOTES', quoted: 1, wait: 7, kept: null }])
    await connection.close()
  })

  test('a database with another default has the same schema where nothing names a character set', async () => {
    const [one, other] = [await freshMariadb('one'), await freshMariadb('other')]
    await other.query(`ALTER DATABASE \`${other.name}\` CHARACTER SET latin1`)
    const make =
      'CREATE TABLE t (a VARCHAR(10), b VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin); CREATE FUNCTION f(a VARCHAR(5)) RETURNS VARCHAR(5) DETERMINISTIC RETURN a'
    await Promise.all([one.query(make), other.query(make)])
    expect(await look(one)).toEqual(await look(other))
  })

  test('the name of the database is told from a table, an alias and a text of the same name', async () => {
    const names = ['shop_pictures', 'shop_other']
    const server = sharedMariadb()
    const pictures: SchemaPicture[] = []
    for (const name of names) {
      await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
      await server.query(
        [
          'CREATE TABLE orders (id INT, shop_pictures INT)',
          'CREATE TABLE shop_pictures (id INT, orders_id INT)',
          `CREATE VIEW v AS SELECT shop_pictures.id, 'shop_pictures.orders' AS name FROM ${name}.shop_pictures JOIN ${name}.orders o ON o.id = shop_pictures.orders_id`,
          `CREATE PROCEDURE p() SELECT shop_pictures.id, "${names[0]}.orders", \`${name}\`.orders.id FROM shop_pictures, ${name}.orders, ${name} . shop_pictures AS b`,
        ].join(';'),
        name,
      )
      const connection = await openMysql(server, name)
      pictures.push((await mysql.pictures.describe(connection, null, everything)) as SchemaPicture)
      await connection.close()
    }
    for (const name of names) await server.query(`DROP DATABASE ${name}`)
    expect(pictures[0]).toEqual(pictures[1])
    const body = pictures[0]?.objects.find(({ kind }) => kind === 'procedure')?.properties.body
    expect(body).toBe(
      `SELECT shop_pictures.id, "shop_pictures.orders", ${ownSchema}.orders.id FROM shop_pictures, ${ownSchema}.orders, ${ownSchema} . shop_pictures AS b`,
    )
  })

  test('what is passed over takes its parts with it, and only what is asked for is looked at', async () => {
    const database = await built('scopes', [
      "CREATE TABLE tmp_a (id INT AUTO_INCREMENT PRIMARY KEY COMMENT 'x', c INT, FOREIGN KEY (c) REFERENCES tmp_a (id)) COMMENT 'y'",
      'CREATE TRIGGER tmp_t BEFORE INSERT ON tmp_a FOR EACH ROW SET NEW.c = 1',
      'CREATE TABLE knex_migrations (id INT PRIMARY KEY)',
      'CREATE TRIGGER on_history BEFORE INSERT ON knex_migrations FOR EACH ROW SET NEW.id = 1',
      'ALTER TABLE plain ADD COLUMN spare INT, ADD KEY spare (spare)',
    ])
    const scope: PictureScope = {
      ...everything,
      exceptTables: ['knex_migrations'],
      ignore: [
        { kind: null, name: '^tmp_' },
        { kind: 'column', name: '\\.spare$' },
      ],
    }
    expect(comparePictures(reference, await look(database, scope))).toMatchObject([
      { change: 'extra', kind: 'index', object: 'plain.spare' },
    ])
    const few = await look(database, { ...everything, kinds: ['table', 'view'] })
    expect([...new Set(few.objects.map(({ kind }) => kind))]).toEqual(['table', 'view'])
  })

  test('grants are seen by who may see them', async () => {
    const database = await built('granted')
    const { server, name } = database
    const user = `u_${name.slice(-8)}`
    await server.query(
      `CREATE USER ${user} IDENTIFIED BY 'pw'; GRANT SELECT, INSERT ON \`${name}\`.orders TO ${user}; GRANT SELECT (email), UPDATE (email) ON \`${name}\`.customers TO ${user}; GRANT EXECUTE ON \`${name.replaceAll('_', '\\_')}\`.* TO ${user}`,
    )
    const grants = comparePictures(reference, await look(database))
    expect(grants.map(({ change, kind, object, detail }) => [change, kind, object, detail])).toEqual([
      ['extra', 'grant', `'${user}'@'%'`, 'privileges EXECUTE'],
      ['extra', 'grant', `customers to '${user}'@'%'`, 'privileges SELECT (email), UPDATE (email)'],
      ['extra', 'grant', `orders to '${user}'@'%'`, 'privileges INSERT, SELECT'],
    ])
    const own = await openMysql({ ...server, user, password: 'pw' }, name)
    const picture = (await mysql.pictures.describe(own, null, everything)) as SchemaPicture
    await own.close()
    expect(picture.objects.filter(({ kind }) => kind === 'grant')).toEqual([])
    expect(picture.objects.filter(({ kind }) => kind === 'table').map((one) => one.name)).toEqual([
      'customers',
      'orders',
    ])
    await server.query(`DROP USER ${user}`)
  })

  test('what a role may not read is said in place of the definition', async () => {
    const database = await built('half seen')
    const { server, name } = database
    const user = `h_${name.slice(-8)}`
    await server.query(`CREATE USER ${user} IDENTIFIED BY 'pw'; GRANT SELECT, EXECUTE ON \`${name}\`.* TO ${user}`)
    const own = await openMysql({ ...server, user, password: 'pw' }, name)
    const picture = (await mysql.pictures.describe(own, null, everything)) as SchemaPicture
    await own.close()
    const differences = comparePictures(reference, picture)
    expect(differences.filter(({ kind }) => kind === 'view')).toMatchObject([
      { change: 'changed', object: 'grades', detail: expect.stringContaining('(this role may not read it)') },
      { change: 'changed', object: 'plain_low' },
    ])
    expect(differences.filter(({ kind }) => kind === 'procedure')).toMatchObject([
      { change: 'changed', object: 'settle', detail: expect.stringContaining('(this role may not read it)') },
    ])
    expect(differences.filter(({ kind }) => kind === 'column')).toEqual([])
    await server.query(`DROP USER ${user}`)
  })

  test('a view whose table is gone is still told, and a database that is none has no picture', async () => {
    const database = await built('broken', ['DROP TABLE plain'])
    expect(comparePictures(reference, await look(database))).toMatchObject([
      { change: 'missing', kind: 'table', object: 'plain' },
    ])
    const connection = await openMysql(database.server, database.name)
    expect(await mysql.pictures.describe(connection, 'no_such_database', everything)).toBe(null)
    expect(await mysql.pictures.fingerprint(connection, ['no_such_database', database.name], everything)).toEqual({
      hashes: [null, (await look(database)).hash],
    })
    await connection.close()
  })

  test('a database of many tables is read in few messages', async () => {
    const database = await freshMariadb('many')
    const names = Array.from({ length: 600 }, (_, i) => `t${i}`)
    for (let from = 0; from < 600; from += 100) {
      await inOne(
        database,
        names.slice(from, from + 100).map((name) => `CREATE TABLE ${name} (id INT PRIMARY KEY, a INT)`),
      )
    }
    const picture = await look(database)
    expect(picture.objects.length).toBe(600 * 4)
    await database.drop()
  })
})

withMariadb('scratch databases of MariaDB', () => {
  let connection: Connection
  beforeAll(async () => {
    connection = await openMysql(sharedMariadb(), mysql.scratch.home)
  })
  afterAll(() => connection.close())

  test('are made, listed, used and removed', async () => {
    const { scratch } = mysql
    const stem = `scr%ätch_\`"'${Math.random().toString(36).slice(2)}_`
    const name = `${stem}one`
    await scratch.createDatabase(connection, name)
    await scratch.createDatabase(connection, `x${name}`)
    expect(await scratch.listDatabases(connection, stem)).toEqual([name])
    const [defaults] = await connection.query(
      'SELECT DEFAULT_COLLATION_NAME AS own, @@collation_server AS server FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
      [name],
    )
    expect(defaults?.own).toBe(defaults?.server)
    expect(await scratch.isInUse(connection, name)).toBe(false)
    const inside = await openMysql(sharedMariadb(), name)
    await inside.run('CREATE TABLE t (a INT); START TRANSACTION; SELECT * FROM t')
    expect(await scratch.isInUse(connection, name)).toBe(true)
    await scratch.dropDatabase(connection, name)
    await scratch.dropDatabase(connection, name)
    await scratch.dropDatabase(connection, `x${name}`)
    expect(await scratch.listDatabases(connection, stem)).toEqual([])
    await expect(inside.run('SELECT 1')).rejects.toThrow()
    await inside.close()
  })
})
