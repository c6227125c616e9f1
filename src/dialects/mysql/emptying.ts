import type { Emptying, EmptyingTable } from '../../model/emptying.ts'
import { readCounters, readTables } from './emptying-catalog.ts'

function removal({ place }: EmptyingTable, condition: string | null): string {
  return condition === null ? `DELETE FROM ${place}` : `DELETE x FROM ${place} AS x WHERE ${condition}`
}

const nameOf = (index: number, side: 'child' | 'parent') => `tenantry_kept_${index}_${side}`

export const emptying: Emptying = {
  async whereAmI(connection) {
    const [row] = await connection.query('SELECT DATABASE() AS name')
    return { database: String(row?.name), schema: String(row?.name) }
  },
  tables: (connection) => readTables(connection),
  counters: (connection, _schema, tables) => readCounters(connection, tables),
  // Whatever is read stays as it was read until the commit.
  before: (mode) => (mode === 'empty' ? ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'] : []),
  opening: [],
  lock: () => [],
  keepKeys(index, columns, query) {
    const key = Array.from({ length: columns }, (_, i) => `k${i}`).join(', ')
    const make = (side: 'child' | 'parent', from: string) =>
      `CREATE TEMPORARY TABLE ${nameOf(index, side)} (PRIMARY KEY (${key})) AS ${from}`
    const drop = (side: 'child' | 'parent') => `DROP TEMPORARY TABLE IF EXISTS ${nameOf(index, side)}`
    // Such tables outlive a rollback: an attempt before this one may have made them.
    return [
      ...[drop('child'), drop('parent')],
      ...[make('child', query), make('parent', `SELECT * FROM ${nameOf(index, 'child')}`)],
    ]
  },
  kept: nameOf,
  equals: '=',
  // TRUNCATE commits.
  remove: removal,
  // InnoDB checks each row by itself, and puts nothing off.
  removeTogether: (parts) => [
    'SET SESSION foreign_key_checks = 0',
    ...parts.map(({ table, condition }) => removal(table, condition)),
    'SET SESSION foreign_key_checks = 1',
  ],
  setCounter: ({ place }, next) => `ALTER TABLE ${place} AUTO_INCREMENT = ${next}`,
  countersAre: 'after-commit',
}
