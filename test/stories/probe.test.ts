import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findInvalidLeftover, probeStatement } from '../../src/dialects/postgres/probe.ts'
import { quoteIdentifier } from '../../src/dialects/postgres/quote.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { base, cases, type Verdict } from './probe-cases.ts'
import { adaptClient, openClient } from './raw-client.ts'

let server: PostgresServer
let client: Client
let connection: Pick<Connection, 'query'>

async function run(sql: string, schema: string | null = null): Promise<void> {
  await client.query(schema === null ? 'RESET search_path' : `SET search_path = ${quoteIdentifier(schema)}, public`)
  try {
    await client.query(sql)
  } finally {
    await client.query('RESET search_path')
  }
}

/** Every case starts from an empty database. */
async function emptyDatabase(): Promise<void> {
  const { rows } = await client.query<{ drop: string }>(
    `SELECT format('DROP SCHEMA %I CASCADE', nspname) AS drop FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication`,
  )
  await client.query([...rows.map(({ drop }) => drop), 'CREATE SCHEMA public'].join(';'))
  await client.query('CREATE EXTENSION IF NOT EXISTS plpgsql')
  await client.query('DISCARD TEMP')
}

async function verdictOf(sql: string, schema: string | null = null): Promise<Verdict> {
  return (await probeStatement(connection, sql, schema)).verdict
}

async function leaveInvalidIndex(sql: string, schema: string | null = null): Promise<void> {
  await expect(run(sql, schema)).rejects.toThrow(/could not create unique index/)
}

beforeAll(async () => {
  // Prepared transactions and subscriptions need settings that other tests do not.
  server = await startPostgres({ settings: { max_prepared_transactions: '5', wal_level: 'logical' } })
  client = await openClient(server.url('postgres'))
  connection = adaptClient(client)
})

afterAll(async () => {
  await client.end()
  await server.stop()
})

describe('a statement that was sent and never confirmed', () => {
  it.each(cases)('%s; → %s: %s, then %s', async (setup, statement, before, after) => {
    await emptyDatabase()
    if (setup !== '') await run(setup)
    const first = await probeStatement(connection, statement, null)
    expect(first, statement).toMatchObject({ verdict: before, cleanup: [] })
    expect(first.reason).not.toBe('')
    await run(statement)
    expect(await probeStatement(connection, statement, null), statement).toMatchObject({ verdict: after, cleanup: [] })
  })
})

describe('a statement that cannot run here', () => {
  it.each([
    ['REINDEX DATABASE CONCURRENTLY', 'repeat'],
    ['REINDEX SYSTEM', 'repeat'],
    ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'repeat'],
    ['DROP DATABASE IF EXISTS x', 'repeat'],
    ['CALL p()', 'unknown'],
    ["COPY t FROM '/x'", 'unknown'],
    ['TRUNCATE t', 'unknown'],
    ['COMMIT', 'unknown'],
    ['CREATE OPERATOR === (FUNCTION = f, LEFTARG = int)', 'unknown'],
  ] as const)('%s: %s', async (statement, verdict) => {
    expect(await verdictOf(statement)).toBe(verdict)
  })
})

