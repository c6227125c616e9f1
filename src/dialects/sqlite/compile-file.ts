import { createHash } from 'node:crypto'
import type { Script, ScriptStatement, Segment } from '../../model/script.ts'
import type { Finding } from '../finding.ts'
import { indexLines, type LineIndex } from '../line-index.ts'
import { makeStatement } from '../statement.ts'
import { makesTemporary } from './classify.ts'
import { findComments } from './comments.ts'
import { type DescribedPiece, describePieces } from './describe-pieces.ts'
import { findDestructive } from './destructive.ts'
import { type Cut, layOut } from './layout.ts'
import { unenforcedMark } from './marks.ts'
import { findRebuilds } from './rebuilds.ts'
import { nameOf } from './words.ts'

/** One body to compile. */
export interface FileToCompile {
  migration: string
  direction: 'up' | 'down'
  file: string
  text: string
  /** Asked for outside the text. */
  noTransaction: boolean
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

const noTransactionComment = /^--[ \t]*tenantry:no-transaction\b/

function asksForNoTransaction(text: string): boolean {
  if (!text.includes('tenantry:no-transaction')) return false
  return findComments(text).some((comment) => noTransactionComment.test(comment.text))
}

/** What is meant for the shell of SQLite, which takes lines that begin with a dot for commands of its own. */
function refuse(item: DescribedPiece): Finding[] {
  const { kind, line, judged, words } = item
  if (judged.verdict === 'refused') {
    return [{ rule: judged.rule, message: `${kind} (line ${line}): ${judged.because}`, hint: judged.hint, line }]
  }
  const [first, second] = words
  if (first?.key !== '.' || second === undefined) return []
  return [
    {
      rule: 'shell-command',
      message: `.${nameOf(second)} (line ${line}) is a command of the sqlite3 shell, which SQLite itself does not know`,
      hint: 'replace it by SQL, or delete this line',
      line,
    },
  ]
}

/**
 * Positions of statements that foreign keys must not be enforced for: from `PRAGMA foreign_keys = OFF` to `ON`, and where
 * a table is rebuilt without saying so.
 */
function findUnenforced(items: readonly DescribedPiece[]): { positions: Map<number, number>; notices: Finding[] } {
  const positions = new Map<number, number>()
  const notices: Finding[] = []
  let since: number | null = null
  for (const [position, { judged }] of items.entries()) {
    if (judged.verdict === 'foreign-keys') since = judged.on ? null : position
    else if (since !== null) positions.set(position, since)
  }
  for (const { table, at } of findRebuilds(items.map(({ words }) => words))) {
    if (positions.has(at)) continue
    positions.set(at, at)
    const { line } = items[at] as DescribedPiece
    notices.push({
      rule: 'rebuild',
      message: `table ${table} is rebuilt (line ${line}): foreign keys are not enforced while the migration runs, and are checked before its COMMIT`,
      line,
    })
  }
  return { positions, notices }
}

/** Settings that earlier statements made and that still hold, the last of each. */
function carried(items: readonly DescribedPiece[], before: number): DescribedPiece[] {
  const held = new Map<string, DescribedPiece>()
  for (const item of items.slice(0, before)) if (item.setting !== null) held.set(item.setting, item)
  return [...held.values()]
}

function buildSegment(
  text: string,
  lines: LineIndex,
  items: readonly DescribedPiece[],
  { kind, members }: Cut,
  unenforced: ReadonlyMap<number, number>,
): Segment {
  const make = (item: DescribedPiece, instead?: string): ScriptStatement =>
    makeStatement(text, lines, { ...item, ...(instead === undefined ? {} : { instead }) })
  const first = members.find((position) => unenforced.has(position))
  const mark = kind === 'autocommit' || first === undefined ? [] : [unenforced.get(first) ?? first]
  return {
    kind,
    statements: members.map((position) => make(items[position] as DescribedPiece)),
    settings: [
      ...mark.map((position) => make(items[position] as DescribedPiece, unenforcedMark)),
      ...carried(items, members[0] ?? 0).map((item) => make(item)),
    ],
    exclusive: false,
  }
}

/** Compiles one direction of one migration. Nothing is thrown for what the file says. */
export function compileFile(file: FileToCompile): Script {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text
  const lines = indexLines(text)
  const items = describePieces(text, lines)
  const layout = layOut(items, file.noTransaction || asksForNoTransaction(text))
  const { positions, notices } = findUnenforced(items)
  const segments = layout.cuts.map((cut) => buildSegment(text, lines, items, cut, positions))
  const sent = layout.cuts.flatMap(({ members }) => members).map((position) => items[position] as DescribedPiece)
  const own = (item: DescribedPiece) => text.slice(item.start, item.end)
  const name = (finding: Finding) => ({ ...finding, file: file.file, migration: file.migration })
  return {
    migration: file.migration,
    direction: file.direction,
    file: file.file,
    mode: layout.mode,
    reason: layout.reason,
    segments,
    statementCount: sent.length,
    prefixHash: hashPrefixes(() => sent.map(own)),
    leavesSession: sent.some((item) => item.setting !== null || makesTemporary(item.words)),
    changesRole: false,
    destructive: findDestructive(sent.map((item) => ({ index: item.index, text: own(item) }))),
    extensions: [],
    notices: [...notices, ...layout.notices].map(name),
    problems: [...items.flatMap(refuse), ...layout.problems].map(name),
  }
}
