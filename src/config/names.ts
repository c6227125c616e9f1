import type { DialectName } from '../model/server.ts'

/** Longest identifier: PostgreSQL cuts off after 63 bytes, which would make two names one. */
const longestNameBytes = 63

/**
 * Why a server would not take this as the name of a database or schema (or we as a slug); null: it is fine.
 * Quotes, spaces, capitals and emoji are fine: names are always quoted.
 */
export function checkName(
  name: string,
  kind: 'slug' | 'database' | 'schema',
  dialect: DialectName | null,
): string | null {
  if (name === '') return 'is empty'
  const bytes = Buffer.byteLength(name)
  // Paths of SQLite files are long, and no server cuts them off.
  const isPath = kind === 'database' && dialect === 'sqlite'
  if (bytes > longestNameBytes && !isPath) return `is ${bytes} bytes long; the limit is ${longestNameBytes}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) return 'holds a control character'
  if (!isWellFormed(name)) return 'holds half a character (a lone surrogate)'
  if (kind === 'schema' && (/^pg_/i.test(name) || name === 'information_schema'))
    return 'is a schema of the server itself'
  return null
}

/** Dialects in which a database holds schemas. */
export const schemaDialects: ReadonlySet<DialectName> = new Set(['postgres'])

function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text
}
