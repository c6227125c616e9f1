import type { Dialect } from '../model/dialect.ts'
import {
  type HistoryShape,
  type HistorySnapshot,
  keyExpression,
  ledgerColumns,
  ledgerTable,
  type RowValues,
} from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { TransactionMark } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import { findEnding, spellingsOf, spellKey, stemOfKey } from './match-history.ts'

/** Where a target's history is, and what it looks like there. */
export interface HistoryPlace {
  shape: HistoryShape
  schema: string
  table: string
  /** The tool would make that schema, too. Absent: it is there. */
  newSchema?: true
}

/** What the ledger says about one migration. */
export interface LedgerRecord {
  state: 'applied' | 'running' | 'undoing' | 'undone'
  statementsDone: number
  statementsTotal: number
  /** First 16 hex digits of the hash over the statements that are done. */
  prefix: string
  rollout: string
  appliedBy: string
}

type Words = Pick<Dialect, 'family' | 'quoteIdentifier' | 'quoteLiteral' | 'phrases'>

function qualify(dialect: Words, schema: string, table: string): string {
  return `${dialect.quoteIdentifier(schema)}.${dialect.quoteIdentifier(table)}`
}

/** DDL for the tables that a target does not have yet. Repeatable. */
export function createTablesSql(dialect: Words, place: HistoryPlace, snapshot: HistorySnapshot): string[] {
  const statements: string[] = []
  if (snapshot.columns === null) {
    if (place.newSchema === true)
      statements.push(`CREATE SCHEMA IF NOT EXISTS ${dialect.quoteIdentifier(place.schema)}`)
    const { columns, tableOptions, firstRow, beside, primaryKey, index } = place.shape
    const options = tableOptions?.[dialect.family]
    const table = qualify(dialect, place.schema, place.table)
    const named =
      primaryKey?.families.includes(dialect.family) === true
        ? [
            `CONSTRAINT ${dialect.quoteIdentifier(primaryKey.name(place.table))} PRIMARY KEY (${dialect.quoteIdentifier(primaryKey.column)})`,
          ]
        : []
    const indexed =
      index && dialect.phrases.tableIndex(place.schema, place.table, index.name(place.table), index.column)
    const inside = indexed !== undefined && 'inside' in indexed ? [...named, indexed.inside] : named
    statements.push(`${createTableSql(dialect, table, columns, inside)}${options === undefined ? '' : ` ${options}`}`)
    if (indexed !== undefined && 'after' in indexed) statements.push(indexed.after)
    if (firstRow !== undefined) statements.push(firstRowSql(dialect, table, firstRow))
    if (beside !== undefined) {
      const other = qualify(dialect, place.schema, beside.table)
      statements.push(createTableSql(dialect, other, beside.columns), firstRowSql(dialect, other, beside.row))
    }
  }
  if (!snapshot.hasLedger) {
    const columns = ledgerColumns.map(([name, type]) => `${name} ${type}`).join(', ')
    statements.push(`CREATE TABLE IF NOT EXISTS ${qualify(dialect, place.schema, ledgerTable)} (${columns})`)
  }
  return statements
}

function createTableSql(
  dialect: Words,
  table: string,
  columns: HistoryShape['columns'],
  constraints: readonly string[] = [],
): string {
  const list = columns.map(({ name, type, notNull, unique, default: fallback }) =>
    [
      dialect.quoteIdentifier(name),
      dialect.phrases.columnType(type),
      unique === true ? 'UNIQUE' : '',
      notNull === true ? 'NOT NULL' : '',
      fallback === undefined ? '' : `DEFAULT ${fallback === 'now' ? dialect.phrases.now : fallback}`,
    ]
      .filter(Boolean)
      .join(' '),
  )
  return `CREATE TABLE IF NOT EXISTS ${table} (${[...list, ...constraints].join(', ')})`
}

function firstRowSql(dialect: Words, table: string, row: Readonly<Record<string, string | number | boolean>>): string {
  const names = Object.keys(row).map(dialect.quoteIdentifier)
  const values = Object.values(row).map((value, index) => `${literal(dialect, value)} AS ${names[index]}`)
  return `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM (SELECT ${values.join(', ')}) AS fresh WHERE NOT EXISTS (SELECT 1 FROM ${table})`
}

/** A shape as far as it holds for a table, which may lack the column that names rows. null: the one that is to be made. */
export function fitShape(shape: HistoryShape, columns: HistorySnapshot['columns']): HistoryShape {
  const { nameKey, ...bare } = shape
  return nameKey === undefined || (columns ?? shape.columns).some(({ name }) => name === nameKey) ? shape : bare
}

