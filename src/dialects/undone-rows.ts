import type { TransactionGuard } from '../model/dialect.ts'
import type { HistoryShape } from '../model/history.ts'

type Quote = (name: string) => string

/**
 * A condition for rows of a history that say "applied" although the tool has rows that say something else, to be put behind
 * another one; '' where it has none. `keyed`: the condition on the key.
 */
export function notUndone({ flag, order }: HistoryShape, table: string, keyed: string, quote: Quote): string {
  if (flag === undefined) return ''
  const column = quote(flag.column)
  if (flag.no !== 'undone') return ` AND NOT ${column}`
  const place = quote(order[0] ?? 'id')
  return ` AND ${column} AND ${place} > COALESCE((SELECT max(${place}) FROM ${table} WHERE ${keyed} AND NOT ${column}), 0)`
}

/** The condition under which a history that is one mark stands where it is expected; null: it is not one. */
export function standsAt(
  { mark, history: { shape } }: TransactionGuard,
  table: string,
  words: { quoteIdentifier: Quote; quoteLiteral: Quote; asText: Quote },
): string | null {
  if (mark === undefined || shape.flag === undefined) return null
  const [key, flag] = [words.asText(words.quoteIdentifier(shape.key)), words.quoteIdentifier(shape.flag.column)]
  const row = (at: string, dirty: string) =>
    `EXISTS (SELECT 1 FROM ${table} WHERE ${key} = ${words.quoteLiteral(at)} AND ${dirty}${flag})`
  const clean = mark.at === null ? `NOT EXISTS (SELECT 1 FROM ${table})` : row(mark.at, 'NOT ')
  return mark.begun === null ? clean : `(${clean} OR ${row(mark.begun, '')})`
}
