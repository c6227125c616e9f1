import {
  type Connection,
  DatabaseError,
  type DatabaseFailure,
  type HistoryReading,
  type HistoryRequest,
} from '../../model/dialect.ts'
import { type HistorySnapshot, ledgerTable } from '../../model/history.ts'
import { readSnapshot } from '../read-snapshot.ts'
import type { SqliteConnection } from './connection.ts'
import type { Row } from './driver.ts'
import { quoteIdentifier } from './quote.ts'
import { RemoteConnection } from './remote-connection.ts'
import { foldName } from './words.ts'

/** The schema of a file's own tables. */
const home = 'main'

/** The history of one file, all of it as of one moment. The ledger is read wherever it exists, since that costs nothing. */
export async function readHistories(connection: Connection, request: HistoryRequest): Promise<HistoryReading> {
  const session = connection as SqliteConnection
  const snapshots: HistorySnapshot[] = []
  const of = new Int32Array(request.targets.length).fill(-1)
  const missingTables = new Map<number, readonly string[]>()
  const failures = new Map<number, DatabaseFailure>()
  for (const [index, target] of request.targets.entries()) {
    if (target !== null && target !== home) continue
    try {
      const { snapshot, lacking } = await (connection instanceof RemoteConnection
        ? readRemote(connection, request)
        : readOne(session, request))
      of[index] = snapshots.push(snapshot) - 1
      if (lacking.length > 0) missingTables.set(index, lacking)
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.kind === 'database-missing' || connection.broken)
        throw error
      failures.set(index, { ...error.failure, message: `the history cannot be read: ${error.failure.message}` })
    }
  }
  return { snapshots, of, missingTables, failures, defaultSchema: home }
}

const namesSql = "SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view')"
const columnsSql = 'SELECT * FROM pragma_table_xinfo(?, ?)'
const ofHistory = ' WHERE history = ?'

/** In one message, so that tables are asked for before it is known whether they are there. */
async function readRemote(session: RemoteConnection, { table, shape, requiredTables }: HistoryRequest) {
  const from = (name: string) => `SELECT * FROM main.${quoteIdentifier(name)}`
  const [names, columns, history, ledger] = await session.readTogether([
    { sql: namesSql },
    { sql: columnsSql, values: [table, home] },
    { sql: from(table) },
    { sql: `${from(ledgerTable)}${ofHistory}`, values: [table] },
  ])
  const there = new Set(rowsOf(names).map(fold))
  const read = (name: string, rows: Row[] | DatabaseError | undefined) =>
    there.has(foldName(name)) ? rowsOf(rows) : null
  const found = {
    columns: rowsOf(columns).map(describeColumn),
    history: read(table, history) ?? [],
    ledger: read(ledgerTable, ledger),
  }
  return {
    snapshot: readSnapshot(shape, table, found),
    lacking: requiredTables.filter((name) => !there.has(foldName(name))),
  }
}

function rowsOf(rows: Row[] | DatabaseError | undefined): Row[] {
  if (rows instanceof DatabaseError) throw rows
  return rows ?? []
}

async function readOne(session: SqliteConnection, request: HistoryRequest) {
  const { table, shape, requiredTables } = request
  const found = await session.readTogether(request.lockTimeoutMs, (all) => {
    const there = new Set(all(namesSql).map(fold))
    const read = (name: string, where = '', values: readonly string[] = []) =>
      there.has(foldName(name)) ? all(`SELECT * FROM main.${quoteIdentifier(name)}${where}`, values) : null
    return {
      there,
      columns: all(columnsSql, [table, home]).map(describeColumn),
      history: read(table) ?? [],
      ledger: read(ledgerTable, ofHistory, [table]),
    }
  })
  return {
    snapshot: readSnapshot(shape, table, found),
    lacking: requiredTables.filter((name) => !found.there.has(foldName(name))),
  }
}

const fold = ({ name }: Row) => foldName(String(name))

/** In the words of an information schema. A column that is another name for the rowid counts up by itself. */
function describeColumn({ name, type, notnull, dflt_value: fallback, pk, hidden }: Row): Row {
  const isInteger = /int/i.test(String(type))
  const isCounter = Number(pk) === 1 && /^integer$/i.test(String(type))
  return {
    name,
    type: isInteger ? 'int' : String(type),
    // A key that is no number may be null here, unless it is declared otherwise.
    nullable: Number(notnull) === 0 ? 'YES' : 'NO',
    fallback,
    extra: isCounter || Number(hidden) > 0 ? 'auto_increment' : '',
  }
}
