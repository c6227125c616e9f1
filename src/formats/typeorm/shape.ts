import { createHash } from 'node:crypto'
import type { HistoryShape } from '../../model/history.ts'
import { timestampOf } from './migration-name.ts'

/**
 * Source: `MigrationExecutor` of TypeORM: names of classes, and the number at their end. What is undone first is the
 * last row.
 */
export const typeormShape: HistoryShape = {
  kind: 'typeorm',
  defaultTable: 'migrations',
  columns: [
    { name: 'id', type: 'generated-id' },
    { name: 'timestamp', type: 'bigint', notNull: true },
    { name: 'name', type: 'varchar', notNull: true },
  ],
  // Of the naming strategy that everybody has: `DefaultNamingStrategy.primaryKeyName`.
  primaryKey: {
    column: 'id',
    families: ['postgres'],
    name: (table) => `PK_${createHash('sha1').update(`${table}_id`).digest('hex').slice(0, 27)}`,
  },
  key: 'name',
  checksum: null,
  order: ['id'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'id',
  nativeLock: null,
  tableOptions: { mysql: 'ENGINE=InnoDB' },
  values: (row) => ({ timestamp: timestampOf(row.key), name: row.key }),
}