/** The key that a new row of this target gets, spelled as its other rows are. */
export function newKey(migration: Migration, standing: Standing, shape: HistoryShape): string {
  const { columns } = standing.snapshot
  const own = migration.row?.up
  if (shape.nameKey !== undefined && own !== undefined) {
    return String((fitShape(shape, columns).nameKey === undefined ? null : own[shape.nameKey]) ?? own[shape.key] ?? '')
  }
  const column = columns?.find(({ name }) => name === shape.key)
  return spellKey(migration, column?.type === 'integer' ? 'number' : standing.keyStyle, findEnding(standing))
}

/**
 * Why rows cannot be written into an existing table; null: they can. Extra columns are fine as long as they have a
 * default or may be null.
 */
export function unfillableColumns(shape: HistoryShape, snapshot: HistorySnapshot): string[] {
  if (snapshot.columns === null) return []
  const filled = new Set(Object.keys(shape.values({ key: '', checksum: '', description: null, steps: 0, batch: 1 })))
  return snapshot.columns.filter((c) => c.notNull && !c.hasDefault && !filled.has(c.name)).map(({ name }) => name)
}

/**
 * The batch of a new row: all that one run applies to a target is one batch, as the tool itself counts them. A run that
 * reads the history again goes on with its own.
 */
export function batchOf({ entries, ledger }: HistorySnapshot, rollout: string): number {
  const own = new Set(
    ledger.filter((row) => row.rollout === rollout && row.state === 'applied').map((row) => row.migration),
  )
  const begun = entries.findLast(({ key }) => own.has(stemOfKey(key)))?.batch
  return begun ?? entries.reduce((most, { batch }) => Math.max(most, batch ?? 0), 0) + 1
}

/** Writes the row that says "applied", in the tool's own table. */
export function insertHistorySql(
  dialect: Words,
  place: HistoryPlace,
  standing: Standing,
  migration: Migration,
  /** 0: marked as applied without running. */
  steps: number,
  rollout: string,
): string[] {
  const key = newKey(migration, standing, place.shape)
  // What is recorded below the mark does not move it.
  const end = standing.snapshot.entries.at(-1)
  if (place.shape.mark === true && end !== undefined && BigInt(end.key) > BigInt(key)) return []
  const values = place.shape.values({
    key,
    checksum: migration.checksum,
    description: migration.description,
    steps,
    batch: batchOf(standing.snapshot, rollout),
    ...(migration.row === undefined ? {} : { own: migration.row.up }),
  })
  const replaced =
    migration.repeats === true && place.shape.keyElse === undefined
      ? [deleteHistorySql(dialect, place, spellingsOf(migration, standing.snapshot.entries))]
      : []
  return moveMarkSql(dialect, place, standing, values) ?? [...replaced, insertSql(dialect, place, standing, values)]
}

/** Puts the mark somewhere else, or away; null: the history is none. */
function moveMarkSql(dialect: Words, place: HistoryPlace, standing: Standing, to: RowValues | null): string[] | null {
  if (place.shape.mark !== true) return null
  const clear = `DELETE FROM ${qualify(dialect, place.schema, place.table)}`
  return to === null ? [clear] : [clear, insertSql(dialect, place, standing, to)]
}

/** The key before a migration's own that a mark goes back to; null: there is none. */
export function keyBelow(keys: readonly string[], migration: Migration): string | null {
  const own = BigInt(migration.number ?? 0)
  return keys.reduce<string | null>(
    (most, key) => (BigInt(key) < own && (most === null || BigInt(key) > BigInt(most)) ? key : most),
    null,
  )
}

/** Takes the row of a migration away, whichever way it is spelled; a mark goes to the one before it. */
export function removeHistorySql(
  dialect: Words,
  place: HistoryPlace,
  standing: Standing,
  migration: Migration,
): string[] {
  const { entries } = standing.snapshot
  const { undoneRow } = place.shape
  if (undoneRow !== undefined && standing.undoes === true) {
    const { checksum, description, row } = migration
    const own = row?.down === undefined ? {} : { own: row.down }
    const key = newKey(migration, standing, place.shape)
    return [insertSql(dialect, place, standing, undoneRow({ key, checksum, description, steps: 0, batch: 0, ...own }))]
  }
  if (place.shape.mark !== true) return [deleteHistorySql(dialect, place, spellingsOf(migration, entries))]
  const below = keyBelow(
    entries.map(({ key }) => key),
    migration,
  )
  const row = { key: below ?? '', checksum: '', description: null, steps: 0, batch: 0 }
  return moveMarkSql(dialect, place, standing, below === null ? null : place.shape.values(row)) ?? []
}

