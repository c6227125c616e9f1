import { type ColumnType, keyExpression, ledgerTable, ownLockValue } from '../../model/history.ts'
import type { Phrases, TransactionGuard, TransactionSettings } from '../../model/phrases.ts'
import { notUndone, standsAt } from '../undone-rows.ts'
import { refusals, refuseUnless } from './failure.ts'
import { lockMark, resetMark, waitingBegin } from './marks.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** As Knex, Prisma and Sequelize make them on SQLite. */
const columnTypes: Readonly<Record<ColumnType, string>> = {
  'serial-key': 'INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT',
  serial: 'SERIAL PRIMARY KEY',
  'row-id': 'INTEGER PRIMARY KEY',
  'epoch-ms': 'NUMERIC',
  'row-time': 'TEXT',
  'uuid-text-key': 'TEXT NOT NULL PRIMARY KEY',
  'name-key': 'VARCHAR(255) NOT NULL UNIQUE PRIMARY KEY',
  'version-key': 'VARCHAR(128) PRIMARY KEY',
  'text-key': 'VARCHAR(255) NOT NULL PRIMARY KEY',
  'varchar255-key': 'VARCHAR(255) NOT NULL PRIMARY KEY',
  'generated-id': 'INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL',
  varchar: 'VARCHAR',
  datetime: 'DATETIME',
  'identity-key': 'INTEGER PRIMARY KEY AUTOINCREMENT',
  stamp: 'TIMESTAMP',
  'bigint-key': 'BIGINT NOT NULL PRIMARY KEY',
  bigint: 'INTEGER',
  boolean: 'INTEGER',
  varchar255: 'VARCHAR(255)',
  varchar64: 'VARCHAR(64)',
  varchar20: 'VARCHAR(20)',
  varchar50: 'VARCHAR(50)',
  varchar100: 'VARCHAR(100)',
  varchar200: 'VARCHAR(200)',
  varchar1000: 'VARCHAR(1000)',
  int: 'INT',
  bool: 'BOOLEAN',
  'stamp-now': "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))",
  text: 'TEXT',
  timestamp: 'DATETIME',
  timestamptz: 'DATETIME',
  integer: 'INTEGER',
}

/** SQLite has no word for "for ever"; this is 25 days. */
const longestMs = 2_147_483_647

/** The connection does the waiting; the other limits need a server that counts beside the work. */
export function settingsSql({ lockTimeoutMs }: TransactionSettings): string {
  return `PRAGMA busy_timeout = ${lockTimeoutMs === 0 ? longestMs : lockTimeoutMs}`
}

/** What a body may have set, and can be taken back within a transaction. */
const bodySettings = ['legacy_alter_table', 'recursive_triggers', 'ignore_check_constraints', 'defer_foreign_keys']

/** Any key as text to compare byte for byte: a CAST keeps the collation of its column. */
const asText = (expression: string) => `CAST(${expression} AS TEXT) COLLATE BINARY`

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

const uuid = `(SELECT lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-' ||
  substr('89ab', 1 + abs(random() % 4), 1) || substr(h, 18, 3) || '-' || substr(h, 21)) FROM (SELECT hex(randomblob(16)) AS h))`

export const phrases: Phrases = {
  begin(settings, { lockKey, token }) {
    return [
      settingsSql(settings),
      settings.durable === false ? waitingBegin : 'BEGIN IMMEDIATE',
      `INSERT INTO temp.tenantry_step VALUES (${quoteLiteral(token)}, julianday('now'))`,
      // Who holds it over several transactions made sure that none was under way: so it is enough to look now.
      ...(lockKey === null ? [] : [lockMark(lockKey)]),
      ...settings.session,
    ]
  },

  guard: (guard) => `SELECT ${refuseUnless(`NOT (${surprise(guard)})`, refusals.already, 0)}`,

  settings: (settings) => [settingsSql(settings), ...bodySettings.map((name) => `PRAGMA ${name} = OFF`)],

  resetRole: (settings) => [...settings.session],

  // The row is gone when the transaction is, whichever way that ended: the connection sees to it.
  checked: ({ token }, value) =>
    refuseUnless(
      `EXISTS (SELECT 1 FROM temp.tenantry_step WHERE token = ${quoteLiteral(token)})`,
      refusals.left,
      value,
    ),

  markHalfDone: () => [],

  takeNativeLock(schema, table, { key, column }) {
    const name = tableName(schema, table)
    const [id, flag] = [quoteIdentifier(key), quoteIdentifier(column)]
    return [
      'BEGIN IMMEDIATE',
      `CREATE TABLE IF NOT EXISTS ${name} (${id} INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, ${flag} INTEGER)`,
      `INSERT INTO ${name} (${flag}) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM ${name})`,
      `UPDATE ${name} SET ${flag} = ${ownLockValue} WHERE ${flag} = 0`,
      `SELECT ${refuseUnless(`EXISTS (SELECT 1 FROM ${name} WHERE ${flag} = ${ownLockValue})`, refusals.native, 0)}`,
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
  nowStored: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
  nowText: (after) =>
    `(SELECT max(t) FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS t UNION ALL SELECT ${after}) AS times)`,
  uuid,
  user: "''",
  tableIndex: (schema, table, name, column) => ({
    after: `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(schema)}.${quoteIdentifier(name)} ON ${quoteIdentifier(table)} (${quoteIdentifier(column)})`,
  }),
  elapsedMs:
    "COALESCE((SELECT CAST((julianday('now') - began) * 86400000 AS INTEGER) FROM temp.tenantry_step LIMIT 1), 0)",
}
