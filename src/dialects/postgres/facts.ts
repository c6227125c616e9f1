import { setImmediate } from 'node:timers/promises'
import type {
  FactsFile,
  FactsRequest,
  FileFacts,
  StatementFact,
  StatementFacts,
  StatementReader,
} from '../../model/statement-facts.ts'
import { placeComments } from '../directive-comments.ts'
import { collectOwnObjects } from './adapt.ts'
import { judgeStatement, readControl } from './classify.ts'
import { findEnumTraps } from './enum-trap.ts'
import type { AlterContext } from './facts-alter.ts'
import { keepsRows } from './facts-columns.ts'
import { findPublicNames, type PublicName } from './facts-names.ts'
import { readSessionFacts } from './facts-session.ts'
import { readStatementFacts } from './facts-statement.ts'
import { readWithin } from './facts-within.ts'
import { outlineSql } from './outline.ts'
import type { OwnObjects } from './own-objects.ts'
import { loadParser, type ParsedSql, type ParsedStatement, parseFile, SqlSyntaxError } from './parse.ts'
import { readSource, type Source, sliceSource } from './render.ts'
import { nameStatement } from './statement-kind.ts'

type Read = { file: FactsFile; sql: ParsedSql } | { file: FactsFile; text: string; error: SqlSyntaxError }

const withoutMark = (text: string) => (text.startsWith('\uFEFF') ? text.slice(1) : text)

function readTree(file: FactsFile): Read {
  const text = withoutMark(file.text)
  try {
    return { file, sql: parseFile(text) }
  } catch (error) {
    if (error instanceof SqlSyntaxError) return { file, text, error }
    throw error
  }
}

/** String offset of a byte offset. */
function stringOffset(source: Source, byte: number): number {
  return source.plain ? byte : source.bytes.toString('utf8', 0, byte).length
}

function readComments(
  text: string,
  source: Source | null,
  statements: readonly ParsedStatement[],
): FileFacts['comments'] {
  if (!text.includes('tenantry:')) return []
  const lines = source ?? readSource({ text, bytes: Buffer.from(text) })
  const comments = outlineSql(text)
    .comments.filter((comment) => comment.text.includes('tenantry:'))
    .map((comment) => ({
      text: comment.text,
      start: comment.offset,
      end: comment.offset + comment.text.length,
      ...lines.lines.place(Buffer.byteLength(text.slice(0, comment.offset))),
    }))
  const ranges = statements.map(({ start, end }, i) => ({
    index: i + 1,
    start: stringOffset(lines, start),
    end: stringOffset(lines, end),
  }))
  return placeComments(text, comments, ranges)
}

/** Why rules cannot see all that a statement does; null: they can. */
function whyUnread({ type }: ParsedStatement, text: string): string | null {
  if (type === 'DoStmt') return 'what a DO block does is its program'
  if (type === 'CallStmt') return 'what CALL does is the program of the procedure'
  if (type === 'ExecuteStmt') return 'what EXECUTE does stands in another statement'
  return type === 'SelectStmt' && /\b(query_to_xml|dblink|dblink_exec)\s*\(/i.test(text)
    ? 'a function runs statements of its own'
    : null
}

function readFile(
  { file, sql }: { file: FactsFile; sql: ParsedSql },
  own: OwnObjects | null,
  request: FactsRequest,
): FileFacts {
  const source = readSource(sql)
  const place = (offset: number) => source.lines.place(offset)
  const slice = (start: number, end: number) => sliceSource(source, start, end)
  const textOf = ({ start, end }: ParsedStatement) => slice(start, end)
  const session = readSessionFacts(sql.statements, textOf)
  const names = own === null ? [] : findPublicNames(sql, own, file, request)
  const tenantColumns = new Set(request.tenantColumns)
  const traps = findEnumTraps(sql.statements)
  const statements = sql.statements.map((statement, position): StatementFacts => {
    const { start, end } = statement
    const context: AlterContext = { slice, place, start, end }
    const text = textOf(statement)
    const labels = traps.filter(({ used }) => used === position)
    const facts: StatementFact[] = [
      ...readStatementFacts(statement, context),
      ...readWithin(statement, tenantColumns, place),
      ...(session.get(position) ?? []),
      ...labels.map(({ label, added }): StatementFact => ({ kind: 'use-new-enum-label', label, addedAt: added + 1 })),
      ...namesWithin(names, start, end).map(({ offset, fact }) => ({ ...fact, at: place(offset) })),
    ]
    const kind = nameStatement(statement, text)
    return { index: position + 1, kind, ...place(start), facts, unread: whyUnread(statement, text) }
  })
  const isCut = sql.statements.some(
    (statement) => judgeStatement(statement).verdict !== 'allowed' || readControl(statement) !== null,
  )
  return {
    statements,
    comments: readComments(sql.text, source, sql.statements),
    oneTransaction: !isCut && !sql.text.includes('tenantry:no-transaction'),
    syntaxError: null,
  }
}

function namesWithin(names: readonly PublicName[], start: number, end: number): PublicName[] {
  return names.filter(({ offset }) => offset >= start && offset < end)
}

function readUnparsed(text: string, { message, line, column }: SqlSyntaxError): FileFacts {
  return {
    statements: [],
    comments: readComments(text, null, []),
    oneTransaction: false,
    syntaxError: { message, line, column },
  }
}

/** Files between two moments in which others may run. */
const batch = 50

/** PostgreSQL's statements as facts, read with its own grammar. */
export const facts: StatementReader = {
  grammar: "PostgreSQL 18's grammar",
  companion: 'squawk-cli',
  keepsRows,
  async read(files, request) {
    await loadParser()
    const read: Read[] = []
    for (const file of files) {
      read.push(readTree(file))
      if (read.length % batch === 0) await setImmediate()
    }
    const parsed = read.flatMap((one) => ('sql' in one && one.file.direction === 'up' ? [one.sql] : []))
    const own = request.schemaTargets ? collectOwnObjects(parsed) : null
    const facts: FileFacts[] = []
    for (const one of read) {
      facts.push('sql' in one ? readFile(one, own, request) : readUnparsed(one.text, one.error))
      if (facts.length % batch === 0) await setImmediate()
    }
    return facts
  },
}
