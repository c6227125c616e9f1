import { createHash } from 'node:crypto'
import type { Batches } from '../model/batches.ts'
import type { Connection, Dialect } from '../model/dialect.ts'
import { dataChangeTable } from '../model/history.ts'

/** What the table says of one change, for one tenant or for a whole target. */
export interface ChangeRow {
  /** See {@link tenantKey}. */
  tenant: string
  checksum: string
  state: 'pending' | 'running' | 'paused' | 'done' | 'failed' | 'stuck'
  /** Last key that is done; null: none. */
  cursor: readonly string[] | null
  rowsDone: number
  rowsTotal: number | null
  batches: number
  chunkRows: number
  /** How long ago a pause was asked for, by the server's clock; null: none was. */
  pausedMsAgo: number | null
  /** How long ago the last batch was, by the server's clock. */
  beatMsAgo: number | null
  run: string | null
  by: string | null
  startedAt: string | null
  runAt: string | null
  runRows: number
  updatedAt: string | null
  finishedAt: string | null
  error: string | null
}

/** A tenant's id as a key that no collation takes for another one's, and that fits. Empty: the whole target. */
export function tenantKey(id: string | null): string {
  if (id === null) return ''
  if (/^[a-z0-9_.-]{1,150}$/.test(id)) return id
  return `${[...id].slice(0, 100).join('')}#${createHash('sha256').update(id).digest('hex').slice(0, 16)}`
}

type Words = Pick<Dialect, 'quoteIdentifier' | 'quoteLiteral' | 'phrases'> & { batches: Batches }

/** The statements around our table in one target. `schema` null: where an unqualified name leads. */
export function changeRows(dialect: Words, schema: string | null) {
  const { quoteIdentifier, quoteLiteral, batches } = dialect
  const place = schema === null ? dataChangeTable : `${quoteIdentifier(schema)}.${dataChangeTable}`
  const which = (change: string, tenant: string) =>
    `data_change = ${quoteLiteral(change)} AND tenant = ${quoteLiteral(tenant)}`
  const literal = (value: string | number | null) =>
    value === null ? 'NULL' : typeof value === 'number' ? String(value) : quoteLiteral(value)
  const columns = `tenant, checksum, state, at_key, rows_done, rows_total, batches, chunk_rows, ${batches.nowMs} - pause_asked_ms AS pause_ago,
    ${batches.nowMs} - beat_ms AS beat_ago, run, run_by, started_at, run_at, run_rows, updated_at, finished_at, error`
  return {
    create: `CREATE TABLE IF NOT EXISTS ${place} (data_change varchar(190) NOT NULL, tenant varchar(190) NOT NULL,
      checksum varchar(64) NOT NULL, state varchar(10) NOT NULL, at_key text NULL, rows_done ${batches.bigint} NOT NULL,
      rows_total ${batches.bigint} NULL, batches ${batches.bigint} NOT NULL, chunk_rows integer NOT NULL,
      pause_asked_ms ${batches.bigint} NULL, beat_ms ${batches.bigint} NULL, run varchar(40) NULL, run_by varchar(190) NULL,
      started_at varchar(24) NULL, run_at varchar(24) NULL, run_rows ${batches.bigint} NOT NULL, updated_at varchar(24) NULL,
      finished_at varchar(24) NULL, error text NULL, PRIMARY KEY (data_change, tenant))`,

    /** All tenants of a change. */
    read: (change: string) => `SELECT ${columns} FROM ${place} WHERE data_change = ${quoteLiteral(change)}`,

    /** One row, kept from others until the transaction ends. */
    hold: (change: string, tenant: string) =>
      `SELECT ${columns} FROM ${place} WHERE ${which(change, tenant)} ${batches.forUpdate}`,

    /** Makes the row where it is missing. */
    make: (change: string, tenant: string, checksum: string, chunkRows: number) =>
      `INSERT INTO ${place} (data_change, tenant, checksum, state, rows_done, batches, chunk_rows, run_rows)
       SELECT ${quoteLiteral(change)}, ${quoteLiteral(tenant)}, ${quoteLiteral(checksum)}, 'pending', 0, 0, ${chunkRows}, 0
       FROM (SELECT 1 AS one) o WHERE NOT EXISTS (SELECT 1 FROM ${place} WHERE ${which(change, tenant)})`,

    /** Nothing of a change is done any more, for any tenant. */
    forget: (change: string) =>
      `UPDATE ${place} SET state = 'pending', at_key = NULL, rows_done = 0, rows_total = NULL, batches = 0, run_rows = 0,
       started_at = NULL, finished_at = NULL, error = NULL WHERE data_change = ${quoteLiteral(change)}`,

    /** Sets columns by name; `{ sql }` is an expression. */
    set: (change: string, tenant: string, values: Readonly<Record<string, string | number | null | { sql: string }>>) =>
      `UPDATE ${place} SET ${Object.entries(values)
        .map(([name, value]) => `${name} = ${typeof value === 'object' && value !== null ? value.sql : literal(value)}`)
        .join(', ')} WHERE ${which(change, tenant)}`,
  }
}

export type ChangeRows = ReturnType<typeof changeRows>

/** Does our table exist in this target? */
export async function hasChangeTable(
  batches: Batches,
  connection: Connection,
  schema: string | null,
): Promise<boolean> {
  return (await batches.table(connection, schema, dataChangeTable, [], '')) !== null
}

/** A row as the server gives it. */
export function readRow(row: Record<string, unknown>): ChangeRow {
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value))
  const number = (value: unknown) => (value === null || value === undefined ? null : Number(value))
  const cursor = text(row.at_key)
  return {
    tenant: String(row.tenant),
    checksum: String(row.checksum),
    state: String(row.state) as ChangeRow['state'],
    cursor: cursor === null ? null : (JSON.parse(cursor) as string[]),
    rowsDone: Number(row.rows_done),
    rowsTotal: number(row.rows_total),
    batches: Number(row.batches),
    chunkRows: Number(row.chunk_rows),
    pausedMsAgo: number(row.pause_ago),
    beatMsAgo: number(row.beat_ago),
    run: text(row.run),
    by: text(row.run_by),
    startedAt: text(row.started_at),
    runAt: text(row.run_at),
    runRows: Number(row.run_rows),
    updatedAt: text(row.updated_at),
    finishedAt: text(row.finished_at),
    error: text(row.error),
  }
}
