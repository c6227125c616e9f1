import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countRows } from '../../src/dialects/postgres/count-rows.ts'
import { quoteIdentifier } from '../../src/dialects/postgres/quote.ts'
import type { Connection } from '../../src/model/dialect.ts'
import type { DestructiveStep } from '../../src/model/script.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { adaptClient, openClient } from './raw-client.ts'

const tenant = 'we"ird 😀'

let database: TestDatabase
let client: Client
let connection: Pick<Connection, 'query'>

beforeAll(async () => {
  database = await freshDatabase('count rows')
  client = await openClient(database.url)
  connection = adaptClient(client)
  await client.query(`
    CREATE TABLE t (a int, b text); INSERT INTO t SELECT n, CASE WHEN n <= 2 THEN 'x' END FROM generate_series(1, 5) n;
    CREATE SCHEMA ${quoteIdentifier(tenant)};
    CREATE TABLE ${quoteIdentifier(tenant)}.t (a int); INSERT INTO ${quoteIdentifier(tenant)}.t VALUES (1);
    CREATE TABLE "it's ""%I"" 😀" ("c%s'" int); INSERT INTO "it's ""%I"" 😀" VALUES (1), (null);
    CREATE TABLE many (a int); INSERT INTO many SELECT n FROM generate_series(1, 1000100) n;
    CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE c PARTITION OF p DEFAULT; INSERT INTO p VALUES (1), (2);
    CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t; CREATE SEQUENCE s;
    CREATE TYPE pair AS (x int, y int); CREATE TABLE pairs (p pair); INSERT INTO pairs VALUES ((1, null)), (null);
    CREATE SCHEMA parts; CREATE TABLE parts.one AS SELECT 1 AS a; CREATE TABLE parts.two AS SELECT * FROM t;
    CREATE TABLE parts.p (a int) PARTITION BY LIST (a); CREATE TABLE parts.c PARTITION OF parts.p DEFAULT;
    INSERT INTO parts.p VALUES (1); CREATE SCHEMA empty;
  `)
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

function step(kind: DestructiveStep['kind'], object: string, more: Partial<DestructiveStep> = {}): DestructiveStep {
  return { kind, object, schema: null, column: null, statement: 1, ...more }
}

describe('rows that a drop would take away', () => {
  it('counts all steps in one query', async () => {
    let queries = 0
    const counted: Pick<Connection, 'query'> = {
      query(text, values) {
        queries++
        return connection.query(text, values)
      },
    }
    const expected: [DestructiveStep, number | null][] = [
      [step('drop-table', 't'), 5],
      [step('truncate', 't'), 5],
      [step('truncate', 't', { schema: tenant }), 1],
      [step('drop-table', 'nowhere'), 0],
      [step('drop-table', 't', { schema: 'nowhere' }), 0],
      [step('drop-table', 'v'), 0],
      [step('drop-table', 'p'), 2],
      [step('drop-table', 'many'), 1_000_001],
      [step('drop-table', `it's "%I" 😀`), 2],
      [step('drop-column', `it's "%I" 😀`, { column: `c%s'` }), 1],
      [step('drop-column', 't', { column: 'b' }), 2],
      [step('drop-column', 't', { column: 'gone' }), 0],
      [step('drop-column', 'nowhere', { column: 'b' }), 0],
      [step('drop-column', 'pairs', { column: 'p' }), 1],
      [step('drop-schema', 'parts'), 7],
      [step('drop-schema', 'empty'), 0],
      [step('drop-schema', 'nowhere'), 0],
      [step('drop-other', 'm'), 0],
      [step('drop-other', 's'), 0],
      [step('drop-other', 'pair'), null],
      [step('change-type', 't', { column: 'a' }), null],
      [step('delete', 't'), null],
    ]
    expect(
      await countRows(
        counted,
        null,
        expected.map(([asked]) => asked),
      ),
    ).toEqual(expected.map(([, rows]) => rows))
    expect(queries).toBe(1)
    expect(await countRows(counted, null, [])).toEqual([])
    expect(queries).toBe(1)
  })

  it("looks in the target's schema first, then in the shared one", async () => {
    const steps = [step('drop-table', 't'), step('drop-table', 'p'), step('drop-column', 't', { column: 'b' })]
    expect(await countRows(connection, tenant, steps)).toEqual([1, 2, 0])
  })

  it('does not guess where a policy may hide rows, or where it may not look', async () => {
    const role = `count_${database.name}`
    await client.query(`CREATE ROLE "${role}"; CREATE SCHEMA mixed; GRANT USAGE ON SCHEMA mixed TO "${role}";
      CREATE TABLE mixed.open (a int); CREATE TABLE mixed.guarded (a int); CREATE TABLE mixed.closed (a int);
      INSERT INTO mixed.open VALUES (1); INSERT INTO mixed.guarded VALUES (1);
      GRANT SELECT ON mixed.open, mixed.guarded TO "${role}"; ALTER TABLE mixed.guarded ENABLE ROW LEVEL SECURITY;
      ALTER TABLE mixed.open OWNER TO "${role}"`)
    const steps = ['open', 'guarded', 'closed'].map((name) => step('drop-table', name, { schema: 'mixed' }))
    steps.push(step('drop-schema', 'mixed'))
    expect(await countRows(connection, null, steps)).toEqual([1, 1, 0, 2])
    await client.query(`SET ROLE "${role}"`)
    expect(await countRows(connection, null, steps)).toEqual([1, null, null, null])
    await client.query('ALTER TABLE mixed.open ENABLE ROW LEVEL SECURITY')
    expect(await countRows(connection, null, steps.slice(0, 1))).toEqual([1])
    await client.query('ALTER TABLE mixed.open FORCE ROW LEVEL SECURITY')
    expect(await countRows(connection, null, steps.slice(0, 1))).toEqual([null])
    await client.query('RESET ROLE')
  })
})
