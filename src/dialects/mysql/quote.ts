/** The one place where MySQL identifiers and literals are quoted. */

/** Always quoted, so that case, keywords and every other character survive; backticks mean the same in every `sql_mode`. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new RangeError('an identifier cannot hold a NUL character')
  return `\`${name.replaceAll('`', '``')}\``
}

/**
 * A string constant that means the same in every `sql_mode` (a backslash is an ordinary character under
 * NO_BACKSLASH_ESCAPES) and under every `SET NAMES` of a migration: what is not plain ASCII is written in hexadecimal.
 */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('a text value cannot hold a NUL character')
  const isPlain = /^\p{ASCII}+$/u.test(value) && !value.includes('\\')
  if (isPlain || value === '') return `'${value.replaceAll("'", "''")}'`
  return `_utf8mb4 X'${Buffer.from(value, 'utf8').toString('hex')}'`
}
