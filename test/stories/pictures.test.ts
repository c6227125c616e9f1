/** What a schema is like, asked of a real server: each difference is seen, and nothing that does not count. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../src/dialects/postgres/connection.ts'
import { loadParser } from '../../src/dialects/postgres/parse.ts'
import { pictures } from '../../src/dialects/postgres/pictures.ts'
import { quoteIdentifier } from '../../src/dialects/postgres/quote.ts'
import { scratch } from '../../src/dialects/postgres/scratch.ts'
import { comparePictures } from '../../src/engine/compare-pictures.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { objectKinds, ownSchema, type PictureScope, type SchemaPicture } from '../../src/model/picture.ts'
import { Secret } from '../../src/model/secret.ts'
import { adaptText } from '../fixtures/adapt/adapt-text.ts'
import { freshDatabase, postgresMajor, type TestDatabase } from '../servers/shared.ts'
import { cosmetic, fillPictureSchema, hardNames, pictureSchema, planted } from './picture-cases.ts'

const scope: PictureScope = { kinds: objectKinds, exceptTables: [], ignore: [] }

let database: TestDatabase
let connection: Connection
let reference: SchemaPicture

async function open(to: TestDatabase, login?: { user: string; password: string }): Promise<Connection> {
  const { hostname, port, username, password } = new URL(to.url)
  return connect(
    {
      name: 'main',
      dialect: 'postgres',
      host: hostname,
      port: Number(port),
      user: login?.user ?? username,
      password: new Secret(login?.password ?? decodeURIComponent(password)),
      tls: null,
      maxConcurrency: 1,
      maxConcurrencyPerDatabase: 1,
    },
    to.name,
    { applicationName: 'tenantry-test', connectTimeoutMs: 10_000 },
  )
}

async function look(schema: string | null, within: PictureScope = scope): Promise<SchemaPicture> {
  const picture = await pictures.describe(connection, schema, within)
  if (picture === null) throw new Error(`there is no schema ${schema}`)
  const { hashes } = await pictures.fingerprint(connection, [schema], within)
  expect(hashes).toEqual([picture.hash])
  return picture
}

async function makeSchema(name: string, text = pictureSchema): Promise<void> {
  await database.query(`CREATE SCHEMA ${quoteIdentifier(name)}; ${fillPictureSchema(name, text)}`)
}

beforeAll(async () => {
  await loadParser()
  database = await freshDatabase('pictures')
  await database.query(`DO $$ BEGIN CREATE ROLE picture_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
  connection = await open(database)
  await makeSchema('reference')
  reference = await look('reference')
})

afterAll(async () => {
  await connection?.close()
  await database?.drop()
})

describe('one difference at a time', () => {
  test('there is one of every kind in the schema', () => {
    const kinds = new Set(reference.objects.map(({ kind }) => kind))
    expect(objectKinds.filter((kind) => !kinds.has(kind))).toEqual(['event'])
  })

  for (const [index, [sql, ...differences]] of planted.entries()) {
    test(sql, async () => {
      const schema = `planted_${index}`
      await makeSchema(schema)
      await database.query(`SET search_path = ${schema}, public; ${sql.replaceAll('$', schema)}`)
      const found = comparePictures(reference, await look(schema))
      expect(found.map(({ change, kind, object }) => ({ change, kind, object }))).toEqual(differences)
      expect(found[0]?.detail).not.toBe('')
      await database.query(`DROP SCHEMA ${schema} CASCADE`)
    })
  }
})

describe('nothing that does not count', () => {
  for (const [index, sql] of cosmetic.entries()) {
    test(sql, async () => {
      const schema = `cosmetic_${index}`
      await makeSchema(schema)
      for (const statement of sql.split(/; (?=[A-Z])/)) {
        await connection.run(`SET search_path = ${schema}, public`)
        await connection.run(statement)
      }
      await connection.run('RESET search_path')
      const picture = await look(schema)
      await connection.run('DISCARD TEMP')
      expect(comparePictures(reference, picture)).toEqual([])
      expect(picture.hash).toBe(reference.hash)
    })
  }
})

test.each(hardNames)('a schema called %s is like the others', async (name) => {
  await makeSchema(name)
  const picture = await look(name)
  expect(comparePictures(reference, picture)).toEqual([])
  expect(picture).toEqual(reference)
})

test('tables of ours and what belongs to them, kinds that do not count and ignored names are passed over', async () => {
  await makeSchema('scoped')
  await database.query(`SET search_path = scoped; CREATE TABLE tenantry_ledger (id serial PRIMARY KEY, migration text UNIQUE);
    CREATE INDEX ON tenantry_ledger (migration); COMMENT ON TABLE tenantry_ledger IS 'x'; GRANT SELECT ON tenantry_ledger TO PUBLIC;
    CREATE TABLE tmp_1 (id serial); CREATE INDEX "tmp_users" ON users (age); DROP STATISTICS orders_stats`)
  const without: PictureScope = {
    kinds: objectKinds.filter((kind) => kind !== 'statistics'),
    exceptTables: ['tenantry_ledger'],
    ignore: [
      { kind: null, name: '^tmp_\\d+$' },
      { kind: 'index', name: '^tmp_' },
    ],
  }
  expect(comparePictures(await look('reference', without), await look('scoped', without))).toEqual([])
  expect(comparePictures(reference, await look('scoped')).map(({ object }) => object)).toEqual([
    'tmp_users',
    'orders_stats',
    'tenantry_ledger',
    'tmp_1',
  ])
  expect(await pictures.fingerprint(connection, ['nowhere', 'reference'], scope)).toEqual({
    hashes: [null, reference.hash],
  })
  expect(await pictures.describe(connection, 'nowhere', scope)).toBeNull()
})

test('a whole database: its own schema without a name, others with theirs', async () => {
  const other = await freshDatabase('pictures whole')
  await other.query(
    'CREATE SCHEMA audit; CREATE EXTENSION citext; CREATE TABLE users (name citext); CREATE TABLE audit.log (mood text)',
  )
  const session = await open(other)
  const picture = await pictures.describe(session, null, { ...scope, kinds: ['table', 'column', 'function', 'index'] })
  expect(picture?.objects.map(({ name }) => name)).toEqual(['audit.log.mood', 'users.name', 'audit.log', 'users'])
  expect(picture?.objects[1]?.properties.type).toBe(`${ownSchema}.citext`)
  await session.close()
  await other.drop()
})

test('the same schema in another database has the same hash', async () => {
  const other = await freshDatabase('pictures other')
  await other.query(`CREATE TABLE first (id int); CREATE SCHEMA elsewhere; ${fillPictureSchema('elsewhere')}`)
  const session = await open(other)
  expect(await pictures.fingerprint(session, ['elsewhere'], scope)).toEqual({ hashes: [reference.hash] })
  await session.close()
  await other.drop()
})

test('a table that somebody holds locked is waited for, not for ever, and the schema is left as it was', async () => {
  await makeSchema('held')
  const holder = await open(database)
  await holder.run('BEGIN; LOCK TABLE held.users IN ACCESS EXCLUSIVE MODE')
  const session = await open(database)
  await expect(pictures.fingerprint(session, ['held'], scope)).rejects.toMatchObject({
    failure: { kind: 'lock-timeout' },
  })
  await holder.run('ROLLBACK')
  expect(await pictures.fingerprint(session, ['held'], scope)).toEqual({ hashes: [reference.hash] })
  await session.close()
  await holder.close()
}, 40_000)

test('a role that may only read, and traps on its path', async () => {
  await database.query(
    `CREATE SCHEMA trapped; SET search_path = trapped; ${fillPictureSchema('trapped')}; CREATE TABLE trapped.calls (id int)`,
  )
  const names = [
    'format_type(oid, integer)',
    'concat_ws(text, text, text)',
    'starts_with(text, text)',
    'strpos(text, text)',
    'regexp_replace(text, text, text)',
  ]
  for (const name of names) {
    await database.query(
      `CREATE FUNCTION public.${name} RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$`,
    )
  }
  await database.query(`CREATE FUNCTION public.same(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
    DO $$ BEGIN CREATE ROLE picture_reader LOGIN PASSWORD 'look only'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    ALTER ROLE picture_reader SET default_transaction_read_only = on; ALTER ROLE picture_reader SET search_path = public, pg_catalog`)
  const reader = await open(database, { user: 'picture_reader', password: 'look only' })
  expect(await pictures.fingerprint(reader, ['reference'], scope)).toEqual({ hashes: [reference.hash] })
  expect(await pictures.describe(reader, 'reference', scope)).toEqual(reference)
  expect(await reader.query('SHOW search_path')).toEqual([{ search_path: 'public, pg_catalog' }])
  await reader.close()
})

test('a thousand schemas in one call, in a lock table of the usual size', async () => {
  const other = await freshDatabase('pictures many')
  await other.query(`DO $do$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE SCHEMA s_%s', i); EXECUTE format('SET LOCAL search_path = s_%s', i);
    CREATE TABLE users (id int PRIMARY KEY, name text); CREATE VIEW names AS SELECT name FROM users; CREATE INDEX users_name_idx ON users (name);
    IF i = 617 THEN DROP INDEX users_name_idx; END IF; COMMIT; END LOOP; END $do$`)
  const session = await open(other)
  const targets = Array.from({ length: 1000 }, (_, i) => `s_${1000 - i}`)
  const { hashes } = await pictures.fingerprint(session, targets, scope)
  expect(new Set(hashes).size).toBe(2)
  expect(hashes.filter((hash) => hash === hashes[1000 - 617])).toHaveLength(1)
  await session.close()
  await other.drop()
})

/** Makes everything of a picture in another schema. */
async function remake(from: string, to: string, prelude = ''): Promise<void> {
  const picture = await look(from)
  const creations = await pictures.creations(connection, from, picture.objects)
  await scratch.createSchema(connection, to)
  if (prelude !== '') await connection.run(prelude)
  for (const { kind, name, statements } of creations) {
    for (const statement of statements) {
      const sql = statement.replaceAll(ownSchema, () => quoteIdentifier(to))
      const { failure } = await connection.pipeline(['BEGIN', sql, 'COMMIT'])
      if (failure) throw new Error(`${kind} ${name}: ${failure.message}\n${sql}`)
    }
  }
  expect(comparePictures(picture, await look(to))).toEqual([])
  await scratch.dropSchema(connection, to)
}

