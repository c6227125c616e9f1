import { type ColumnType, keyExpression, ledgerTable, ownLockValue } from '../../model/history.ts'
import type { Phrases, TransactionGuard, TransactionSettings } from '../../model/phrases.ts'
import { notUndone, standsAt } from '../undone-rows.ts'
import { lockName } from './lock-name.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { refusals, refuseUnless } from './refuse.ts'
import { isMariadb } from './versions.ts'

/** As Knex and sequelize-cli make them. `NULL`: older servers make a first TIMESTAMP without it follow every update. */
const columnTypes: Readonly<Record<ColumnType, string>> = {
  'serial-key': 'INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY',
  serial: 'SERIAL PRIMARY KEY',
  'row-id': 'SERIAL PRIMARY KEY',
  'epoch-ms': 'BIGINT',
  'row-time': 'TIMESTAMP DEFAULT CURRENT_TIMESTAMP',
  'uuid-text-key': 'VARCHAR(36) PRIMARY KEY',
  // Both keys, as Sequelize declares them; the only such column of any tool has this name.
  'name-key': 'VARCHAR(255) NOT NULL UNIQUE, PRIMARY KEY (`name`)',
  'version-key': 'VARCHAR(128) PRIMARY KEY',
  'text-key': 'VARCHAR(255) NOT NULL PRIMARY KEY',
  'varchar255-key': 'VARCHAR(255) NOT NULL PRIMARY KEY',
  'generated-id': 'INT NOT NULL AUTO_INCREMENT PRIMARY KEY',
  varchar: 'VARCHAR(255)',
  datetime: 'DATETIME',
  'identity-key': 'BIGINT(20) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY',
  stamp: 'TIMESTAMP NULL',
  'bigint-key': 'BIGINT NOT NULL PRIMARY KEY',
  bigint: 'BIGINT',
  boolean: 'BOOLEAN',
  varchar255: 'VARCHAR(255)',
  varchar64: 'VARCHAR(64)',
  varchar20: 'VARCHAR(20)',
  varchar50: 'VARCHAR(50)',
  varchar100: 'VARCHAR(100)',
  varchar200: 'VARCHAR(200)',
  varchar1000: 'VARCHAR(1000)',
  int: 'INT',
  bool: 'BOOL',
  'stamp-now': 'TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP',
  text: 'TEXT',
  timestamp: 'TIMESTAMP NULL',
  timestamptz: 'TIMESTAMP NULL',
  integer: 'INT',
}

/** Longest that `lock_wait_timeout` can be: a year. It has no word for "for ever". */
const longestLockWaitSeconds = 31_536_000

/** Whole seconds are all there is, and 0 would mean not to wait at all. */
function lockWaitSeconds(lockTimeoutMs: number): number {
  return lockTimeoutMs === 0 ? longestLockWaitSeconds : Math.max(1, Math.ceil(lockTimeoutMs / 1000))
}

/** Settings as assignments of one SET. MySQL's own statement limit holds for SELECT only. */
export function settingsSql(settings: TransactionSettings, version: number): string {
  const lockSeconds = lockWaitSeconds(settings.lockTimeoutMs)
  const values = [`lock_wait_timeout = ${lockSeconds}`, `innodb_lock_wait_timeout = ${lockSeconds}`]
  if (isMariadb(version)) {
    values.push(`max_statement_time = ${settings.statementTimeoutMs / 1000}`)
    values.push(`idle_transaction_timeout = ${Math.ceil(settings.idleInTransactionTimeoutMs / 1000)}`)
  } else values.push(`max_execution_time = ${settings.statementTimeoutMs}`)
  return `SET ${values.map((value) => `SESSION ${value}`).join(', ')}`
}

/** Any key as text to compare byte for byte, whatever the table's collation takes for equal. */
const asText = (expression: string) => `CAST(${expression} AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin`

