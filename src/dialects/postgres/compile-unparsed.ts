import { createHash } from 'node:crypto'
import type { CompileOptions } from '../../model/dialect.ts'
import type { Script } from '../../model/script.ts'
import { startsWithNoTransaction } from './directives.ts'
import { outlineSql } from './outline.ts'
import type { SqlSyntaxError } from './parse.ts'
import { type Finding, refuseUnparsed } from './refuse.ts'
import { makeStatement, readSource } from './render.ts'
import { guessTraces } from './session-leaks.ts'

/** Everything of a script but where it comes from, with findings that do not name their file yet. */
export type ScriptParts = Omit<Script, 'migration' | 'direction' | 'file' | 'notices' | 'problems'> & {
  notices: readonly Finding[]
  problems: readonly Finding[]
}

/** Does a text, comments aside, name something in `public`? */
export function mentionsPublic(text: string): boolean {
  const named = /\bpublic"?\s*\./i
  return named.test(text) && named.test(outlineSql(text, 'strings').code)
}

function needsAdaptation(text: string): boolean {
  const extension = /\bcreate\s+extension\b/i
  return mentionsPublic(text) || (extension.test(text) && extension.test(outlineSql(text).code))
}

/**
 * A file that the parser does not know the grammar of: sent as a whole, since the server may be newer. It is refused
 * where it can never run, and where its names would have to be adapted.
 */
export function compileUnparsed(text: string, error: SqlSyntaxError, options: CompileOptions): ScriptParts {
  const { line, column } = error
  const bytes = Buffer.from(text, 'utf8')
  const refused = refuseUnparsed(text, { line, column })
  const where = `${error.message} (line ${line}, column ${column})`
  const problems: Finding[] = [...refused]
  const notices: Finding[] = []
  if (refused.length === 0 && options.schemaTargets && needsAdaptation(text)) {
    problems.push({
      rule: 'does-not-parse',
      message: `its names cannot be adapted to a schema, since PostgreSQL's grammar does not take it: ${where}`,
      hint: 'fix the file; if only a newer server knows this syntax, write names without "public."',
      line,
      column,
    })
  } else if (refused.length === 0) {
    notices.push({
      rule: 'does-not-parse',
      message: `PostgreSQL 18's grammar does not take it: ${where}; it is sent as one message, so it cannot be resumed`,
      hint: 'fix the file, unless the server is newer',
      line,
      column,
    })
  }
  const excerpt = { index: 1, kind: 'SQL', start: 0, end: bytes.length, edits: [] }
  const statement = makeStatement(readSource({ text, bytes }), excerpt)
  const asks = startsWithNoTransaction(text) ? ', which the file also asks for' : ''
  return {
    mode: 'steps',
    reason: `as one message: it does not parse${asks}`,
    segments: [{ kind: 'unparsed', statements: [statement], settings: [], exclusive: false }],
    statementCount: 1,
    prefixHash: (statements) =>
      createHash('sha256')
        .update(statements > 0 ? text : '')
        .digest('hex'),
    ...guessTraces(text),
    destructive: [],
    extensions: [],
    notices,
    problems,
  }
}
