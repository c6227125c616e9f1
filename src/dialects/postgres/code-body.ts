import { type ParsedStatement, scanSql, type Token } from './parse.ts'
import { branch, branches, readOptions, textOf, word } from './tree.ts'

/** The program text in a `DO` block or a function. */
export interface CodeBody {
  /** Lower case. */
  language: string
  text: string
}

/** null: the statement has no program text (a `BEGIN ATOMIC` body is part of the tree instead). */
export function readCodeBody(statement: Pick<ParsedStatement, 'type' | 'node'>): CodeBody | null {
  if (statement.type !== 'DoStmt' && statement.type !== 'CreateFunctionStmt') return null
  const options = readOptions(statement.node, statement.type === 'DoStmt' ? 'args' : 'options')
  const as = branch(options.get('as') ?? {}, 'arg')
  const text = textOf(as) ?? textOf(branches(branch(as, 'List'), 'items')[0] ?? {})
  if (text === null) return null
  const language = word(branch(branch(options.get('language') ?? {}, 'arg'), 'String'), 'sval')
  return { language: language?.toLowerCase() ?? 'plpgsql', text }
}

/** Tokens of a body without comments; empty when it is not SQL-like enough to be scanned. */
export function scanBody(text: string): Token[] {
  try {
    return scanSql(text).filter((token) => token.name !== 'SQL_COMMENT' && token.name !== 'C_COMMENT')
  } catch {
    return []
  }
}

const commandOpeners = new Set([';', 'BEGIN', 'THEN', 'ELSE', 'LOOP', '>>'])

/** Upper-case words from each place where a PL/pgSQL or SQL command begins, a few of them. */
export function* commandsIn(tokens: readonly Token[]): Generator<{ words: string[]; first: number }> {
  for (let i = 0; i < tokens.length; i++) {
    const before = tokens[i - 1]
    if (before && !commandOpeners.has(before.text.toUpperCase())) continue
    yield { words: tokens.slice(i, i + 8).map((token) => token.text.toUpperCase()), first: i }
  }
}

/** It holds COMMIT or ROLLBACK as a command of its own: fails inside a transaction block (2D000). */
export function bodyCommits({ language, text }: CodeBody): boolean {
  if (!/\b(commit|rollback)\b/i.test(text)) return false
  if (language !== 'plpgsql') return /\b(commit|rollback)\s*\(/i.test(text)
  for (const { words } of commandsIn(scanBody(text))) {
    if ((words[0] === 'COMMIT' || words[0] === 'ROLLBACK') && (words[1] === ';' || words[1] === 'AND')) return true
  }
  return false
}
