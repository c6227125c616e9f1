import { findNearest } from '../../config/problem.ts'
import type { SampleKeepRule } from '../../config/resolved.ts'
import type { EmptyingTable } from '../../model/emptying.ts'
import type { SampleTablePlan } from '../../model/sample-db.ts'

/** What is to become of one table. */
export interface ChosenTable {
  table: EmptyingTable
  action: SampleTablePlan['action']
  /** Which rows stay; null: all of them, or none. */
  rule: SampleKeepRule | null
  reason: SampleTablePlan['reason']
}

/** What is wrong with the list of tables that stay: one line each, for people. */
export interface KeepProblem {
  table: string
  message: string
}

/** Names of tables in which tools keep their own books. */
export interface Books {
  names: ReadonlySet<string>
  prefix: string
}

/** Every table's lot. A table that is listed and not there is a problem: the one that was meant would be emptied. */
export function chooseTables(
  tables: readonly EmptyingTable[],
  keep: readonly SampleKeepRule[],
  books: Books,
): { chosen: ChosenTable[]; problems: KeepProblem[] } {
  const problems: KeepProblem[] = []
  const rules = new Map<string, SampleKeepRule>()
  const own = tables.filter(({ isOutside }) => !isOutside)
  for (const rule of keep) {
    const table = findTable(own, rule.table)
    if (table === null) {
      const nearest = findNearest(
        rule.table,
        own.map(({ id }) => id),
      )
      const meant = nearest === null ? '' : `; did you mean \`${nearest}\`?`
      problems.push({ table: rule.table, message: `there is no such table${meant}` })
    } else if (rules.has(table.id)) problems.push({ table: rule.table, message: 'is listed twice' })
    else rules.set(table.id, rule)
  }
  const chosen = tables.map((table): ChosenTable => {
    const isBook = !table.isOutside && (books.names.has(table.name) || table.name.startsWith(books.prefix))
    if (table.isOutside || isBook) return { table, action: 'keep', rule: null, reason: isBook ? 'bookkeeping' : null }
    const rule = rules.get(table.id)
    if (rule === undefined) return { table, action: 'empty', rule: null, reason: null }
    const isWhole = rule.where === null && rule.limit === null
    return { table, action: isWhole ? 'keep' : 'reduce', rule: isWhole ? null : rule, reason: null }
  })
  for (const { table, action, rule } of chosen) {
    if (action !== 'keep' && table.obstacle !== null) problems.push({ table: table.id, message: table.obstacle })
    if (rule !== null && table.rowKey.length === 0)
      problems.push({ table: table.id, message: 'has no key that tells its rows apart, so that only some could stay' })
  }
  return { chosen, problems }
}

/** By its name as it is, else by the only one that differs in case. */
function findTable(tables: readonly EmptyingTable[], name: string): EmptyingTable | null {
  const exact = tables.find(({ id }) => id === name)
  if (exact !== undefined) return exact
  const folded = tables.filter(({ id }) => id.toLowerCase() === name.toLowerCase())
  return folded.length === 1 ? (folded[0] as EmptyingTable) : null
}
