import { createHash } from 'node:crypto'
import type { CompileOptions } from '../../model/dialect.ts'
import type { Script } from '../../model/script.ts'
import { type Adaptation, adaptFile } from './adapt.ts'
import { buildSegments, type Item } from './build-segments.ts'
import { judgeStatement, readControl } from './classify.ts'
import { compileUnparsed, mentionsPublic, type ScriptParts } from './compile-unparsed.ts'
import { findDestructive } from './destructive.ts'
import { asksForNoTransaction } from './directives.ts'
import type { Edit } from './edits.ts'
import { findEnumTraps } from './enum-trap.ts'
import type { OwnObjects } from './own-objects.ts'
import { type ParsedSql, type ParsedStatement, parseFile, SqlSyntaxError } from './parse.ts'
import { type Finding, refuseCopy } from './refuse.ts'
import { readSource, type Source, sliceSource } from './render.ts'
import { layOut, type Member } from './segments.ts'
import { findTraces } from './session-leaks.ts'
import { readSetting } from './session-settings.ts'
import { dropSetting, noticeBegin, noticeSetting } from './setting-notices.ts'
import { nameStatement } from './statement-kind.ts'

/** One body to compile. */
export interface FileToCompile {
  migration: string
  direction: 'up' | 'down'
  file: string
  text: string
  /** Asked for outside the text. */
  noTransaction: boolean
}

/** What the migrations of a set create, and the files that could not be read for it. */
export interface OwnCatalogue {
  objects: OwnObjects
  unread: readonly string[]
}

const noAdaptation: Adaptation = { edits: [], notices: [], problems: [], extensions: [], dollarTags: [] }

function trimEnd(bytes: Buffer, { start, end }: ParsedStatement): number {
  let trimmed = end
  while (trimmed > start && (bytes[trimmed - 1] ?? 0) <= 32) trimmed--
  return trimmed
}

/** Gives each statement its edits: both lists are in the order of the file. */
function shareOut(statements: readonly ParsedStatement[], edits: readonly Edit[]): Edit[][] {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
  let next = 0
  return statements.map(({ end }) => {
    const from = next
    while (next < sorted.length && (sorted[next]?.start ?? 0) <= end) next++
    // One that replaces a whole statement also takes the white space behind it, which is not sent.
    return sorted.slice(from, next).map((edit) => (edit.end > end ? { ...edit, end } : edit))
  })
}

/** Hashes over the first n texts, all computed at the first question. */
function hashPrefixes(source: Source, ranges: readonly { start: number; end: number }[]): (n: number) => string {
  let hashes: string[] | null = null
  return (n) => {
    if (!hashes) {
      const hash = createHash('sha256')
      hashes = [hash.copy().digest('hex')]
      for (const { start, end } of ranges) {
        hash.update(`${end - start}\0`).update(source.bytes.subarray(start, end))
        hashes.push(hash.copy().digest('hex'))
      }
    }
    return hashes[Math.max(0, Math.min(n, hashes.length - 1))] ?? ''
  }
}

