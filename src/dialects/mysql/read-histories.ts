import {
  type Connection,
  DatabaseError,
  type DatabaseFailure,
  type HistoryReading,
  type HistoryRequest,
} from '../../model/dialect.ts'
import { type HistorySnapshot, ledgerTable } from '../../model/history.ts'
import { type Row, readSnapshot } from '../read-snapshot.ts'
import type { MysqlConnection } from './connection.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** What one database answered. */
interface Answer {
  snapshot: HistorySnapshot
  lacking: readonly string[]
  home: string
}

/**
 * Histories of databases, one message each: a target is a database, and null is the connection's own. The ledger is
 * read wherever it exists, since that costs nothing more.
 */
export async function readHistories(connection: Connection, request: HistoryRequest): Promise<HistoryReading> {
  const snapshots: HistorySnapshot[] = []
  const of = new Int32Array(request.targets.length).fill(-1)
  const missingTables = new Map<number, readonly string[]>()
  const failures = new Map<number, DatabaseFailure>()
  let defaultSchema = connection.database
  for (const [index, target] of request.targets.entries()) {
    try {
      const answer = await readOne(connection as MysqlConnection, request, target)
      if (answer === null) continue
      of[index] = snapshots.push(answer.snapshot) - 1
      if (target === null) defaultSchema = answer.home
      if (answer.lacking.length > 0) missingTables.set(index, answer.lacking)
    } catch (error) {
      if (!(error instanceof DatabaseError) || connection.broken) throw error
      failures.set(index, { ...error.failure, message: `the history cannot be read: ${error.failure.message}` })
    }
  }
  return { snapshots, of, missingTables, failures, defaultSchema }
}

async function readOne(
  connection: MysqlConnection,
  request: HistoryRequest,
  target: string | null,
): Promise<Answer | null> {
  const home = target ?? connection.database
  const place = request.schema ?? home
  const { table, requiredTables } = request
  const required =
    requiredTables.length === 0 ? '' : ` AND TABLE_NAME IN (${requiredTables.map(quoteLiteral).join(', ')})`
  const results = await connection.results([
    `SET SESSION lock_wait_timeout = ${Math.max(1, Math.ceil(request.lockTimeoutMs / 1000))}`,
    `SELECT SCHEMA_NAME AS home, @@lower_case_table_names AS folded FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteLiteral(home)}`,
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS fallback, EXTRA AS extra
       FROM information_schema.COLUMNS WHERE ${isTable(place, table)} ORDER BY ORDINAL_POSITION`,
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(home)}${required || ' AND FALSE'}`,
    ...selectWhereThere('tenantry_history', place, table, ''),
    ...selectWhereThere('tenantry_ledger', place, ledgerTable, ` WHERE history = ${quoteLiteral(table)}`),
    ledgerThere(place),
  ])
  const [, schemata = [], columns = [], tables = [], , , history = [], , , ledger = [], there = []] = results
  const [database] = schemata as { home: string; folded: number }[]
  if (database === undefined) return null
  const fold = (name: string) => (Number(database.folded) === 0 ? name : name.toLowerCase())
  const found = new Set(tables.map((row) => fold(String(row.name))))
  return {
    snapshot: readSnapshot(request.shape, `${place}.${table}`, {
      columns: columns as Row[],
      history,
      ledger: there.length === 0 ? null : ledger,
    }),
    lacking: requiredTables.filter((name) => !found.has(fold(name))),
    home: String(database.home),
  }
}

function isTable(schema: string, table: string): string {
  return `TABLE_SCHEMA = ${quoteLiteral(schema)} AND TABLE_NAME = ${quoteLiteral(table)}`
}

function ledgerThere(schema: string): string {
  return `SELECT 1 AS there FROM information_schema.TABLES WHERE ${isTable(schema, ledgerTable)}`
}

/**
 * Three statements: a SELECT of a table that may be missing would fail, and asking first would be a round trip more. So
 * the server prepares one text or another.
 */
function selectWhereThere(name: string, schema: string, table: string, where: string): [string, string, string] {
  const select = `SELECT * FROM ${quoteIdentifier(schema)}.${quoteIdentifier(table)}${where}`
  const exists = `EXISTS (SELECT 1 FROM information_schema.TABLES WHERE ${isTable(schema, table)})`
  return [
    `SET @${name} = IF(${exists}, ${quoteLiteral(select)}, 'SELECT 1 FROM DUAL WHERE FALSE')`,
    `PREPARE ${name} FROM @${name}`,
    `EXECUTE ${name}`,
  ]
}
