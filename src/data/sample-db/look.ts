import type { ErrorDocument } from '../../model/errors.ts'
import type { SampleBrokenKey, SampleTablePlan } from '../../model/sample-db.ts'
import { chooseTables } from './choose-tables.ts'
import { type CountedTable, countTables } from './count-tables.ts'
import { brokenKeysError, noTables, wrongKeep } from './describe-sample.ts'
import { findBrokenKeys } from './find-broken-keys.ts'
import { type SampleWork, send } from './sample-work.ts'

export interface SampleLook {
  counted: readonly CountedTable[]
  plan: SampleTablePlan[]
  brokenKeys: SampleBrokenKey[]
  /** Rows of the whole target, as far as they were counted. */
  rows: number
  /** Why nothing may be removed; null: it may. */
  error: ErrorDocument | null
}

/**
 * What would become of each table, with its rows, and what is in the way. In a transaction. Throws `DatabaseError`.
 *
 * @param most where the counting of a table ends; null: it is exact
 * @param mode `empty`: from here on nobody else changes what is looked at
 */
export async function lookAtTables(work: SampleWork, most: number | null, mode: 'look' | 'empty'): Promise<SampleLook> {
  const { connection, emptying, target, rules, books } = work
  const tables = await emptying.tables(connection, target.placement.schema ?? null)
  const nothing = { counted: [], plan: [], brokenKeys: [], rows: 0 }
  if (!tables.some(({ isOutside }) => !isOutside)) return { ...nothing, error: noTables(target) }
  const { chosen, problems } = chooseTables(tables, rules.keep ?? [], books)
  if (problems.length > 0) return { ...nothing, error: wrongKeep(target, problems) }
  if (mode === 'empty') {
    const changed = chosen.filter(({ action }) => action !== 'keep').map(({ table }) => table)
    const ids = new Set(changed.map(({ id }) => id))
    const read = tables.filter(
      ({ id, isOutside, keys }) => !ids.has(id) && !isOutside && keys.some(({ to }) => ids.has(to)),
    )
    await send(work, emptying.lock(changed, read))
  }
  const { counted, problem } = await countTables(work, chosen, most)
  if (problem !== null) return { ...nothing, error: wrongKeep(target, [problem]) }
  const own = counted.filter(({ table }) => !table.isOutside)
  const plan = own.map(
    ({ table, action, rows, more, kept, reason }): SampleTablePlan => ({
      ...{ table: table.id, action, rows, kept, reason },
      ...(more && { more: true as const }),
    }),
  )
  const rows = own.reduce((sum, one) => sum + (one.reason === null ? one.rows : 0), 0)
  const brokenKeys = await findBrokenKeys(work, counted)
  const error = brokenKeys.length === 0 ? null : brokenKeysError(target, brokenKeys)
  return { counted, plan, brokenKeys, rows, error }
}
