import type { AdvisoryLock, HistoryShape, NewHistoryRow, RowValues } from '../../model/history.ts'

/**
 * Source: `JdbcTableSchemaHistory`, `getRawCreateScript` of the databases, `CoreMigrationType`, `BaselineMigrationType`
 * and, for the types of older versions, `MigrationType` of flyway/flyway. Where Flyway undoes, it keeps every row, and adds
 * one; its open-source library refuses a history with such a row (`FlywayUnknownMigrationTypeException`).
 */
export const flywayHistory: HistoryShape = {
  kind: 'flyway',
  defaultTable: 'flyway_schema_history',
  columns: [
    { name: 'installed_rank', type: 'int', notNull: true },
    { name: 'version', type: 'varchar50' },
    { name: 'description', type: 'varchar200', notNull: true },
    { name: 'type', type: 'varchar20', notNull: true },
    { name: 'script', type: 'varchar1000', notNull: true },
    { name: 'checksum', type: 'int' },
    { name: 'installed_by', type: 'varchar100', notNull: true },
    { name: 'installed_on', type: 'stamp-now' },
    { name: 'execution_time', type: 'int', notNull: true },
    { name: 'success', type: 'bool', notNull: true },
  ],
  primaryKey: {
    column: 'installed_rank',
    families: ['postgres', 'mysql', 'sqlite'],
    name: (table) => `${table}_pk`,
  },
  index: { column: 'success', name: (table) => `${table}_s_idx` },
  key: 'version',
  keyElse: 'description',
  checksum: 'checksum',
  digest: /^-?\d+$/,
  corrects: true,
  order: ['installed_rank'],
  finishedAt: null,
  rolledBackAt: null,
  begun: [
    'installed_rank',
    'version',
    'description',
    'type',
    'script',
    'checksum',
    'installed_by',
    'execution_time',
    'success',
  ],
  failed: { called: '`Failed` in `flyway info`', repair: '`flyway repair`' },
  batch: null,
  spelling: 'number',
  flag: { column: 'success', yes: 'applied', no: 'failed' },
  kinds: {
    column: 'type',
    states: {
      UNDO_SQL: 'undone',
      UNDO_JDBC: 'undone',
      UNDO_SPRING_JDBC: 'undone',
      UNDO_SCRIPT: 'undone',
      UNDO_CUSTOM: 'undone',
      // What `repair` writes for a row whose file is gone.
      DELETE: 'gone',
      BASELINE: 'floor',
      SQL_BASELINE: 'floor',
      JDBC_BASELINE: 'floor',
      SCRIPT_BASELINE: 'floor',
      SCHEMA: 'aside',
      JDBC: 'foreign',
      SPRING_JDBC: 'foreign',
      SCRIPT: 'foreign',
      CUSTOM: 'foreign',
    },
  },
  nativeLock: { kind: 'advisory-of-table', of: lockOfTable },
  values: (row) => columnsOf(row, 'SQL'),
  undoneRow: (row) => columnsOf(row, 'UNDO_SQL'),
}

/** Longer texts are shortened as `AbbreviationUtils` does. A row of a migration of another format has no more than its key. */
function columnsOf({ key, description, own }: NewHistoryRow, type: string): RowValues {
  const words = String(own?.description ?? description ?? key)
  const script = String(own?.script ?? key)
  return {
    installed_rank: { next: true },
    version: own === undefined ? key.slice(0, 50) : (own.version ?? null),
    description: words.length <= 200 ? words : `${words.slice(0, 197)}...`,
    type: own?.type ?? type,
    script: script.length <= 1000 ? script : `...${script.slice(3, 1000)}`,
    checksum: own?.checksum ?? null,
    installed_by: { user: true },
    execution_time: { elapsed: true },
    success: true,
  }
}

/** `LOCK_MAGIC_NUM` of `PostgreSQLAdvisoryLockTemplate`: the letters of the tool's name. */
const magic = 0x46_6c_79_77_61_79n

/** The lock's number is made of the table's quoted name; `MySQLNamedLockTemplate` has the same in its lock's name. */
export function lockOfTable(table: string): AdvisoryLock {
  const hash = hashAsJava(table)
  return { key: String(magic + BigInt(hash)), name: `Flyway-${hash}` }
}

/** `String.hashCode` of Java. */
function hashAsJava(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}
