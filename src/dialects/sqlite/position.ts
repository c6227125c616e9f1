import type { DatabaseFailure } from '../../model/dialect.ts'
import type { Handle } from './driver.ts'
import { nameOf, wordsOf } from './words.ts'

/**
 * Where in a statement the error is, as a 1-based code point; null: it cannot be told. The drivers do not pass on what
 * SQLite knows of it, but a message names the word: where that is in the text once, there it is. Of several, a syntax
 * error is at the first one up to which the text is refused with the same message.
 * @param handle null: nobody can be asked that
 */
export function findPosition(
  handle: Handle | null,
  text: string,
  { sqlstate, message }: DatabaseFailure,
): number | null {
  if (!sqlstate?.startsWith('42')) return null
  const near =
    /^near "([\s\S]*)": syntax error/.exec(message)?.[1] ?? /^unrecognized token: "([\s\S]*)"/.exec(message)?.[1]
  const name = near ?? /^no such (?:\w+ )*\w+: (?:.*\.)?(\S+)/.exec(message)?.[1]
  if (name === undefined) return null
  const fold = (word: string) => word.toLowerCase()
  const found = wordsOf(text).filter((word) => word.text === name || fold(nameOf(word)) === fold(name))
  const place =
    found.length > 1 && near !== undefined && handle !== null
      ? found.find(({ end }) => refusesSo(handle, text.slice(0, end), message))
      : found[0]
  if (place === undefined || (found.length > 1 && (near === undefined || handle === null))) return null
  return [...text.slice(0, place.start)].length + 1
}

/** Prepared, never carried out: what does not parse cannot be. */
function refusesSo(handle: Handle, text: string, message: string): boolean {
  try {
    handle.all(`EXPLAIN ${text}`, [])
    return false
  } catch (error) {
    return error instanceof Error && error.message === message
  }
}
