import type { HistoryShape } from '../../model/history.ts'

/**
 * Source: `Migrator` of Kysely. Names are file names without their endings; the time is a text, by which the tool tells the
 * order (and the names, where it is the same). It makes a table with a lock row, too, and locks with its dialect's own
 * means instead: `LOCK_ID` of `PostgresAdapter` and `MysqlAdapter`; with SQLite not at all.
 */
export const kyselyShape: HistoryShape = {
  kind: 'kysely',
  defaultTable: 'kysely_migration',
  columns: [
    { name: 'name', type: 'varchar255-key' },
    { name: 'timestamp', type: 'varchar255', notNull: true },
  ],
  key: 'name',
  checksum: null,
  order: ['timestamp'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'id',
  nativeLock: { kind: 'advisory', key: '3853314791062309107', name: 'ea586330-2c93-47c8-908d-981d9d270f9d' },
  beside: {
    table: 'kysely_migration_lock',
    columns: [
      { name: 'id', type: 'varchar255-key' },
      { name: 'is_locked', type: 'integer', notNull: true, default: '0' },
    ],
    row: { id: 'migration_lock', is_locked: 0 },
  },
  values: (row) => ({ name: row.key, timestamp: { now: 'text' } }),
}
