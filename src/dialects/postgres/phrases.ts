import { createHash } from 'node:crypto'
import type { Phrases, TransactionGuard, TransactionSettings } from '../../model/dialect.ts'
import { type ColumnType, ledgerTable, ownLockValue } from '../../model/history.ts'
import { refusals } from './failure.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

const columnTypes: Record<ColumnType, string> = {
  'serial-key': 'SERIAL PRIMARY KEY',
  'uuid-text-key': 'VARCHAR(36) PRIMARY KEY',
  'name-key': 'VARCHAR(255) UNIQUE PRIMARY KEY',
  'version-key': 'VARCHAR PRIMARY KEY',
  'text-key': 'TEXT NOT NULL PRIMARY KEY',
  datetime: 'TIMESTAMPTZ',
  varchar255: 'VARCHAR(255)',
  varchar64: 'VARCHAR(64)',
  text: 'TEXT',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  integer: 'INTEGER',
}

/**
 * Advisory lock key of a target. Advisory locks are local to a database, so the name of the server is not in it:
 * two machines that call the server differently still exclude each other.
 */
export function advisoryKey(lockKey: string): string {
  return createHash('sha256').update(`tenantry:${lockKey}`).digest().readBigInt64BE(0).toString()
}

/** The search path of a target: its schema, then the schema of shared extension objects. */
export function searchPath(schema: string, sharedSchema: string): string {
  return schema === sharedSchema
    ? quoteIdentifier(schema)
    : `${quoteIdentifier(schema)}, ${quoteIdentifier(sharedSchema)}`
}

/** Settings as name → SQL expression, for `set_config`. */
export function settingValues(settings: TransactionSettings, version: number): [string, string][] {
  const values: [string, string][] = []
  if (settings.schema !== null) {
    values.push(['search_path', quoteLiteral(searchPath(settings.schema, settings.sharedSchema))])
  }
  if (settings.durable === false) values.push(['synchronous_commit', "'off'"])
  values.push(['lock_timeout', `'${settings.lockTimeoutMs}'`])
  values.push(['statement_timeout', `'${settings.statementTimeoutMs}'`])
  values.push(['idle_in_transaction_session_timeout', `'${settings.idleInTransactionTimeoutMs}'`])
  // With it a server notices within seconds that the runner died, and stops. Other systems refuse any value but 0.
  if (version >= 140_000) {
    values.push(['client_connection_check_interval', "CASE WHEN version() LIKE '%linux%' THEN '2000' ELSE '0' END"])
  }
  return values
}

/**
 * The condition under which the history is not as the plan found it. Compares texts: the server has no operator for
 * varchar, so the tenant's schema, which is on the search path, could bring one of its own.
 */
function surprise(guard: TransactionGuard): string {
  const { schema, table, shape, keys } = guard.history
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  const finished = shape.finishedAt === null ? '' : ` AND ${quoteIdentifier(shape.finishedAt)} IS NOT NULL`
  const kept = shape.rolledBackAt === null ? '' : ` AND ${quoteIdentifier(shape.rolledBackAt)} IS NULL`
  const list = keys.map(quoteLiteral).join(', ')
  const there = `EXISTS (SELECT FROM ${name} WHERE ${quoteIdentifier(shape.key)}::text IN (${list})${finished}${kept})`
  const history = guard.expect === 'absent' ? there : `NOT ${there}`
  if (guard.notHalfDone.length === 0) return history
  const ledger = `${quoteIdentifier(schema)}.${quoteIdentifier(ledgerTable)}`
  const ids = guard.notHalfDone.map(quoteLiteral).join(', ')
  return `${history} OR EXISTS (SELECT FROM ${ledger} WHERE history::text = ${quoteLiteral(table)} AND migration::text IN (${ids}) AND state::text IN ('running', 'undoing'))`
}

/** A number, or an error that holds the word. Not folded while planning, since the condition is not constant. */
export function refuseUnless(condition: string, refusal: string, value: string): string {
  return `CAST(CASE WHEN ${condition} THEN '${value}' ELSE '${refusal}' END AS integer)`
}

/** `SET x` of a `session` list, limited to the transaction. */
function makeLocal(statement: string): string {
  return statement.replace(/^\s*SET\s+(?!LOCAL\b)(?:SESSION\s+(?!AUTHORIZATION\b))?/i, 'SET LOCAL ')
}

/**
 * Takes back all that a body may leave in its session, locks aside: what DISCARD ALL does, which itself cannot be sent
 * with others. `role` is reset by the first one.
 */
