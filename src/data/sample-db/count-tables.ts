import { DatabaseError } from '../../model/dialect.ts'
import type { Emptying, EmptyingTable } from '../../model/emptying.ts'
import type { ChosenTable, KeepProblem } from './choose-tables.ts'
import { type SampleWork, send } from './sample-work.ts'

/** A table with what it holds. */
export interface CountedTable extends ChosenTable {
  rows: number
  more: boolean
  kept: number
  /** Number of the temporary table with the rows that stay; null: all of them, or none. */
  keptIndex: number | null
}

const tablesAtOnce = 100

/** Row counts, in the order of the tables. `most`: counting ends there; null: it is exact. */
export async function countRows(
  { connection }: Pick<SampleWork, 'connection'>,
  tables: readonly EmptyingTable[],
  most: number | null,
): Promise<number[]> {
  const counts: number[] = []
  for (let start = 0; start < tables.length; start += tablesAtOnce) {
    const parts = tables.slice(start, start + tablesAtOnce).map(({ place }, i) => {
      const from = most === null ? place : `(SELECT 1 AS one FROM ${place} LIMIT ${most}) AS c`
      return `SELECT ${i} AS i, COUNT(*) AS n FROM ${from}`
    })
    for (const row of await connection.query(parts.join(' UNION ALL '))) counts[start + Number(row.i)] = Number(row.n)
  }
  return counts
}

/**
 * Counts every table, and sets the rows aside that stay of those that are kept in part: by what `where` says now, before
 * anything is removed. In the transaction. `most`: where counting ends. Throws `DatabaseError`.
 */
export async function countTables(
  work: SampleWork,
  chosen: readonly ChosenTable[],
  most: number | null,
): Promise<{ counted: CountedTable[]; problem: KeepProblem | null }> {
  const { connection, emptying } = work
  const own = chosen.filter(({ table }) => !table.isOutside)
  const counts = await countRows(
    work,
    own.map(({ table }) => table),
    most === null ? null : most + 1,
  )
  const counted: CountedTable[] = []
  let index = 0
  for (const one of chosen) {
    const rows = counts[own.indexOf(one)] ?? 0
    const more = most !== null && rows > most
    const whole = { ...one, rows, more, kept: one.action === 'keep' ? rows : 0, keptIndex: null }
    if (one.rule === null) {
      counted.push(whole)
      continue
    }
    const keptIndex = index++
    try {
      await send(work, emptying.keepKeys(keptIndex, one.table.rowKey.length, keptQuery(one)))
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.kind !== 'statement') throw error
      return { counted: [], problem: { table: one.table.id, message: error.failure.message } }
    }
    const [row] = await connection.query(`SELECT COUNT(*) AS n FROM ${emptying.kept(keptIndex, 'child')}`)
    counted.push({ ...whole, kept: Number(row?.n), keptIndex })
  }
  return { counted, problem: null }
}

/** Keys of the rows that stay. What is equal by `orderBy` is ordered by its key, so that it is the same every time. */
function keptQuery({ table: { place, rowKey }, rule }: ChosenTable): string {
  const columns = rowKey.map((column, i) => `${column} AS k${i}`).join(', ')
  // A line's end, since a condition may end in a comment.
  const where = rule?.where == null ? '' : ` WHERE (${rule.where}\n)`
  const order = [...(rule?.orderBy == null ? [] : [`${rule.orderBy}\n`]), ...rowKey].join(', ')
  const limit = rule?.limit == null ? '' : ` ORDER BY ${order} LIMIT ${rule.limit}`
  return `SELECT ${columns} FROM ${place}${where}${limit}`
}

/** Condition: the row of alias `row` is one that stays. */
export function isKept(emptying: Emptying, { keptIndex, table }: CountedTable, row: string): string {
  const same = table.rowKey.map((column, i) => `k.k${i} ${emptying.equals} ${row}.${column}`).join(' AND ')
  return `EXISTS (SELECT 1 FROM ${emptying.kept(keptIndex as number, 'parent')} AS k WHERE ${same})`
}
