import type { RegistryWords } from '../../model/registry-words.ts'
import { quoteIdentifier } from './quote.ts'

/** Any number will do, as long as nothing else of ours takes it: "tenantry" in ASCII. */
const migrationLock = '8387230245068567161'

export const registryWords: RegistryWords = {
  placeholder: (number) => `$${number}`,
  // A session that hangs must neither hold up the others for ever, nor be held up.
  begin: [
    "BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '60s'",
  ],
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  types: {
    key: 'text COLLATE "C"',
    text: 'text',
    bigint: 'bigint',
    counter: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  },
  // READ COMMITTED: what the winner made must be seen by those that waited for it.
  openMigration: [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    "SET LOCAL lock_timeout = '60s'",
    `SELECT pg_catalog.pg_advisory_xact_lock(${migrationLock})`,
  ],
  closeMigration: ['COMMIT'],
  nowMs: '(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint',
  orUpdate: (key, update) =>
    `ON CONFLICT (${key}) DO UPDATE SET ${update.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  columns: (schema, table) => ({
    sql: `SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  CASE WHEN a.attnotnull THEN 1 ELSE 0 END AS required,
  CASE WHEN a.atthasdef OR a.attidentity <> '' THEN 1 ELSE 0 END AS filled
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`,
    values: [(schema === null ? '' : `${quoteIdentifier(schema)}.`) + quoteIdentifier(table)],
  }),
  isDuplicate: ({ sqlstate }) => sqlstate === '23505',
}