describe('what an interrupted statement leaves behind', () => {
  beforeEach(emptyDatabase)

  const twice = `${base}; INSERT INTO t VALUES (1, 1), (2, 1)`

  it('drops and rebuilds an invalid index, also when the statement says IF NOT EXISTS', async () => {
    await run(twice)
    for (const clause of ['', 'IF NOT EXISTS ']) {
      const statement = `CREATE UNIQUE INDEX CONCURRENTLY ${clause}"we""ird😀" ON t (a)`
      await leaveInvalidIndex(statement.replace(clause, ''))
      const { verdict, cleanup, reason } = await probeStatement(connection, statement, null)
      expect(verdict).toBe('rebuild')
      expect(reason).toContain('invalid')
      expect(cleanup).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS public."we""ird😀"'])
      expect(await findInvalidLeftover(connection, statement, null)).toEqual(cleanup)
      for (const sql of cleanup) await run(sql)
      expect(await verdictOf(statement)).toBe('absent')
    }
  })

  it('finds the invalid index of an unnamed build, and only that', async () => {
    await run(twice)
    await run('CREATE INDEX ON t (a)')
    const statement = 'CREATE UNIQUE INDEX CONCURRENTLY ON t (a)'
    await leaveInvalidIndex(statement)
    const { cleanup } = await probeStatement(connection, statement, null)
    expect(cleanup).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS public.t_a_idx1'])
    await run(cleanup.join(';'))
    expect(await verdictOf(statement)).toBe('absent')
    expect(await verdictOf('CREATE INDEX ON t (a)')).toBe('landed')
  })

  it('drops an invalid index again', async () => {
    await run(twice)
    await leaveInvalidIndex('CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)')
    expect(await verdictOf('DROP INDEX CONCURRENTLY i')).toBe('absent')
  })

  it('waits for a build that still runs, and finds what is left when it was cancelled', async () => {
    await run(base)
    const [writer, builder] = [await openClient(server.url('postgres')), await openClient(server.url('postgres'))]
    try {
      const { rows } = await builder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await writer.query('BEGIN; INSERT INTO t VALUES (1)')
      const statement = 'CREATE INDEX CONCURRENTLY i ON t (a)'
      const build = builder.query(statement).catch((error: Error) => error.message)
      await expect
        .poll(() => probeStatement(connection, statement, null, { waitMs: 0 }))
        .toMatchObject({
          verdict: 'unknown',
          runningIn: rows[0]?.pid,
        })
      await client.query('SELECT pg_cancel_backend($1)', [rows[0]?.pid])
      expect(await build).toMatch(/canceling/)
      expect(await verdictOf(statement)).toBe('rebuild')
      expect(await verdictOf('REINDEX TABLE CONCURRENTLY t')).toBe('repeat')
    } finally {
      await writer.end()
      await builder.end()
    }
  })

  it.each([
    'ALTER TABLE t ALTER a TYPE bigint USING a * 100',
    'ALTER TABLE t ADD COLUMN c int',
    'ALTER TABLE t RENAME TO u',
    'DROP TABLE t',
  ])('does not send again what still runs or waits: %s', async (statement) => {
    await run(base)
    const [reader, sender] = [await openClient(server.url('postgres')), await openClient(server.url('postgres'))]
    try {
      await reader.query('BEGIN; SELECT * FROM t')
      const { rows } = await sender.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      const sent = sender.query(statement)
      await expect
        .poll(() => probeStatement(connection, statement, null, { waitMs: 0 }))
        .toMatchObject({
          verdict: 'unknown',
          reason: expect.stringContaining(`session ${rows[0]?.pid} `),
          runningIn: rows[0]?.pid,
        })
      const asker = await openClient(server.url('postgres'))
      const waiting = probeStatement(adaptClient(asker), statement, null)
      await sleep(300)
      await reader.query('COMMIT')
      await sent
      const { verdict } = await waiting
      await asker.end()
      expect(verdict).toBe(statement.includes('USING') ? 'unknown' : 'landed')
    } finally {
      await reader.end()
      await sender.end()
    }
  })

  it('clears away what an interrupted concurrent REINDEX left', async () => {
    await run(`${base}; CREATE INDEX i ON t (a); CREATE INDEX other ON t (b)`)
    const [writer, builder] = [await openClient(server.url('postgres')), await openClient(server.url('postgres'))]
    try {
      const { rows } = await builder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await writer.query('BEGIN; INSERT INTO t VALUES (1)')
      const build = builder.query('REINDEX INDEX CONCURRENTLY i').catch((error: Error) => error.message)
      await expect
        .poll(async () => (await client.query("SELECT FROM pg_class WHERE relname = 'i_ccnew'")).rowCount)
        .toBe(1)
      await client.query('SELECT pg_cancel_backend($1)', [rows[0]?.pid])
      expect(await build).toMatch(/canceling/)
    } finally {
      await writer.end()
      await builder.end()
    }
    const cleanup = ['DROP INDEX CONCURRENTLY IF EXISTS public.i_ccnew']
    for (const scope of ['INDEX CONCURRENTLY i', 'TABLE CONCURRENTLY t', 'SCHEMA CONCURRENTLY public']) {
      expect(await probeStatement(connection, `REINDEX ${scope}`, null)).toMatchObject({ verdict: 'rebuild', cleanup })
    }
    expect(await verdictOf('REINDEX INDEX CONCURRENTLY other')).toBe('repeat')
    await run(cleanup.join(';'))
    expect(await verdictOf('REINDEX INDEX CONCURRENTLY i')).toBe('repeat')
  })

  it('completes a pending detach', async () => {
    await run('CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE "c😀" PARTITION OF p FOR VALUES IN (1)')
    const statement = 'ALTER TABLE p DETACH PARTITION "c😀" CONCURRENTLY'
    const [reader, detacher] = [await openClient(server.url('postgres')), await openClient(server.url('postgres'))]
    try {
      const { rows } = await detacher.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await reader.query('BEGIN; SELECT * FROM p')
      const detach = detacher.query(statement).catch((error: Error) => error.message)
      await expect
        .poll(async () => (await client.query('SELECT FROM pg_inherits WHERE inhdetachpending')).rowCount)
        .toBe(1)
      await client.query('SELECT pg_cancel_backend($1)', [rows[0]?.pid])
      expect(await detach).toMatch(/canceling/)
    } finally {
      await reader.end()
      await detacher.end()
    }
    const { verdict, cleanup } = await probeStatement(connection, statement, null)
    expect(verdict).toBe('landed')
    expect(cleanup).toEqual(['ALTER TABLE public.p DETACH PARTITION public."c😀" FINALIZE'])
    expect(await verdictOf(cleanup.join(''))).toBe('absent')
    await run(cleanup.join(';'))
    expect(await probeStatement(connection, statement, null)).toMatchObject({ verdict: 'landed', cleanup: [] })
  })

  it('looks prepared transactions up', async () => {
    await run('CREATE TABLE t (a int)')
    for (const end of ['COMMIT', 'ROLLBACK']) {
      await client.query('BEGIN')
      await client.query('INSERT INTO t VALUES (1)')
      await client.query("PREPARE TRANSACTION 'it''s'")
      expect(await verdictOf("PREPARE TRANSACTION 'it''s'")).toBe('landed')
      expect(await verdictOf(`${end} PREPARED 'it''s'`)).toBe('absent')
      await run(`${end} PREPARED 'it''s'`)
      expect(await verdictOf(`${end} PREPARED 'it''s'`)).toBe('landed')
    }
  })
})