export const sessionReset = [
  'SET SESSION AUTHORIZATION DEFAULT',
  'RESET ALL',
  'DISCARD TEMP',
  'DEALLOCATE ALL',
  'CLOSE ALL',
  'UNLISTEN *',
] as const

export const phrases: Phrases = {
  begin(settings, { lockKey, token, nativeLock }, version) {
    const set = [...settingValues(settings, version), ['tenantry.step', quoteLiteral(token)] as const]
      .map(([name, value]) => `set_config('${name}', ${value}, true)`)
      .join(', ')
    const lock =
      lockKey === null
        ? ''
        : `, ${refuseUnless(`pg_try_advisory_xact_lock(${advisoryKey(lockKey)})`, refusals.locked, '0')}`
    const native =
      nativeLock === undefined
        ? ''
        : `, ${refuseUnless(`pg_try_advisory_xact_lock_shared(${nativeLock})`, refusals.native, '0')}`
    // Under a role whose default is REPEATABLE READ the guard would look with the snapshot of before the lock.
    return [
      'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
      ...(settings.forgetFirst === true ? ['SET SESSION AUTHORIZATION DEFAULT', 'RESET ALL'] : []),
      `SELECT ${set}${lock}${native}`,
      ...settings.session.map(makeLocal),
    ]
  },

  guard: (guard) => `SELECT ${refuseUnless(`NOT (${surprise(guard)})`, refusals.already, '0')}`,

  settings: (settings, version) => [
    `SELECT ${settingValues(settings, version)
      .map(([name, value]) => `set_config('${name}', ${value}, true)`)
      .join(', ')}`,
  ],

  resetRole: (settings) => [
    'SET LOCAL SESSION AUTHORIZATION DEFAULT',
    'SET LOCAL ROLE NONE',
    ...settings.session.map(makeLocal),
  ],

  checked: ({ token }, value) =>
    refuseUnless(`current_setting('tenantry.step', true) = ${quoteLiteral(token)}`, refusals.left, String(value)),

  markHalfDone(schema, text) {
    const ledger = `${quoteIdentifier(schema)}.${quoteIdentifier(ledgerTable)}`
    if (text !== null) return [`COMMENT ON TABLE ${ledger} IS ${quoteLiteral(`half-done: ${text}`)}`]
    const rest = `EXISTS (SELECT FROM ${ledger} WHERE state IN ('running', 'undoing'))`
    return [`DO ${quoteLiteral(`BEGIN IF NOT ${rest} THEN COMMENT ON TABLE ${ledger} IS NULL; END IF; END`)}`]
  },

  takeNativeLock(schema, table, { key, column }) {
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
    const [id, flag] = [quoteIdentifier(key), quoteIdentifier(column)]
    const taken = `EXISTS (SELECT FROM ${name} WHERE ${flag} = ${ownLockValue})`
    return [
      'BEGIN',
      // Others must see it; that it outlives a crash would only be a nuisance.
      'SET LOCAL synchronous_commit = off',
      `CREATE TABLE IF NOT EXISTS ${name} (${id} SERIAL PRIMARY KEY, ${flag} INTEGER)`,
      `INSERT INTO ${name} (${flag}) SELECT 0 WHERE NOT EXISTS (SELECT FROM ${name})`,
      `UPDATE ${name} SET ${flag} = ${ownLockValue} WHERE ${flag} = 0`,
      `SELECT ${refuseUnless(taken, refusals.native, '0')}`,
      'COMMIT',
    ]
  },
  releaseNativeLock(schema, table, { column }) {
    const flag = quoteIdentifier(column)
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
    return [`UPDATE ${name} SET ${flag} = 0 WHERE ${flag} = ${ownLockValue}`]
  },
  // Any record in the log that is waited for takes those before it along.
  flush: ["SELECT pg_logical_emit_message(true, 'tenantry', '')"],
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  // In a transaction of its own: else it would belong to the next one of the pipeline, and be undone with it.
  reset: ['BEGIN', ...sessionReset, 'SELECT pg_advisory_unlock_all()', 'COMMIT'],
  columnType: (type) => columnTypes[type],
  asText: (expression) => `${expression}::text`,
  now: 'now()',
  uuid: 'gen_random_uuid()',
  elapsedMs: '(extract(epoch FROM clock_timestamp() - transaction_timestamp())::numeric * 1000.0)::integer',
}
