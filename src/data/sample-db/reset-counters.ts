import type { EmptyingCounter } from '../../model/emptying.ts'
import type { CountedTable } from './count-tables.ts'
import type { SampleWork } from './sample-work.ts'

export interface CounterReset {
  counter: EmptyingCounter
  next: string
}

/**
 * Where the counters of tables that lost rows, or could, should go on: behind the last of the rows that stay, else where
 * they start. Those that are there already are left out. After the rows were removed. Throws `DatabaseError`.
 */
export async function findResets(work: SampleWork, counted: readonly CountedTable[]): Promise<CounterReset[]> {
  const { connection, emptying, target } = work
  const byId = new Map(counted.map((one) => [one.table.id, one]))
  const tables = counted.map(({ table }) => table)
  const counters = await emptying.counters(connection, target.placement.schema ?? null, tables)
  const resets: CounterReset[] = []
  for (const counter of counters) {
    const uses = counter.uses.map((use) => ({ ...use, one: byId.get(use.table) }))
    if (!uses.some(({ one }) => one !== undefined && one.action !== 'keep')) continue
    const left = uses.filter(({ one }) => one === undefined || one.table.isOutside || one.kept > 0)
    // What it gave to rows that stay cannot be read back from a text, and not from what is not ours.
    if (left.some(({ one, isNumber }) => one === undefined || one.table.isOutside || !isNumber)) continue
    const step = BigInt(counter.step)
    const lasts: bigint[] = []
    for (const { one, column } of left) {
      const extreme = `${step > 0n ? 'MAX' : 'MIN'}(${column})`
      const question = `SELECT ${work.dialect.phrases.asText(extreme)} AS last FROM ${one?.table.place}`
      const [row] = await connection.query(question)
      if (row?.last != null) lasts.push(BigInt(String(row.last).replace(/\..*$/, '')))
    }
    const start = BigInt(counter.start)
    const candidates = [start, ...lasts.map((last) => last + step)]
    const next = String(candidates.reduce((a, b) => ((step > 0n ? a > b : a < b) ? a : b)))
    if (next !== counter.next) resets.push({ counter, next })
  }
  return resets
}