describe('an object of the same name that was there before', () => {
  beforeEach(emptyDatabase)

  it.each([
    ['CREATE TABLE t (a int)', 'CREATE TABLE t (a bigint)'],
    ['CREATE TABLE t (a varchar(10))', 'CREATE TABLE t (a varchar(20))'],
    ['CREATE TABLE t (a int, b int)', 'CREATE TABLE t (a int)'],
    ['CREATE VIEW t AS SELECT 1 AS a', 'CREATE TABLE t (a int)'],
    ['CREATE VIEW v AS SELECT 1 AS a', 'CREATE VIEW v AS SELECT 1 AS b'],
    [`${base}; CREATE INDEX i ON t (a)`, 'CREATE INDEX i ON t (b)'],
    [`${base}; CREATE INDEX i ON t (a)`, 'CREATE INDEX i ON t (a DESC)'],
    [`${base}; CREATE INDEX i ON t (a)`, 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)'],
    [`${base}; CREATE INDEX i ON t (a) WHERE a > 1`, 'CREATE INDEX i ON t (a) WHERE a > 2'],
    [`${base}; CREATE INDEX i ON t (lower(b))`, 'CREATE INDEX i ON t (upper(b))'],
    [`${base}; CREATE UNIQUE INDEX i ON t (a)`, 'CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT'],
    [`${base}; CREATE TABLE i ()`, 'CREATE INDEX CONCURRENTLY i ON t (a)'],
    ["CREATE TYPE t AS ENUM ('a')", "CREATE TYPE t AS ENUM ('a', 'b')"],
    ['CREATE TYPE t AS (a int)', 'CREATE TYPE t AS (a text)'],
    [`${base}; ALTER TABLE t ADD c text`, 'ALTER TABLE t ADD c int'],
    [`${base}; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1)`, 'ALTER TABLE t ADD CONSTRAINT k CHECK (a > 2)'],
    [`${base}; ALTER TABLE t ADD CONSTRAINT k UNIQUE (b)`, 'ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)'],
    [`${base}; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1) NOT VALID`, 'ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1)'],
    ['CREATE SEQUENCE s INCREMENT 2', 'CREATE SEQUENCE s INCREMENT 3'],
    [
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'",
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 2'",
    ],
    [`${base}; CREATE POLICY p ON t FOR SELECT`, 'CREATE POLICY p ON t FOR UPDATE'],
    [`${base}; ALTER TABLE t ADD c int`, 'ALTER TABLE t ADD c int, ADD d int'],
  ])('%s is not what %s makes', async (setup, statement) => {
    await run(setup)
    const { verdict, reason } = await probeStatement(connection, statement, null)
    expect(verdict).toBe('unknown')
    expect(reason).toMatch(/\b[a-z]\b/)
  })
})

