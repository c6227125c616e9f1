import { keyExpression } from '../model/history.ts'
import type { TransactionGuard } from '../model/phrases.ts'

interface Words {
  quoteIdentifier(name: string): string
  quoteLiteral(text: string): string
  asText(expression: string): string
}

/**
 * A condition for rows of a history that say "applied" although the tool has rows that say something else, to be put behind
 * another one; '' where it has none. `keyed`: the condition on the key.
 */
export function notUndone(guard: TransactionGuard, table: string, keyed: string, words: Words): string {
  const { flag, order, kinds } = guard.history.shape
  const { quoteIdentifier: quote } = words
  if (kinds !== undefined) return lastCounts(guard, table, words)
  if (flag === undefined) return ''
  const column = quote(flag.column)
  if (flag.no !== 'undone') return ` AND NOT ${column}`
  const place = quote(order[0] ?? 'id')
  return ` AND ${column} AND ${place} > COALESCE((SELECT max(${place}) FROM ${table} WHERE ${keyed} AND NOT ${column}), 0)`
}

/** Of a row that its kind does not take back, and that no later one of its key takes back; of a repeated one the last. */
function lastCounts({ checksums, history: { shape } }: TransactionGuard, table: string, words: Words): string {
  const { quoteIdentifier: quote, quoteLiteral, asText } = words
  const { flag, kinds, order, checksum } = shape
  const place = quote(order[0] ?? 'id')
  const kind = asText(quote(kinds?.column ?? ''))
  const finished = flag === undefined ? '' : ` AND ${quote(flag.column)}`
  const taking = Object.entries(kinds?.states ?? {}).flatMap(([word, state]) =>
    state === 'undone' || state === 'gone' || state === 'aside' ? [quoteLiteral(word)] : [],
  )
  const counts = taking.length === 0 ? '' : ` AND ${kind} NOT IN (${taking.join(', ')})`
  const [outer, inner] = [`${table}.`, 'later.'].map((prefix) =>
    keyExpression(shape, (name) => prefix + quote(name), asText),
  )
  const ended = flag === undefined ? '' : ` AND later.${quote(flag.column)}`
  const later = `SELECT 1 FROM ${table} AS later WHERE ${inner} = ${outer} AND later.${place} > ${table}.${place}${ended}`
  const own =
    checksums === undefined || checksum === null
      ? ''
      : ` AND ${asText(quote(checksum))} IN (${checksums.map(quoteLiteral).join(', ')})`
  return `${finished}${counts} AND NOT EXISTS (${later})${own}`
}

/** The condition under which a history that is one mark stands where it is expected; null: it is not one. */
export function standsAt({ mark, history: { shape } }: TransactionGuard, table: string, words: Words): string | null {
  if (mark === undefined || shape.flag === undefined) return null
  const [key, flag] = [words.asText(words.quoteIdentifier(shape.key)), words.quoteIdentifier(shape.flag.column)]
  const row = (at: string, dirty: string) =>
    `EXISTS (SELECT 1 FROM ${table} WHERE ${key} = ${words.quoteLiteral(at)} AND ${dirty}${flag})`
  const clean = mark.at === null ? `NOT EXISTS (SELECT 1 FROM ${table})` : row(mark.at, 'NOT ')
  return mark.begun === null ? clean : `(${clean} OR ${row(mark.begun, '')})`
}
