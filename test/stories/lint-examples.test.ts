/** The examples of `docs/rules.md`, carried out: what a rule says of locks and refusals is what servers do. */
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExampleStep, Rule, RuleExample } from '../../src/checks/lint/rule.ts'
import { rules } from '../../src/checks/lint/rule-table.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import type { Migration } from '../../src/model/migration.ts'
import type { DialectName } from '../../src/model/server.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { openClient } from './raw-client.ts'
import { makeFolder } from './sqlite-files.ts'

interface Case {
  title: string
  rule: Rule
  example: RuleExample
  side: 'bad' | 'good'
}

const casesOf = (dialect: DialectName): Case[] =>
  rules.flatMap((rule) =>
    rule.examples
      .filter((example) => example.dialect === dialect)
      .flatMap((example, i) =>
        (['bad', 'good'] as const).map((side) => ({ title: `${rule.id} ${i + 1}: ${side}`, rule, example, side })),
      ),
  )

/** Bad examples that a server refuses, and how. All others run, however bad they are. */
const refused: Readonly<Record<string, RegExp>> = {
  'postgres add-not-null-without-default 1: bad': /contains null values/,
  'postgres enum-label-used-at-once 1: bad': /unsafe use of new value/,
  'postgres syntax-error 1: bad': /syntax error at or near "text"/,
  'postgres cannot-run 1: bad': /COPY/,
  'mysql cannot-run 1: bad': /Unknown database|other_tenant/,
  'sqlite add-not-null-without-default 1: bad': /Cannot add a NOT NULL column/,
}
const refusalOf = (dialect: DialectName, { title }: Case) => refused[`${dialect} ${title}`] ?? null

function toMigration(sql: string): Migration {
  const body = { kind: 'sql' as const, file: '002_step.sql', text: sql }
  const names = { id: '002_step', number: '002', keys: ['002_step'], checksum: '', otherChecksums: [] }
  return { ...names, description: null, up: body, down: null, transaction: 'auto' }
}

/** Its statements, and whether all of them run in one transaction: as `up` would have it. */
async function compile(sql: string): Promise<{ texts: string[]; inTransaction: boolean }> {
  const options = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }
  const { segments } = await postgres.compile([toMigration(sql)], options).up(toMigration(sql))
  const texts = segments.flatMap(({ statements }) => statements.map((statement) => statement.text(null)))
  return { texts, inTransaction: segments.every(({ kind }) => kind === 'transaction') }
}