describe('names', () => {
  const tenant = 'we"ird 😀'
  beforeEach(async () => {
    await emptyDatabase()
    await run(`CREATE SCHEMA ${quoteIdentifier(tenant)}`)
  })

  it('finds what a statement made in the schema of its target, and nobody else', async () => {
    await run('CREATE SCHEMA other')
    const statements = [
      'CREATE TABLE "SELECT" ("a""b" int, id int PRIMARY KEY)',
      'CREATE INDEX CONCURRENTLY "i.i" ON "SELECT" ("a""b", id)',
      'CREATE INDEX "e" ON "SELECT" (abs("a""b"))',
      'ALTER TABLE "SELECT" ADD CONSTRAINT "it\'s" CHECK ("a""b" > 1)',
      'CREATE TYPE "E" AS ENUM (\'x\')',
      'ALTER TABLE "SELECT" ADD COLUMN "😀" "E"[]',
      'CREATE FUNCTION f("SELECT", "E") RETURNS int LANGUAGE sql AS $$select 1$$',
    ]
    for (const statement of statements) {
      expect(await verdictOf(statement, tenant), statement).toBe('absent')
      await run(statement, tenant)
      expect(await verdictOf(statement, tenant), statement).toBe('landed')
    }
    expect(await verdictOf(statements[0] ?? '', 'other')).toBe('absent')
    expect(await verdictOf(statements[0] ?? '')).toBe('absent')
    expect(await verdictOf(`CREATE TABLE ${quoteIdentifier(tenant)}."SELECT" ("a""b" int)`, 'other')).toBe('unknown')
  })

  it('does not take a shared object for one of the tenant', async () => {
    await run('CREATE TABLE t (a int); CREATE INDEX i ON t (a)')
    expect(await verdictOf('CREATE TABLE t (a int)', tenant)).toBe('absent')
    for (const statement of ['DROP TABLE t', 'DROP TABLE IF EXISTS t', 'DROP INDEX CONCURRENTLY i']) {
      expect(await probeStatement(connection, statement, tenant)).toMatchObject({
        verdict: 'unknown',
        reason: expect.stringContaining('further on the search path'),
      })
    }
    await run('CREATE TABLE t (a int)', tenant)
    expect(await verdictOf('DROP TABLE t', tenant)).toBe('absent')
    expect(await verdictOf('ALTER TABLE t RENAME TO u', tenant)).toBe('absent')
  })

  it('leaves the search path of the session as it was', async () => {
    await client.query("SET search_path = 'pg_catalog'")
    await verdictOf('CREATE TABLE t (a int)', tenant)
    expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: 'pg_catalog' }])
    await client.query('RESET search_path')
  })

  it('says why, when it cannot read the statement or is not allowed to look', async () => {
    expect(await probeStatement(connection, 'CREATE NONSENSE', null)).toMatchObject({ verdict: 'unknown' })
    expect(await verdictOf('CREATE TABLE a (); CREATE TABLE b ()')).toBe('unknown')
    await run('CREATE SCHEMA closed; CREATE TABLE closed.t (a int)')
    await client.query('SET ROLE pg_monitor')
    const verdict = await probeStatement(connection, 'ALTER TABLE closed.t ADD b int', null)
    await client.query('RESET ROLE')
    expect(verdict).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('permission denied') })
  })
})