function insertSql(dialect: Words, place: HistoryPlace, { snapshot }: Standing, values: RowValues): string {
  const columns: readonly { name: string }[] = snapshot.columns ?? place.shape.columns
  const kept = Object.entries(values).filter(([name]) => columns.some((one) => one.name === name))
  const names = kept.map(([name]) => dialect.quoteIdentifier(name)).join(', ')
  const table = qualify(dialect, place.schema, place.table)
  const list = kept.map(([name, value]) =>
    isTimeAsText(value)
      ? dialect.phrases.nowText(newestTextSql(dialect, table, name))
      : isNext(value)
        ? nextSql(dialect, table, name)
        : literal(dialect, value),
  )
  return `INSERT INTO ${table} (${names}) VALUES (${list.join(', ')})`
}

function isTimeAsText(value: RowValues[string]): boolean {
  return typeof value === 'object' && value !== null && 'now' in value && value.now === 'text'
}

function isNext(value: RowValues[string]): boolean {
  return typeof value === 'object' && value !== null && 'next' in value
}

/** One more than the highest number in a column. MySQL reads a table that it inserts into only from within. */
function nextSql(dialect: Words, table: string, column: string): string {
  const name = dialect.quoteIdentifier(column)
  return `(SELECT known.n FROM (SELECT COALESCE(MAX(${name}), 0) + 1 AS n FROM ${table}) AS known)`
}

/** The latest time in a column of such texts; others that somebody wrote there are passed over. */
function newestTextSql(dialect: Words, table: string, column: string): string {
  const text = dialect.phrases.asText(dialect.quoteIdentifier(column))
  // MySQL reads a table that it inserts into only from within.
  return `(SELECT MAX(known.t) FROM (SELECT ${text} AS t FROM ${table}) AS known WHERE known.t LIKE '____-__-__T__:__:__.___Z')`
}

/**
 * Keeps the row by which the tool itself tells a migration that is begun and not finished; `note` is what the tool
 * shows of it. Part of the transaction that writes the ledger. Empty: the tool has no such rows.
 */
export function writeBegunSql(
  dialect: Words,
  place: HistoryPlace,
  standing: Standing,
  migration: Migration,
  note: string,
): string[] {
  const { begun, logs } = place.shape
  if (begun === undefined) return []
  const { checksum, description, row } = migration
  const key = newKey(migration, standing, place.shape)
  const own = row === undefined ? {} : { own: row.up }
  const all = place.shape.values({ key, checksum, description, steps: 0, batch: 0, ...own })
  const values: RowValues = Object.fromEntries(Object.entries(all).filter(([name]) => begun.includes(name)))
  if (logs !== undefined) values[logs] = note
  const { flag } = place.shape
  if (flag !== undefined) values[flag.column] = flag.yes === 'failed'
  const moved = moveMarkSql(dialect, place, standing, values)
  if (moved !== null) return moved
  return [...clearBegunSql(dialect, place, migration.keys), insertSql(dialect, place, standing, values)]
}

/** What the tool shows of a migration that a run of ours has begun. */
export function begunNote({ statementCount }: { statementCount: number }, done: number): string {
  return `tenantry applies this migration step by step; ${done} of ${statementCount} statements are done. \`tenantry up\` goes on with it.`
}

/** Takes that row away: before the one that says "applied". */
export function clearBegunSql(dialect: Words, place: HistoryPlace, keys: readonly string[]): string[] {
  return place.shape.begun === undefined || place.shape.mark === true
    ? []
    : [`${deleteHistorySql(dialect, place, keys)} AND ${unfinished(dialect, place.shape)}`]
}

/** Records failed rows as rolled back, as the tool does: they stay and count as absent. Empty: the tool has no such rows. */
export function rollBackFailedSql(dialect: Words, place: HistoryPlace, keys: readonly string[]): string[] {
  const { rolledBackAt, finishedAt, key } = place.shape
  if (rolledBackAt === null || finishedAt === null) return []
  const column = dialect.phrases.asText(dialect.quoteIdentifier(key))
  const list = keys.map(dialect.quoteLiteral).join(', ')
  const set = `${dialect.quoteIdentifier(rolledBackAt)} = ${dialect.phrases.now}`
  return [
    `UPDATE ${qualify(dialect, place.schema, place.table)} SET ${set} WHERE ${column} IN (${list}) AND ${unfinished(dialect, place.shape)}`,
  ]
}

