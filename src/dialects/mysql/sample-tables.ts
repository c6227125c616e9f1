import { createHash } from 'node:crypto'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { SampleColumn, SampleReference, SampleTable } from '../../model/sample.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { type SampleType, sampleValue } from './sample-values.ts'

/** What only this dialect asks for. */
export interface MysqlTable extends SampleTable {
  name: string
  /** Columns of the primary key, or of another key without NULL; empty: there is none. */
  key: readonly string[]
  /** Per column, in the order of `columns`. */
  types: readonly SampleType[]
}

type Row = Record<string, unknown>

/** Tables of a database, in three questions and one for each kind of rule. */
export async function readSampleTables(
  connection: Connection,
  target: string | null,
  except: readonly string[],
): Promise<MysqlTable[]> {
  const schema = target === null ? 'DATABASE()' : quoteLiteral(target)
  const columns = await connection.run(
    `SELECT c.TABLE_NAME AS t, c.COLUMN_NAME AS name, c.ORDINAL_POSITION AS position, c.IS_NULLABLE AS nullable,
       c.COLUMN_DEFAULT IS NOT NULL OR c.EXTRA LIKE '%auto_increment%' AS has_default, c.DATA_TYPE AS base, c.COLUMN_TYPE AS full,
       c.CHARACTER_MAXIMUM_LENGTH AS length, c.NUMERIC_PRECISION AS digits, c.NUMERIC_SCALE AS scale, c.EXTRA AS extra
     FROM information_schema.COLUMNS c JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
     WHERE c.TABLE_SCHEMA = ${schema} AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
       AND c.EXTRA NOT LIKE '%VIRTUAL%' AND c.EXTRA NOT LIKE '%STORED%' AND c.EXTRA NOT LIKE '%PERSISTENT%'`,
  )
  const foreign = await connection.run(
    `SELECT TABLE_NAME AS t, CONSTRAINT_NAME AS k, COLUMN_NAME AS name, REFERENCED_TABLE_NAME AS other, REFERENCED_COLUMN_NAME AS other_name
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = ${schema} AND REFERENCED_TABLE_SCHEMA = ${schema} ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  )
  const indexes = await connection.run(
    `SELECT TABLE_NAME AS t, INDEX_NAME AS k, COLUMN_NAME AS name, NULLABLE AS nullable FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = ${schema} AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`,
  )
  const checks = await readChecks(connection, schema)
  const byTable = groupBy(columns)
  const [foreignOf, indexesOf, checksOf] = [groupBy(foreign), groupBy(indexes), groupBy(checks)]
  return [...byTable]
    .filter(([name]) => !except.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => {
      const rules = (checksOf.get(name) ?? []).map(({ clause }) => String(clause))
      const sorted = own.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
      const types = sorted.map((row) => readType(row, rules))
      const references = [...groupBy(foreignOf.get(name) ?? [], 'k').values()].map(readReference)
      const keys = [...groupBy(indexesOf.get(name) ?? [], 'k').values()]
      const key = keys.find((parts) => parts.every(({ nullable, name: part }) => nullable !== 'YES' && part !== null))
      const facts = [sorted.map(({ position, ...one }) => one), references, rules, keys]
      return {
        id: name,
        name,
        place: target === null ? quoteIdentifier(name) : `${quoteIdentifier(target)}.${quoteIdentifier(name)}`,
        columns: sorted.map((row, i) => readColumn(row, types[i] as SampleType)),
        types,
        references,
        key: (key ?? []).map((part) => String(part.name)),
        shape: createHash('sha256').update(JSON.stringify(facts)).digest('base64'),
      }
    })
}

/** MariaDB tells the table of a check, MySQL 8 another way; MySQL 5.7 has none. */
async function readChecks(connection: Connection, schema: string): Promise<Row[]> {
  const questions = [
    `SELECT TABLE_NAME AS t, CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${schema} ORDER BY 1, 2`,
    `SELECT t.TABLE_NAME AS t, c.CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS c
      JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME
      WHERE c.CONSTRAINT_SCHEMA = ${schema} AND t.CONSTRAINT_TYPE = 'CHECK' ORDER BY 1, 2`,
  ]
  for (const question of questions) {
    try {
      return await connection.run(question)
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.kind !== 'statement') throw error
    }
  }
  return []
}

function groupBy(rows: readonly Row[], key = 't'): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const name = String(row[key])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [row])
    else group.push(row)
  }
  return groups
}

function readReference(rows: readonly Row[]): SampleReference {
  return {
    columns: rows.map(({ name }) => String(name)),
    table: String(rows[0]?.other),
    to: rows.map((row) => String(row.other_name)),
  }
}

function readType(row: Row, rules: readonly string[]): SampleType {
  const number = (value: unknown) => (value === null ? null : Number(value))
  const name = quoteIdentifier(String(row.name))
  return {
    base: String(row.base).toLowerCase(),
    full: String(row.full),
    length: number(row.length),
    precision: number(row.digits),
    scale: number(row.scale),
    checks: rules.filter((rule) => rule.includes(name)),
  }
}

function readColumn(row: Row, type: SampleType): SampleColumn {
  return {
    name: String(row.name),
    nullable: row.nullable === 'YES',
    hasDefault: Number(row.has_default) === 1,
    value: (n, attempt) => sampleValue(type, { n, attempt, position: Number(row.position) }),
  }
}
