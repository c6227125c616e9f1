/** The one place where SQLite identifiers and literals are quoted. */

/** Always quoted, so that keywords and every other character survive. SQLite does not tell case apart, quoted or not. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new RangeError('an identifier cannot hold a NUL character')
  return `"${name.replaceAll('"', '""')}"`
}

/** A string constant. A backslash is an ordinary character. */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('a text value cannot hold a NUL character')
  return `'${value.replaceAll("'", "''")}'`
}