const folder = new URL('../fixtures/adapt/', import.meta.url)
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  // It holds a MERGE.
  .filter((name) => name !== 'standard-bodies.sql' || postgresMajor >= 15)

describe('what makes the objects of a schema makes the same schema', () => {
  test.each(['reference', ...hardNames])('%s', (name) => remake(name, `made "again" 50%`))

  test.each(fixtures)('%s', async (name) => {
    const schema = `from ${name}`
    const adapted = adaptText(readFileSync(new URL(name, folder), 'utf8'), { schema })
    for (const extension of adapted.extensions) {
      await database.query(`CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extension.name)} SCHEMA public`)
    }
    await database.query(`CREATE SCHEMA "${schema}"; SET search_path = "${schema}", public; ${adapted.text}`)
    // No kind of objects that are looked at.
    const collation = name === 'types-operators.sql' ? `CREATE COLLATION "made ${name}".plain (LOCALE = 'C')` : ''
    await remake(schema, `made ${name}`, collation)
  })

  test('single things that are missing are made, and nothing else', async () => {
    await makeSchema('lacking')
    await database.query(`SET search_path = lacking; DROP INDEX orders_note_idx; DROP POLICY own_orders ON orders; ALTER TABLE users DROP COLUMN number;
      ALTER TABLE orders DROP CONSTRAINT orders_user_fkey; DROP TABLE events; DROP FUNCTION happier(mood)`)
    const lacking = await look('lacking')
    const there = new Set(lacking.objects.map(({ kind, name }) => `${kind} ${name}`))
    const missing = reference.objects.filter(({ kind, name }) => !there.has(`${kind} ${name}`))
    for (const { statements } of await pictures.creations(connection, 'reference', missing)) {
      for (const statement of statements) await connection.run(statement.replaceAll(ownSchema, 'lacking'))
    }
    expect(comparePictures(reference, await look('lacking'))).toEqual([])
  })
})
