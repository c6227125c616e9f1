import { resetMark } from './phrases.ts'

/** Statements that travel together. */
export interface Message {
  /** Index of the first one. */
  from: number
  statements: readonly string[]
  /** COM_RESET_CONNECTION instead of a text. */
  isReset: boolean
}

/** Smallest `max_allowed_packet` that a server is likely to have (MySQL before 5.6 had 1 MB); more is asked for. */
export const safeMessageBytes = 512 * 1024

const separator = '\n;\n'

/**
 * Each of these answers with exactly one result, so that results tell how many statements are done. What may give
 * several (CALL, EXECUTE, compound statements) or is not known (a versioned comment) travels alone.
 */
const oneResult =
  /^(?:\s|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?![!M])[\s\S]*?\*\/)*(?:ALTER|ANALYZE|COMMIT|CREATE|DELETE|DO|DROP|GRANT|INSERT|OPTIMIZE|RELEASE\s+SAVEPOINT|RENAME|REPLACE|REVOKE|ROLLBACK|SAVEPOINT|SELECT|SET|START\s+TRANSACTION|TRUNCATE|UPDATE|USE)\b/i

/** Deals statements into messages, none longer than the limit unless a single statement is. */
export function dealMessages(statements: readonly string[], maxBytes: number): Message[] {
  const messages: { from: number; statements: string[]; isReset: boolean; bytes: number; isClosed: boolean }[] = []
  statements.forEach((text, index) => {
    const isReset = text === resetMark
    const isAlone = isReset || !oneResult.test(text)
    const bytes = Buffer.byteLength(text) + separator.length
    const last = messages.at(-1)
    if (last !== undefined && !last.isClosed && !isAlone && last.bytes + bytes <= maxBytes) {
      last.statements.push(text)
      last.bytes += bytes
    } else messages.push({ from: index, statements: [text], isReset, bytes, isClosed: isAlone })
  })
  return messages
}

/** One text. A line break before the separator ends what a statement may end in: a comment up to the end of the line. */
export function joinStatements(statements: readonly string[]): string {
  return statements.join(separator)
}