function unfinished(dialect: Words, { finishedAt, rolledBackAt, flag }: HistoryShape): string {
  if (flag?.no === 'failed') return `NOT ${dialect.quoteIdentifier(flag.column)}`
  const columns = [finishedAt, rolledBackAt].filter((column) => column !== null)
  return columns.map((column) => `${dialect.quoteIdentifier(column)} IS NULL`).join(' AND ')
}

function literal(dialect: Words, value: RowValues[string]): string {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return dialect.quoteLiteral(value)
  const { now, nowStored, user, elapsedMs, uuid } = dialect.phrases
  if ('now' in value && value.now === 'stored') return nowStored
  return 'now' in value ? now : 'user' in value ? user : 'elapsed' in value ? elapsedMs : uuid
}

/** Takes the row away again, whichever way it is spelled. */
export function deleteHistorySql(dialect: Words, place: HistoryPlace, keys: readonly string[]): string {
  const key = keyExpression(place.shape, dialect.quoteIdentifier, dialect.phrases.asText)
  const list = keys.map(dialect.quoteLiteral).join(', ')
  return `DELETE FROM ${qualify(dialect, place.schema, place.table)} WHERE ${key} IN (${list})`
}

/** Takes the ledger's rows away that belong to these history keys. */
export function deleteLedgerSql(dialect: Words, place: HistoryPlace, keys: readonly string[]): string {
  const names = [...new Set(keys.flatMap((key) => [key, stemOfKey(key)]))]
  const list = names.map(dialect.quoteLiteral).join(', ')
  const table = qualify(dialect, place.schema, ledgerTable)
  const { asText } = dialect.phrases
  return `DELETE FROM ${table} WHERE ${asText('history')} = ${dialect.quoteLiteral(place.table)} AND ${asText('migration')} IN (${list})`
}

/**
 * Replaces the ledger's row of one migration, and fails if the body left our transaction: so it goes before the
 * history row. `fresh`: the table was made in this very run.
 */
export function writeLedgerSql(
  dialect: Words,
  place: HistoryPlace,
  migration: Pick<Migration, 'id' | 'checksum'>,
  record: LedgerRecord,
  /** null: it is not written in a transaction of ours. */
  mark: TransactionMark | null,
  fresh: boolean,
): string[] {
  const table = qualify(dialect, place.schema, ledgerTable)
  const { quoteLiteral } = dialect
  const values = [
    quoteLiteral(place.table),
    quoteLiteral(migration.id),
    quoteLiteral(migration.checksum),
    quoteLiteral(record.state),
    record.statementsDone,
    mark === null ? record.statementsTotal : dialect.phrases.checked(mark, record.statementsTotal),
    quoteLiteral(record.prefix.slice(0, 16)),
    quoteLiteral(record.rollout),
    dialect.phrases.elapsedMs,
    quoteLiteral(record.appliedBy.slice(0, 40)),
    dialect.phrases.now,
  ]
  const names = ledgerColumns.map(([name]) => name).join(', ')
  const insert = `INSERT INTO ${table} (${names}) VALUES (${values.join(', ')})`
  return fresh ? [insert] : [deleteLedgerRowSql(dialect, place, migration.id), insert]
}

/** Takes the ledger's row of one migration away. */
export function deleteLedgerRowSql(dialect: Words, place: HistoryPlace, id: string): string {
  const { asText } = dialect.phrases
  const [table, migration] = [dialect.quoteLiteral(place.table), dialect.quoteLiteral(id)]
  return `DELETE FROM ${qualify(dialect, place.schema, ledgerTable)} WHERE ${asText('history')} = ${table} AND ${asText('migration')} = ${migration}`
}

/** Marks the half-done row of a migration, as long as it stands where it stood. */
export function refuseNextSql(
  dialect: Words,
  place: HistoryPlace,
  migration: string,
  row: Pick<LedgerRecord, 'state' | 'statementsDone' | 'prefix'>,
): string {
  const { quoteLiteral } = dialect
  const { asText } = dialect.phrases
  const where = [
    `${asText('history')} = ${quoteLiteral(place.table)}`,
    `${asText('migration')} = ${quoteLiteral(migration)}`,
    `${asText('state')} = ${quoteLiteral(row.state)}`,
    `statements_done = ${row.statementsDone}`,
  ].join(' AND ')
  return `UPDATE ${qualify(dialect, place.schema, ledgerTable)} SET prefix = ${quoteLiteral(row.prefix)} WHERE ${where}`
}
