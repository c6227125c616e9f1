/** The one place where PostgreSQL identifiers and literals are quoted. */

/** Always quoted, so that case, keywords and every other character survive. Source: PostgreSQL manual 4.1.1. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new RangeError('an identifier cannot hold a NUL character')
  return `"${name.replaceAll('"', '""')}"`
}

/** A string constant that means the same with `standard_conforming_strings` on and off. */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('a text value cannot hold a NUL character')
  const quoted = value.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}
