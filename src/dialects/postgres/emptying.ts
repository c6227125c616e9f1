import type { Emptying, EmptyingTable } from '../../model/emptying.ts'
import { readCounters, readTables } from './emptying-catalog.ts'

const placesOf = (tables: readonly EmptyingTable[]) => tables.map(({ place }) => place).join(', ')

function removal({ place }: EmptyingTable, condition: string | null): string {
  return `DELETE FROM ${place} AS x${condition === null ? '' : ` WHERE ${condition}`}`
}

export const emptying: Emptying = {
  async whereAmI(connection) {
    const [row] = await connection.query(
      "SELECT pg_catalog.current_database()::text AS database, coalesce(pg_catalog.current_schema()::text, 'public') AS schema",
    )
    return { database: String(row?.database), schema: String(row?.schema) }
  },
  tables: readTables,
  counters: readCounters,
  before: () => [],
  // Rows that a policy hides would stay, and be missing from the counts: then it is an error instead.
  opening: ["SELECT pg_catalog.set_config('row_security', 'off', true)"],
  lock: (changed, read) => [
    ...(changed.length === 0 ? [] : [`LOCK TABLE ${placesOf(changed)} IN ACCESS EXCLUSIVE MODE`]),
    ...(read.length === 0 ? [] : [`LOCK TABLE ${placesOf(read)} IN SHARE MODE`]),
  ],
  keepKeys: (index, _columns, query) => [`CREATE TEMP TABLE tenantry_kept_${index} ON COMMIT DROP AS ${query}`],
  kept: (index) => `pg_temp.tenantry_kept_${index}`,
  equals: 'OPERATOR(pg_catalog.=)',
  truncate: (tables) => `TRUNCATE TABLE ${placesOf(tables)}`,
  remove: removal,
  // Keys are checked, and cascade, when the whole statement is done.
  removeTogether: (parts) => {
    const [first, ...others] = parts
    if (first === undefined) return []
    if (others.length === 0) return [removal(first.table, first.condition)]
    const steps = others.map(({ table, condition }, i) => `d${i} AS (${removal(table, condition)})`)
    return [`WITH ${steps.join(', ')} ${removal(first.table, first.condition)}`]
  },
  // Unlike setval, it is undone with its transaction.
  setCounter: ({ place }, next) => `ALTER SEQUENCE ${place} RESTART WITH ${next}`,
  countersAre: 'in-transaction',
}
