import { loadModule, parseSync, scanSync } from 'libpg-query'

/** One token of PostgreSQL's own scanner. Offsets are UTF-8 bytes. */
export interface Token {
  text: string
  start: number
  end: number
  /** `SCONST`, `IDENT`, `SQL_COMMENT`, …; `UNKNOWN` for some keywords and punctuation: rely on `text`. */
  name: string
}

export interface ParsedStatement {
  /** The libpg-query node's only key (`CreateStmt`) and what is under it. */
  type: string
  node: Record<string, unknown>
  /** Bytes of the file, without the closing semicolon and without leading comments. */
  start: number
  end: number
}

/** A file as PostgreSQL reads it. */
export interface ParsedSql {
  text: string
  /** UTF-8 of `text`; every offset is into this. */
  bytes: Buffer
  statements: readonly ParsedStatement[]
}

/** What the parser refuses. */
export class SqlSyntaxError extends Error {
  override readonly name = 'SqlSyntaxError'
  readonly line: number
  readonly column: number

  constructor(message: string, line: number, column: number) {
    super(message)
    this.line = line
    this.column = column
  }
}

/** Loads the parser (about 20 ms, once). Call before anything else here. */
export async function loadParser(): Promise<void> {
  await loadModule()
}

/** 1-based line and column (in characters) of a code point offset. */
export function lineAndColumn(text: string, codePoints: number): { line: number; column: number } {
  let line = 1
  let column = 1
  let left = codePoints
  for (const character of text) {
    if (left-- <= 0) break
    if (character === '\n') {
      line++
      column = 1
    } else column++
  }
  return { line, column }
}

/** 1-based line and column of a byte offset. */
export function placeOfByte(sql: Pick<ParsedSql, 'bytes'>, offset: number): { line: number; column: number } {
  const before = sql.bytes.subarray(0, offset)
  let line = 1
  let lineStart = 0
  for (let i = before.indexOf(10); i !== -1; i = before.indexOf(10, i + 1)) {
    line++
    lineStart = i + 1
  }
  return { line, column: [...before.subarray(lineStart).toString('utf8')].length + 1 }
}

/** Parses a file with PostgreSQL's grammar. Throws {@link SqlSyntaxError}. */
export function parseSql(text: string): ParsedSql {
  const bytes = Buffer.from(text, 'utf8')
  // The binding takes an empty text for a mistake; to PostgreSQL it is a file without statements.
  if (text.trim() === '') return { text, bytes, statements: [] }
  let result: ReturnType<typeof parseSync>
  try {
    result = parseSync(text)
  } catch (error) {
    const details = (error as { sqlDetails?: { cursorPosition?: number; message?: string } }).sqlDetails
    const { line, column } = lineAndColumn(text, details?.cursorPosition ?? 0)
    throw new SqlSyntaxError(details?.message ?? (error as Error).message, line, column)
  }
  const statements = (result.stmts ?? []).map(({ stmt, stmt_location, stmt_len }): ParsedStatement => {
    const type = Object.keys(stmt ?? {})[0] ?? 'Unknown'
    const start = stmt_location ?? 0
    return {
      type,
      node: (stmt as unknown as Record<string, Record<string, unknown>>)[type] ?? {},
      start,
      end: stmt_len ? start + stmt_len : bytes.length,
    }
  })
  return { text, bytes, statements }
}

const parsed = new Map<string, WeakRef<ParsedSql>>()
const forgotten = new FinalizationRegistry<string>((text) => {
  if (parsed.get(text)?.deref() === undefined) parsed.delete(text)
})

/**
 * {@link parseSql}, for files that several readers want: the tree is there as long as one of them holds it, or until
 * memory is needed. Nobody may change it.
 */
export function parseFile(text: string): ParsedSql {
  const known = parsed.get(text)?.deref()
  if (known !== undefined) return known
  const sql = parseSql(text)
  parsed.set(text, new WeakRef(sql))
  forgotten.register(sql, text)
  return sql
}

/** Tokens of a text, comments included. Throws when the scanner itself fails (an open quote). */
export function scanSql(text: string): Token[] {
  return (scanSync(text).tokens ?? []).map(({ text: tokenText, start, end, tokenName }) => ({
    text: tokenText,
    start,
    end,
    name: tokenName,
  }))
}
