import { DatabaseError } from '../model/dialect.ts'
import type { HistoryEntry, HistoryShape, HistorySnapshot, HistoryTableColumn, LedgerEntry } from '../model/history.ts'

export type Row = Record<string, unknown>

const integerTypes = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal'])

/**
 * One database's history out of the rows as they are. Which columns the table has is only known here.
 * Throws {@link DatabaseError} where the table has no column that names a migration.
 */
export function readSnapshot(
  shape: HistoryShape,
  table: string,
  found: { columns: readonly Row[]; history: readonly Row[]; ledger: readonly Row[] | null },
): HistorySnapshot {
  const columns = found.columns.map(readColumn)
  const has = (name: string | null | undefined): name is string =>
    name != null && columns.some((column) => column.name === name)
  if (columns.length > 0 && !has(shape.key)) {
    const message = `the history table ${table} has no column ${shape.key}`
    throw new DatabaseError({ kind: 'statement', message, detail: null, sqlstate: '42S22', position: null })
  }
  // An "id" that is no number (a UUID) tells no order.
  const order =
    shape.order.find((name) => columns.some((c) => c.name === name && (name !== 'id' || c.type === 'integer'))) ??
    shape.key
  const rows = has(shape.rolledBackAt)
    ? found.history.filter((row) => row[shape.rolledBackAt as string] == null)
    : found.history
  const sorted = [...rows].sort((a, b) => compare(a[order], b[order]) || compare(a[shape.key], b[shape.key]))
  return Object.freeze({
    columns: columns.length === 0 ? null : columns,
    entries: sorted.map((row): HistoryEntry => {
      const flag = has(shape.flag?.column) ? shape.flag : undefined
      const flagged = flag?.[isYes(row[flag.column]) ? 'yes' : 'no']
      const failed = flagged === 'failed' || (has(shape.finishedAt) && row[shape.finishedAt] == null)
      const checksum = has(shape.checksum) ? text(row[shape.checksum]) : ''
      const kind = has(shape.kinds?.column) ? text(row[shape.kinds.column]) : ''
      const other = has(shape.keyElse) && row[shape.key] == null ? shape.keyElse : null
      const batch = has(shape.batch) ? row[shape.batch] : null
      const logs = failed && has(shape.logs) ? text(row[shape.logs]).slice(0, 2000) : ''
      return {
        key: text((has(shape.nameKey) ? row[shape.nameKey] : null) ?? row[other ?? shape.key]),
        checksum: checksum === '' ? null : checksum,
        state: failed ? 'failed' : (stateOfKind(shape, kind) ?? flagged ?? 'applied'),
        ...(batch == null ? {} : { batch: Number(batch) }),
        ...(logs === '' ? {} : { logs }),
        ...(other === null ? {} : { repeats: true }),
      }
    }),
    hasLedger: found.ledger !== null,
    ledger: (found.ledger ?? [])
      .map(
        (row): LedgerEntry => ({
          migration: text(row.migration),
          checksum: text(row.checksum),
          state: text(row.state) as LedgerEntry['state'],
          statementsDone: Number(row.statements_done),
          statementsTotal: Number(row.statements_total),
          prefix: text(row.prefix),
          rollout: text(row.rollout),
        }),
      )
      .sort((a, b) => compare(a.migration, b.migration)),
  })
}

/** What a row is by its kind; undefined: the kind says nothing. */
export function stateOfKind({ kinds }: HistoryShape, word: string): HistoryEntry['state'] | undefined {
  return kinds !== undefined && Object.hasOwn(kinds.states, word) ? kinds.states[word] : undefined
}

function readColumn(row: Row): HistoryTableColumn {
  return {
    name: text(row.name),
    type: integerTypes.has(text(row.type).toLowerCase()) ? 'integer' : 'other',
    notNull: text(row.nullable) === 'NO',
    hasDefault: row.fallback != null || /auto_increment|GENERATED|DEFAULT_GENERATED/i.test(text(row.extra)),
  }
}

/** Binary columns come as bytes. */
function text(value: unknown): string {
  return value == null ? '' : Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

/** A boolean column, as drivers and dialects give it. */
function isYes(value: unknown): boolean {
  return ['1', 'true', 't', '\x01'].includes(text(value).toLowerCase())
}

/** Numbers as numbers (large ones come as text, so by length first), all else by code unit; nothing first. */
function compare(a: unknown, b: unknown): number {
  const [one, other] = [text(a), text(b)]
  const bothNumbers = /^\d+$/.test(one) && /^\d+$/.test(other) && typeof a === 'number' && typeof b === 'number'
  if (bothNumbers) return Number(one) - Number(other)
  return one < other ? -1 : one > other ? 1 : 0
}
