import type { HistoryShape } from '../model/history.ts'

/**
 * A condition for rows of a history that no later row takes back, to be put behind another one; '' where the tool has no
 * such rows. `keyed`: the condition on the key.
 */
export function notUndone(
  { flag, order }: HistoryShape,
  table: string,
  keyed: string,
  quoteIdentifier: (name: string) => string,
): string {
  if (flag?.no !== 'undone') return ''
  const [column, place] = [quoteIdentifier(flag.column), quoteIdentifier(order[0] ?? 'id')]
  return ` AND ${column} AND ${place} > COALESCE((SELECT max(${place}) FROM ${table} WHERE ${keyed} AND NOT ${column}), 0)`
}