function tableName(schema: string, table: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

/** The condition under which the history is not as the plan found it. */
function surprise(guard: TransactionGuard): string {
  const { schema, table, shape, keys } = guard.history
  const finished = shape.finishedAt === null ? '' : ` AND ${quoteIdentifier(shape.finishedAt)} IS NOT NULL`
  const kept = shape.rolledBackAt === null ? '' : ` AND ${quoteIdentifier(shape.rolledBackAt)} IS NULL`
  const list = keys.map(quoteLiteral).join(', ')
  const key = keyExpression(shape, quoteIdentifier, asText)
  const words = { quoteIdentifier, quoteLiteral, asText }
  const last = notUndone(guard, tableName(schema, table), `${key} IN (${list})`, words)
  const there = `EXISTS (SELECT 1 FROM ${tableName(schema, table)} WHERE ${key} IN (${list})${finished}${kept}${last})`
  const stands = standsAt(guard, tableName(schema, table), words)
  const history = stands !== null ? `NOT ${stands}` : guard.expect === 'absent' ? there : `NOT ${there}`
  if (guard.notHalfDone.length === 0) return history
  const ids = guard.notHalfDone.map(quoteLiteral).join(', ')
  const row = `${asText('history')} = ${quoteLiteral(table)} AND ${asText('migration')} IN (${ids})`
  return `${history} OR EXISTS (SELECT 1 FROM ${tableName(schema, ledgerTable)} WHERE ${row} AND state IN ('running', 'undoing'))`
}

/**
 * Stands for COM_RESET_CONNECTION, which has no SQL: a pipeline sends that where it meets this text. Nothing else takes
 * back every variable, user variable, temporary table, prepared statement and lock of a session.
 */
export const resetMark = "DO 'tenantry: reset'"

export const phrases: Phrases = {
  begin(settings, { lockKey, nativeLock }, version) {
    const locks = [
      ...(lockKey === null ? [] : [refuseUnless(`GET_LOCK(${lockName(lockKey)}, 0) = 1`, refusals.locked)]),
      // There are no shared locks of this kind: ours would keep our own runs in other databases out.
      ...(nativeLock?.name === undefined
        ? []
        : [refuseUnless(`IS_FREE_LOCK(${quoteLiteral(nativeLock.name)}) = 1`, refusals.native)]),
    ]
    return [
      `${settingsSql(settings, version)}, @tenantry_began = UTC_TIMESTAMP(6)`,
      // Before the transaction, whose snapshot must not be older than the lock.
      ...(locks.length === 0 ? [] : [`SELECT ${locks.join(', ')}`]),
      'START TRANSACTION READ WRITE',
      ...settings.session,
    ]
  },

  guard: (guard) => `SELECT ${refuseUnless(`NOT (${surprise(guard)})`, refusals.already)}`,

  settings: (settings, version) => [settingsSql(settings, version)],

  resetRole: (settings) => [...settings.session],

  // MariaDB says whether a transaction is open; MySQL skips the comment, and cannot tell.
  checked: (_mark, value) => `${value} /*M! + ${refuseUnless('@@in_transaction = 1', refusals.left)} */`,

  markHalfDone: () => [],

  takeNativeLock(schema, table, { key, column }) {
    const name = tableName(schema, table)
    const [id, flag] = [quoteIdentifier(key), quoteIdentifier(column)]
    return [
      `CREATE TABLE IF NOT EXISTS ${name} (${id} INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, ${flag} INT)`,
      'START TRANSACTION READ WRITE',
      `INSERT INTO ${name} (${flag}) SELECT 0 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM ${name})`,
      `UPDATE ${name} SET ${flag} = ${ownLockValue} WHERE ${flag} = 0`,
      `SELECT ${refuseUnless(`EXISTS (SELECT 1 FROM ${name} WHERE ${flag} = ${ownLockValue})`, refusals.native)}`,
      'COMMIT',
    ]
  },

  releaseNativeLock(schema, table, { column }) {
    const flag = quoteIdentifier(column)
    return [`UPDATE ${tableName(schema, table)} SET ${flag} = 0 WHERE ${flag} = ${ownLockValue}`]
  },

  flush: [],
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  reset: [resetMark],
  columnType: (type) => columnTypes[type],
  asText,
  now: 'CURRENT_TIMESTAMP',
  nowStored: 'CURRENT_TIMESTAMP',
  nowText: (after) => {
    const clock = `CONCAT(REPLACE(LEFT(UTC_TIMESTAMP(3), 23), ' ', 'T'), 'Z')`
    return `(SELECT MAX(t) FROM (SELECT ${clock} AS t UNION ALL SELECT ${after}) AS times)`
  },
  uuid: 'UUID()',
  user: "SUBSTRING_INDEX(USER(), '@', 1)",
  // With the table: MySQL knows no CREATE INDEX IF NOT EXISTS.
  tableIndex: (_schema, _table, name, column) => ({
    inside: `KEY ${quoteIdentifier(name)} (${quoteIdentifier(column)})`,
  }),
  elapsedMs: 'COALESCE(TIMESTAMPDIFF(MICROSECOND, @tenantry_began, UTC_TIMESTAMP(6)) DIV 1000, 0)',
}
