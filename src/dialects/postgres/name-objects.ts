import { parsePlPgSQLSync } from 'libpg-query'
import type { ObjectName, StatementNames } from '../../model/named-objects.ts'
import { collectMade } from './names-made.ts'
import { collectNamed, type Found, localName, readDotted } from './names-used.ts'
import { loadParser, parseSql } from './parse.ts'
import { branch, branches, textOf, walk, word } from './tree.ts'

/** What a statement makes, drops and names, bodies of functions and DO blocks included. */
export async function nameObjects(text: string, schema: string | null): Promise<StatementNames> {
  await loadParser()
  const found: Found = { own: schema ?? 'public', makes: [], drops: [], renames: [], names: [], columns: [] }
  collectText(found, text)
  const { makes, drops, renames, names, columns } = found
  return { makes, drops, renames, names: unique(names), columns }
}

function collectText(found: Found, text: string): void {
  let statements: ReturnType<typeof parseSql>['statements']
  let bytes: Buffer
  try {
    ;({ statements, bytes } = parseSql(text))
  } catch {
    return // PL/pgSQL's own words, a text with placeholders, or a newer grammar: nothing can be known of it
  }
  for (const { type, node, start, end } of statements) {
    collectNamed(found, { type, node })
    collectMade(found, { type, node })
    if (type === 'DoStmt' || type === 'CreateFunctionStmt') {
      collectBody(found, node, type === 'DoStmt', bytes.subarray(start, end).toString('utf8'))
    }
  }
}

/** What a function's body makes is made when it is called: only a block's is made now. */
function collectBody(found: Found, node: Record<string, unknown>, isBlock: boolean, text: string): void {
  const options = branches(node, isBlock ? 'args' : 'options').map((item) => branch(item, 'DefElem'))
  const option = (name: string) => branch(options.find((one) => word(one, 'defname') === name) ?? {}, 'arg')
  const language = (textOf(option('language')) ?? (isBlock ? 'plpgsql' : '')).toLowerCase()
  const into: Found = isBlock ? found : { ...found, makes: [], drops: [], renames: [] }
  if (language === 'sql') {
    const body = branches(branch(option('as'), 'List'), 'items').map(textOf)[0] ?? textOf(option('as'))
    if (body != null) collectText(into, body)
  }
  if (language === 'plpgsql') collectProgram(into, text)
}

function collectProgram(found: Found, text: string): void {
  let program: unknown
  try {
    program = parsePlPgSQLSync(text)
  } catch {
    return
  }
  for (const { type, node } of walk(program)) {
    if (type === 'PLpgSQL_type') collectRowType(found, word(node, 'typname') ?? '')
    if (type === 'PLpgSQL_expr') collectExpression(found, word(node, 'query') ?? '', Number(node.parseMode ?? 0))
    if (type === 'PLpgSQL_stmt_dynexecute') {
      const built = word(branch(branch(node, 'query'), 'PLpgSQL_expr'), 'query') ?? ''
      const literal = /^\s*'((?:[^']|'')*)'\s*$/.exec(built)?.[1]
      if (literal !== undefined) collectText(found, literal.replaceAll("''", "'"))
    }
  }
}

/** Source of the modes: `RawParseMode` in parser.h (0 statements, 1 a type, 2 an expression, 3–5 assignments). */
function collectExpression(found: Found, query: string, mode: number): void {
  if (mode === 0) collectText(found, query)
  else if (mode === 2) collectText(found, `SELECT ${query}`)
  else if (mode > 2) collectText(found, `SELECT ${query.replace(/^[^:=]*:?=/, '')}`)
}

/** `users%rowtype`, `users.email%type`, `status`. */
function collectRowType(found: Found, typname: string): void {
  const row = /^(.*)%(rowtype|type)$/i.exec(typname)
  const name = readDotted(row?.[1] ?? typname)
  if (name.length === 0) return
  if (row?.[2]?.toLowerCase() !== 'type') found.names.push({ kind: 'type', name: localName(found, name) })
  else if (name.length > 1) {
    const table = localName(found, name.slice(0, -1))
    found.names.push({ kind: 'relation', name: table }, { kind: 'column', table, name: name.at(-1) as string })
  }
}

function unique(names: readonly ObjectName[]): ObjectName[] {
  return [...new Map(names.map((name) => [JSON.stringify(name), name])).values()]
}
