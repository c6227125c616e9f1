import { createHash } from 'node:crypto'
import type { DestructiveStep, Script } from '../../model/script.ts'
import type { Finding } from '../finding.ts'
import { buildSegments, type Item } from './build-segments.ts'
import { chains, judgeStatement, readControl } from './classify.ts'
import { findDestructive } from './destructive.ts'
import { type Word, wordsOf } from './lex.ts'
import { readSessionUse, temporaryTable } from './mentions.ts'
import { createdTable, noticeOnlineDdl } from './online-ddl.ts'
import { findDatabases } from './other-databases.ts'
import { layOut, type Member } from './segments.ts'
import { judgeSession } from './session-notices.ts'
import { assignedVariables, readSettings } from './session-settings.ts'
import { type SplitFile, type StatementRange, splitFile } from './split.ts'
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

const insert = /^(?:insert|replace)\b/i
/** A variable, or something in a string that looks like one. */
const mayHoldVariable = /[\s(,=+*/-]@/

/** Rows are not looked through, unless they hold variables: they can be many. */
function readWords(text: string): Word[] {
  const isRows = insert.test(text) && !mayHoldVariable.test(text)
  return isRows ? wordsOf(text, Number.POSITIVE_INFINITY, 'VALUES') : wordsOf(text)
}

/** The same recipe as for every dialect: hashes over the first n texts, all computed at the first question. */
function hashPrefixes(texts: () => string[]): (n: number) => string {
  let hashes: string[] | null = null
  return (n) => {
    if (!hashes) {
      const hash = createHash('sha256')
      hashes = [hash.copy().digest('hex')]
      for (const text of texts()) {
        const bytes = Buffer.from(text, 'utf8')
        hash.update(`${bytes.length}\0`).update(bytes)
        hashes.push(hash.copy().digest('hex'))
      }
    }
    return hashes[Math.max(0, Math.min(n, hashes.length - 1))] ?? ''
  }
}

const noTransactionComment = /^(?:--|#)[ \t]*tenantry:no-transaction\b/

function asksForNoTransaction(text: string, { comments }: SplitFile): boolean {
  if (!text.includes('tenantry:no-transaction')) return false
  return comments.some(({ start, end }) => noTransactionComment.test(text.slice(start, end)))
}

interface Read {
  items: Item[]
  members: Member[]
  notices: Finding[]
  problems: Finding[]
  destructive: DestructiveStep[]
  leavesSession: boolean
  changesRole: boolean
}

function noticeDatabases(words: readonly Word[], kind: string, line: number): Finding[] {
  return findDatabases(words).map(({ database, object }) => ({
    rule: 'other-database',
    message: `${kind} (line ${line}) names ${database}.${object}: the database is written out, so it is the same one for every target`,
    hint: `write ${object} alone if it is the target's own`,
    line,
  }))
}

function readStatements(text: string, { statements, lines }: SplitFile): Read {
  const read: Read = {
    items: [],
    members: [],
    notices: [],
    problems: [],
    destructive: [],
    leavesSession: false,
    changesRole: false,
  }
  const made = new Set<string>()
  const temporary = new Set<string>()

  const readOne = ({ start, end }: StatementRange, position: number) => {
    const own = text.slice(start, end)
    const words = readWords(own)
    const kind = nameStatement(words)
    const { line } = lines.place(start)
    const control = readControl(words)
    const settings = readSettings(words)
    const rule = judgeStatement(words)
    const judged = judgeSession(words, kind, own, settings, control, line)
    read.notices.push(...judged.notices)
    read.problems.push(...judged.problems)
    const isDropped = judged.dropped || control !== null
    const table = temporaryTable(words)
    if (table !== null) temporary.add(table)
    const use = readSessionUse(words, temporary)
    const assigns = own.includes('@') ? assignedVariables(words) : []
    read.items.push({ index: position + 1, kind, start, end, line, settings, assigns, ...use })
    read.members.push({
      kind,
      line,
      control,
      chain: control !== null && chains(words),
      rule,
      isSetting: settings !== null && control === null,
      dropped: judged.dropped,
    })
    if (isDropped) return
    read.notices.push(...noticeDatabases(words, kind, line))
    const online = noticeOnlineDdl(own, words, line, made)
    if (online) read.notices.push(online)
    const created = createdTable(own)
    if (created !== null) made.add(created)
    read.destructive.push(...findDestructive(own, position + 1))
    const leaves = (settings ?? []).some(({ scope }) => scope !== 'server') || assigns.length > 0 || use.makes !== null
    read.leavesSession ||= leaves || rule.verdict === 'may-commit' || /\bget_lock\s*\(/i.test(own)
    read.changesRole ||= (settings ?? []).some(({ name }) => name === 'role')
  }

  statements.forEach(readOne)
  return read
}

/** Compiles one direction of one migration. Nothing is thrown for what the file says. */
export function compileFile(file: FileToCompile): Script {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text
  const split = splitFile(text)
  const read = readStatements(text, split)
  const noTransaction = file.noTransaction || asksForNoTransaction(text, split)
  const layout = layOut(read.members, noTransaction)
  const built = buildSegments(text, split.lines, read.items, layout.cuts)
  const sent = layout.cuts.flatMap(({ members }) => members).map((position) => read.items[position])
  const texts = () => sent.flatMap((item) => (item === undefined ? [] : [text.slice(item.start, item.end)]))
  const name = (finding: Finding) => ({ ...finding, file: file.file, migration: file.migration })
  return {
    migration: file.migration,
    direction: file.direction,
    file: file.file,
    mode: layout.mode,
    reason: layout.reason,
    segments: built.segments,
    statementCount: sent.length,
    prefixHash: hashPrefixes(texts),
    leavesSession: read.leavesSession,
    changesRole: read.changesRole,
    destructive: read.destructive,
    extensions: [],
    notices: [...read.notices, ...layout.notices, ...built.notices].map(name),
    problems: [...split.problems, ...read.problems, ...layout.problems, ...built.problems].map(name),
  }
}