function compileParsed(
  sql: ParsedSql,
  adaptation: Adaptation,
  file: FileToCompile,
  options: CompileOptions,
): ScriptParts {
  const source = readSource(sql, adaptation.dollarTags)
  const notices: Finding[] = [...adaptation.notices]
  const problems: Finding[] = [...adaptation.problems]
  const statements = sql.statements.map((statement) => ({ ...statement, end: trimEnd(sql.bytes, statement) }))
  const edits = shareOut(statements, adaptation.edits)
  const traces = { leavesSession: false, changesRole: false }
  const members: Member[] = []
  const items: Item[] = []
  const destructive: Script['destructive'][number][] = []

  for (const [position, statement] of statements.entries()) {
    const text = sliceSource(source, statement.start, statement.end)
    const place = () => source.lines.place(statement.start)
    const kind = nameStatement(statement, text)
    const setting = readSetting(statement)
    const control = readControl(statement)
    const dropping = setting && dropSetting(statement, setting, place().line)
    const noticing = control === 'begin' ? noticeBegin(statement, place().line) : null
    const warning = setting && noticeSetting(setting, place().line)
    notices.push(...[dropping, noticing, warning].filter((finding) => finding !== null))
    const copy = refuseCopy(statement)
    if (copy) problems.push({ ...copy, ...place(), message: `${copy.message} (line ${place().line})` })
    const found = findTraces(statement, text)
    traces.leavesSession ||= found.leavesSession
    traces.changesRole ||= found.changesRole
    const own = edits[position] ?? []
    items.push({ index: position + 1, kind, statement, setting, edits: own })
    destructive.push(...findDestructive(source, statement, position + 1, own))
    members.push({
      kind,
      get line() {
        return place().line
      },
      control,
      chain: control !== null && statement.node.chain === true,
      rule: judgeStatement(statement),
      isSetting: setting !== null,
      isCall: statement.type === 'CallStmt',
      dropped: dropping !== null,
    })
  }

  const noTransaction = file.noTransaction || asksForNoTransaction(source, sql)
  const layout = layOut(members, findEnumTraps(statements), noTransaction)
  const built = buildSegments(source, items, layout.cuts, options)
  const carriesIntoSession = built.segments.some(({ kind, settings }) => kind === 'autocommit' && settings.length > 0)
  return {
    mode: layout.mode,
    // 55P04: a new label of a type that is older than the transaction. A type of this very file is usable at once or not
    // by version; committing it is right in both cases.
    mustCommit: statements.some(({ type, node }) => type === 'AlterEnumStmt' && !('oldVal' in node)),
    reason: layout.reason,
    segments: built.segments,
    statementCount: built.ranges.length,
    prefixHash: hashPrefixes(source, built.ranges),
    leavesSession: traces.leavesSession || carriesIntoSession,
    changesRole: traces.changesRole,
    destructive,
    extensions: adaptation.extensions,
    notices: [...notices, ...layout.notices, ...built.notices],
    problems: [...problems, ...layout.problems],
  }
}

function cannotHoldNul(text: string): Finding[] {
  const at = text.indexOf('\0')
  if (at === -1) return []
  const line = text.slice(0, at).split('\n').length
  const message = `it holds a NUL character (line ${line}), which PostgreSQL takes for the end`
  return [{ rule: 'nul-character', message, hint: 'save the file as UTF-8 text', line }]
}

function compileText(
  text: string,
  own: OwnCatalogue | null,
  file: FileToCompile,
  options: CompileOptions,
): ScriptParts {
  let sql: ParsedSql
  try {
    sql = parseFile(text)
  } catch (error) {
    if (error instanceof SqlSyntaxError) return compileUnparsed(text, error, options)
    throw error
  }
  if (!own) return compileParsed(sql, noAdaptation, file, options)
  const { targetsPerDatabase, sharedSchema } = options
  const place = { file: file.file, migration: file.migration }
  const parts = compileParsed(
    sql,
    adaptFile(sql, own.objects, { ...place, targetsPerDatabase, sharedSchema }),
    file,
    options,
  )
  const [unread] = own.unread
  if (unread === undefined || !mentionsPublic(text)) return parts
  const problem: Finding = {
    rule: 'own-objects-unknown',
    message: `it names objects in "public", and which of them are the tenants' own cannot be told, since ${unread} does not parse`,
    hint: `fix ${unread}, or write names without "public."`,
  }
  return { ...parts, problems: [...parts.problems, problem] }
}

/** Compiles one direction of one migration. `own` is there for schema targets. The parser must be loaded. */
export function compileFile(file: FileToCompile, own: OwnCatalogue | null, options: CompileOptions): Script {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text
  const { notices, problems, ...parts } = compileText(text, own, file, options)
  const name = (finding: Finding) => ({ ...finding, file: file.file, migration: file.migration })
  return {
    migration: file.migration,
    direction: file.direction,
    file: file.file,
    ...parts,
    notices: notices.map(name),
    problems: [...cannotHoldNul(text), ...problems].map(name),
  }
}
