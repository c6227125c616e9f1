import type { HistoryShape } from '../../model/history.ts'

/**
 * Source: `migrate` of drizzle-orm 0.45's dialects. A row holds the SHA-256 of the file and the journal's `when`, which
 * tells whose it is. In a PostgreSQL database the table is in a schema `drizzle`, which Drizzle makes.
 */
export const journalShape: HistoryShape = {
  kind: 'drizzle',
  defaultTable: '__drizzle_migrations',
  ownSchema: 'drizzle',
  columns: [
    { name: 'id', type: 'serial' },
    { name: 'hash', type: 'text', notNull: true },
    { name: 'created_at', type: 'epoch-ms' },
  ],
  key: 'created_at',
  nameKey: 'name',
  checksum: 'hash',
  digest: /^[0-9a-f]{64}$/,
  // SQLite makes no numbers for a SERIAL column: `id` is null there.
  order: ['id', 'created_at'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'id',
  nativeLock: null,
  values: (row) => ({ hash: row.checksum, created_at: row.key, ...row.own }),
}

/**
 * Source: `migrate` and `up-migrations` of drizzle-orm 1.0.0-rc.5: the folder's name tells whose a row is, and `created_at`
 * is the time in that name. A table of the version before gets the two columns when that version first runs; until
 * then its rows have no name.
 */
export const folderShape: HistoryShape = {
  ...journalShape,
  columns: [
    { name: 'id', type: 'row-id' },
    { name: 'hash', type: 'text', notNull: true },
    { name: 'created_at', type: 'epoch-ms' },
    { name: 'name', type: 'text' },
    { name: 'applied_at', type: 'row-time' },
  ],
  values: (row) => ({ hash: row.checksum, created_at: row.key, ...row.own, applied_at: { now: 'stored' } }),
}