const strength = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
]
/** `AccessExclusiveLock` → `ACCESS EXCLUSIVE`. */
const modeName = (mode: string) =>
  mode
    .replace(/Lock$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase()

describe('PostgreSQL', () => {
  let database: TestDatabase
  let session: Client
  let watcher: Client

  beforeAll(async () => {
    database = await freshDatabase('lint examples')
    session = await openClient(database.url)
    watcher = await openClient(database.url)
  })

  afterAll(async () => {
    await Promise.all([session?.end(), watcher?.end()])
    await database?.drop()
  })

  /** Strongest lock of the session on a relation, as another session sees it, held or waited for; null: none. */
  async function readLock(oid: number): Promise<string | null> {
    const pid = (session as unknown as { processID: number }).processID
    const { rows } = await watcher.query('SELECT mode FROM pg_locks WHERE pid = $1 AND relation = $2', [pid, oid])
    const modes = rows.map(({ mode }) => modeName(String(mode)))
    return modes.sort((a, b) => strength.indexOf(b) - strength.indexOf(a))[0] ?? null
  }

  /** Also sees a table that the open transaction makes or renames: it is asked in the session itself. */
  async function relation(table: string): Promise<{ oid: number; node: number } | null> {
    const { rows } = await session.query(
      'SELECT oid::int8::int AS oid, relfilenode::int8::int AS node FROM pg_class WHERE oid = to_regclass($1)',
      [table],
    )
    return rows[0] ?? null
  }

  /** Rows that the session has read so far; it tells of more than this transaction. */
  async function countRead(oid: number): Promise<number> {
    const { rows } = await session.query('SELECT pg_stat_get_xact_tuples_returned($1)::int AS read', [oid])
    return Number(rows[0]?.read)
  }

  const indexNodes = async (table: string) => {
    const { rows } = await session.query(
      'SELECT c.relfilenode::text AS node FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1)',
      [table],
    )
    return rows.map(({ node }) => String(node))
  }

  /** In one transaction, looked at before it ends. */
  async function runWhole(step: ExampleStep, texts: readonly string[]): Promise<void> {
    const table = step.lock?.table ?? ''
    const before = table === '' ? null : await relation(table)
    const builtBefore = table === '' ? [] : await indexNodes(table)
    await session.query('BEGIN')
    try {
      const readBefore = before === null ? 0 : await countRead(before.oid)
      for (const text of texts) await session.query(text)
      if (step.lock !== undefined) {
        // What was there is known by its number: a dropped table has no name any more.
        const after = await relation(table)
        const oid = before?.oid ?? after?.oid
        expect(await readLock(oid as number), step.sql).toBe(step.lock.mode)
        const isTruncated = /^TRUNCATE\b/i.test(step.sql)
        if (before !== null && after !== null && !isTruncated) {
          expect(after.node !== before.node, `${step.sql}\nis the table written again?`).toBe(
            step.lock.work === 'rewrite',
          )
          expect((await countRead(before.oid)) > readBefore, `${step.sql}\nare the rows read?`).toBe(
            step.lock.work !== 'moment',
          )
          // An index that a constraint takes over was built before, and keeps its file.
          const isBuilt = (await indexNodes(table)).some((node) => !builtBefore.includes(node))
          expect(isBuilt, `${step.sql}\nis an index built?`).toBe(['build', 'rewrite'].includes(step.lock.work))
        }
      }
      await session.query('COMMIT')
    } catch (error) {
      await session.query('ROLLBACK')
      throw error
    }
  }

  /** What cannot be in a transaction is made to wait for an older one, and looked at meanwhile. */
  async function runAlone(step: ExampleStep, texts: readonly string[]): Promise<void> {
    const oid = step.lock === undefined ? null : (await relation(step.lock.table))?.oid
    if (oid == null) {
      for (const text of texts) await session.query(text)
      return
    }
    const older = await openClient(database.url)
    try {
      // It has written to the table, so that whoever wants to be sure of all its rows must wait for its end.
      await older.query(`BEGIN; LOCK TABLE ${step.lock?.table} IN ROW EXCLUSIVE MODE`)
      const done = Promise.all(texts.map((text) => session.query(text)))
      done.catch(() => {})
      await expect.poll(() => readLock(oid), { message: step.sql }).toBe(step.lock?.mode)
      const isBlocking = strength.indexOf(step.lock?.mode ?? '') >= strength.indexOf('SHARE')
      expect(await canWrite(step.lock?.table ?? ''), step.sql).toBe(!isBlocking)
      await older.query('COMMIT')
      await done
    } finally {
      await older.end()
    }
  }

  /** Does a writer get its lock now? */
  async function canWrite(table: string): Promise<boolean> {
    try {
      await watcher.query(`BEGIN; SET LOCAL lock_timeout = '1s'; LOCK TABLE ${table} IN ROW EXCLUSIVE MODE`)
      return true
    } catch (error) {
      expect((error as { code?: string }).code).toBe('55P03')
      return false
    } finally {
      await watcher.query('ROLLBACK')
    }
  }

  async function runStep(step: ExampleStep): Promise<void> {
    const { texts, inTransaction } = await compile(step.sql)
    if (inTransaction) await runWhole(step, texts)
    else await runAlone(step, texts)
  }

  /** Rows in every table: an empty one says nothing about what is read or written again. */
  async function fill(): Promise<void> {
    const { rows } = await session.query(
      `SELECT c.oid::regclass::text AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
        string_agg(CASE t.typtype WHEN 'e' THEN format('(enum_range(NULL::%s))[1]', t.oid::regtype) ELSE
          CASE t.typcategory WHEN 'N' THEN 'n' WHEN 'D' THEN 'now()' WHEN 'U' THEN 'gen_random_uuid()' ELSE 'n::text' END
        END, ', ' ORDER BY a.attnum) AS values
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.oid`,
    )
    for (const { name, columns, values } of rows)
      await session.query(`INSERT INTO ${name} (${columns}) SELECT ${values} FROM generate_series(1001, 1100) n`)
  }

  async function prepare({ setup, outside }: RuleExample): Promise<void> {
    await session.query('RESET ALL; RESET ROLE; DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await session.query(setup)
    if (outside !== undefined) await session.query(outside)
    await fill()
  }

  test.each(casesOf('postgres'))('$title', async (one) => {
    const { example, side, rule } = one
    const refusal = refusalOf('postgres', one)
    if (side === 'good') {
      await prepare(example)
      for (const step of example.good) await runStep(step)
      return
    }
    for (const step of example.bad) {
      await prepare(example)
      if (refusal === null) await runStep(step)
      // As another tool would send it: tenantry itself commits after a new label.
      else await expect(runAsWritten(step.sql), rule.id).rejects.toThrow(refusal)
    }
  })

  async function runAsWritten(sql: string): Promise<void> {
    await session.query('BEGIN')
    try {
      await session.query(sql)
    } finally {
      await session.query('ROLLBACK')
    }
  }

  test('the good way of a rule about locks takes a weaker one, or needs it for less', () => {
    const weights = { moment: 0, scan: 1, build: 2, rewrite: 3 }
    const compared = casesOf('postgres').filter(
      ({ side, example }) => side === 'bad' && example.bad[0]?.lock !== undefined,
    )
    for (const { rule, example } of compared) {
      const [bad] = example.bad
      if (bad?.lock === undefined || bad.lock.work === 'moment') continue
      for (const { lock, sql } of example.good) {
        if (lock === undefined || lock.table !== bad.lock.table) continue
        const isWeaker = strength.indexOf(lock.mode) < strength.indexOf(bad.lock.mode)
        expect(isWeaker || weights[lock.work] < weights[bad.lock.work], `${rule.id}: ${sql}`).toBe(true)
      }
    }
    expect(compared.length).toBeGreaterThan(15)
  })
})

withMariadb('MariaDB', () => {
  let database: MariadbDatabase

  beforeAll(async () => {
    database = await freshMariadb('lint_examples')
  })
  afterAll(() => database?.drop())

  /** Empty again, with the tables of an example. */
  async function prepare({ setup }: RuleExample): Promise<void> {
    await database.drop()
    await database.server.query(`CREATE DATABASE \`${database.name}\` CHARACTER SET utf8mb4`)
    await database.query(setup)
  }

  test.each(casesOf('mysql'))('$title', async (one) => {
    const { example, side } = one
    const refusal = refusalOf('mysql', one)
    for (const step of side === 'bad' ? example.bad : [{ sql: example.good.map(({ sql }) => sql).join('\n') }]) {
      await prepare(example)
      if (refusal === null) await database.query(step.sql)
      else await expect(database.query(step.sql)).rejects.toThrow(refusal)
    }
  })

  const blocking = [
    'index-blocks-writes',
    'change-type',
    'foreign-key-not-valid-first',
    'stored-generated-column',
    'rewrite-table',
  ]
  test.each(casesOf('mysql').filter(({ rule }) => blocking.includes(rule.id)))(
    '$title: with LOCK=NONE the server refuses what blocks, and takes what does not',
    async ({ example, side }) => {
      await prepare(example)
      for (const { sql } of example[side]) {
        const asked = /LOCK\s*=|ALGORITHM\s*=/i.test(sql)
          ? sql
          : sql.replace(/;$/, /^ALTER/i.test(sql) ? ', LOCK=NONE;' : ' LOCK=NONE;')
        const run = database.query(asked)
        if (side === 'good') await run
        else await expect(run).rejects.toThrow(/LOCK=NONE is not supported/)
      }
    },
  )
})

describe('SQLite', () => {
  test.each(casesOf('sqlite'))('$title', async (one) => {
    const { example, side } = one
    const refusal = refusalOf('sqlite', one)
    const folder = makeFolder()
    try {
      await folder.make('example', [example.setup])
      for (const [, table, column] of example.setup.matchAll(/CREATE TABLE (\w+) \((\w+)/g))
        await folder.run('example', `INSERT INTO ${table} (${column}) VALUES (1001), (1002)`)
      const steps = side === 'bad' ? example.bad : example.good
      const run = async () => {
        for (const { sql } of steps) await folder.run('example', sql)
      }
      if (refusal === null) await run()
      else await expect(run()).rejects.toThrow(refusal)
    } finally {
      folder.remove()
    }
  })
})
