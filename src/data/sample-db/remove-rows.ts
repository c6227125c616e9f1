import { TenantryError } from '../../model/errors.ts'
import { type CountedTable, countRows, isKept } from './count-tables.ts'
import { orderRemoval } from './order-removal.ts'
import { type SampleWork, send } from './sample-work.ts'

/** Triggers may fill tables again while others are emptied. */
const mostRounds = 3

/**
 * Takes away every row that does not stay, in the open transaction. What a trigger puts back is taken away, too; where it
 * cannot be, nothing is done at all. Throws `DatabaseError`, SAMPLE_FAILED.
 */
export async function removeRows(work: SampleWork, counted: readonly CountedTable[]): Promise<void> {
  let left = counted.filter(({ rows, kept }) => rows > kept)
  const changeable = counted.filter(({ action }) => action !== 'keep')
  for (let round = 0; left.length > 0; round++) {
    if (round === mostRounds) throw putBack(work, left)
    await send(work, statementsFor(work, counted, left))
    const counts = await countRows(
      work,
      changeable.map(({ table }) => table),
      null,
    )
    left = changeable.filter(({ kept }, i) => counts[i] !== kept)
  }
}

function statementsFor(work: SampleWork, counted: readonly CountedTable[], left: readonly CountedTable[]): string[] {
  const { emptying } = work
  const truncated = emptying.truncate === undefined ? [] : chooseTruncated(counted, left)
  const rest = left.filter((one) => !truncated.includes(one))
  const byId = new Map(rest.map((one) => [one.table.id, one]))
  const conditionOf = (one: CountedTable) => (one.keptIndex === null ? null : `NOT ${isKept(emptying, one, 'x')}`)
  const removals = orderRemoval(rest.map(({ table }) => table)).flatMap(({ tables, isCircle }) => {
    const parts = tables.map((table) => ({ table, condition: conditionOf(byId.get(table.id) as CountedTable) }))
    return isCircle
      ? emptying.removeTogether(parts)
      : parts.map(({ table, condition }) => emptying.remove(table, condition))
  })
  const all = truncated.map(({ table }) => table)
  return [...(all.length === 0 ? [] : [emptying.truncate?.(all) ?? '']), ...removals]
}

/** Those that are emptied and that nothing points to which stays, with the empty ones that point to them. */
function chooseTruncated(counted: readonly CountedTable[], left: readonly CountedTable[]): CountedTable[] {
  const pointing = new Map<string, CountedTable[]>()
  for (const one of counted) for (const { to } of one.table.keys) pointing.set(to, [...(pointing.get(to) ?? []), one])
  const may = new Set(counted.filter(({ action, table }) => action === 'empty' && !table.isOutside))
  for (let size = -1; size !== may.size; ) {
    size = may.size
    for (const one of may) if ((pointing.get(one.table.id) ?? []).some((other) => !may.has(other))) may.delete(one)
  }
  const chosen = new Set(left.filter((one) => may.has(one)))
  // A set grows while it is walked over, and the walk goes on with what was added.
  for (const one of chosen) for (const other of pointing.get(one.table.id) ?? []) chosen.add(other)
  return [...chosen]
}

function putBack({ target }: SampleWork, left: readonly CountedTable[]): TenantryError {
  const names = left.map(({ table }) => table.id)
  return new TenantryError(
    'SAMPLE_FAILED',
    `${target.name} was left as it was: rows that were removed from ${names.join(', ')} were there again, or too many were gone.`,
    {
      hint: 'A trigger or a rule of these tables, or of tables that they belong to, does that: disable it for the reset.',
      context: { target: target.name, tables: names },
    },
  )
}
