import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import type { Migration } from '../../model/migration.ts'
import type { DialectName } from '../../model/server.ts'
import { checksumBytes } from '../checksums.ts'
import { readHeaders } from '../headers.ts'
import { type FolderEntry, listFolder, showPath } from '../list-folder.ts'
import { readPhase } from '../phase.ts'
import { replacePlaceholders } from '../placeholders.ts'
import type { Findings } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { readUndo } from '../read-undo.ts'
import { formatStamp } from '../slug.ts'
import { endAtBreakpoints } from './breakpoints.ts'

/** One line of `meta/_journal.json`. */
export interface JournalEntry {
  idx: number
  /** Name of the file without its ending. */
  tag: string
  /** Milliseconds since 1970: what the row of this migration holds. */
  when: number
  version?: string
  breakpoints?: boolean
}

/** The journal of one folder. */
export interface Journal {
  /** Absolute folder of the migrations. */
  dir: string
  path: string
  shown: string
  text: string
  dialect: string | null
  version: string | null
  /** In the order in which Drizzle applies them: as they stand there. */
  entries: readonly JournalEntry[]
}

const dialects: Readonly<Record<string, DialectName>> = {
  postgresql: 'postgres',
  mysql: 'mysql',
  singlestore: 'mysql',
  sqlite: 'sqlite',
  turso: 'sqlite',
}

/** The journals that are there, one for each folder at most. One that cannot be used is a problem. */
export async function findJournals(options: FormatOptions, findings: Findings): Promise<Journal[]> {
  const journals: Journal[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    const path = join(dir, 'meta', '_journal.json')
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text === null) continue
    const journal = parseJournal(dir, path, showPath(options.root, path), text, findings)
    if (journal === null) continue
    journals.push(journal)
    checkDialect(journal, options, findings)
  }
  return journals
}

function parseJournal(dir: string, path: string, shown: string, text: string, { problems }: Findings): Journal | null {
  const refuse = (message: string, hint: string) => {
    problems.push({ code: 'MIGRATIONS_UNREADABLE', message: `${shown} ${message}.`, hint, files: [shown] })
    return null
  }
  if (/^(<{7}|>{7}|={7})/m.test(text)) {
    return refuse(
      'holds the marks of a merge conflict',
      'Keep the entries of both sides, each with an `idx` of its own and a `when` that is later than the one before.',
    )
  }
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    return refuse('is no JSON', 'Bring it back from version control: Drizzle applies what stands in it.')
  }
  const { entries, dialect, version } = (read ?? {}) as Record<string, unknown>
  if (!Array.isArray(entries)) {
    return refuse('has no list `entries`', 'Bring it back from version control: Drizzle applies what stands in it.')
  }
  const broken = entries.findIndex((entry) => !isEntry(entry))
  if (broken >= 0) {
    return refuse(
      `has no \`tag\` (a text) and \`when\` (a number) in entry ${broken + 1}`,
      'Correct it: `tag` is the name of the file without .sql, `when` the time in milliseconds.',
    )
  }
  const text_ = (value: unknown) => (typeof value === 'string' ? value : null)
  return { dir, path, shown, text, dialect: text_(dialect), version: text_(version), entries }
}

function isEntry(value: unknown): value is JournalEntry {
  const { tag, when } = (value ?? {}) as Record<string, unknown>
  return typeof tag === 'string' && tag !== '' && typeof when === 'number' && Number.isSafeInteger(when) && when > 0
}

function checkDialect({ dialect, shown }: Journal, { dialects: servers }: FormatOptions, { problems }: Findings): void {
  const written = dialect === null ? undefined : dialects[dialect]
  if (servers === undefined || servers.length === 0 || written === undefined || servers.includes(written)) return
  problems.push({
    code: 'MIGRATIONS_UNREADABLE',
    message: `${shown} says these migrations were written for ${dialect}, and the servers of this config are ${servers.join(' and ')}.`,
    hint: 'Give the set the right servers, or let drizzle-kit begin a new folder for the other kind of database.',
    files: [shown],
  })
}

/** The migrations of these journals, one journal after the other, each in its own order. */
export async function readJournals(
  journals: readonly Journal[],
  options: FormatOptions,
  findings: Findings,
): Promise<Migration[]> {
  const listed = journals.flatMap((journal) => journal.entries.map((entry) => ({ journal, entry })))
  const numbers = new Map<string, number>()
  for (const { entry } of listed) {
    const number = numberOf(entry)
    if (number !== null) numbers.set(number, (numbers.get(number) ?? 0) + 1)
  }
  for (const journal of journals) await lookAround(journal, options, findings)
  findTwins(listed, findings)
  return readInBatches(listed, findings, ({ journal, entry }, own) => {
    const number = numberOf(entry)
    return readMigration(journal, entry, number !== null && numbers.get(number) === 1, options, own)
  })
}

const numberOf = ({ tag }: JournalEntry) => /^\d+/.exec(tag)?.[0] ?? null

/** Two entries of one name, or of one time: a row could not tell them apart. */
function findTwins(listed: readonly { journal: Journal; entry: JournalEntry }[], { problems }: Findings): void {
  const seen = new Map<string, Journal>()
  for (const { journal, entry } of listed) {
    const { tag, when } = entry
    const keys = [
      [`tag\0${tag}`, `Two entries are the migration ${tag}`, 'Keep one of them, or rename the other and its file.'],
      [
        `when\0${when}`,
        `Two entries have the same \`when\` (${when}), by which rows are told apart; one is ${tag}`,
        'Give the later one a `when` that is 1 more; where it is applied already, `created_at` of its row, too.',
      ],
    ] as const
    for (const [key, what, hint] of keys) {
      const other = seen.get(key)
      seen.set(key, journal)
      if (other === undefined) continue
      const files = [...new Set([other.shown, journal.shown])]
      problems.push({ code: 'MIGRATION_DUPLICATE', message: `${what}: ${files.join(', ')}.`, hint, files })
      break
    }
  }
}

/** What the folder has and the journal does not, and the other way round where nobody would see it. */
async function lookAround({ dir, entries, shown }: Journal, options: FormatOptions, findings: Findings): Promise<void> {
  const { notices } = findings
  const tags = new Set(entries.map(({ tag }) => `${tag}.sql`))
  const isOther = ({ kind, name }: FolderEntry) =>
    kind === 'file' && name.endsWith('.sql') && !tags.has(name) && !options.ignore?.test(name)
  const others = (await listFolder(options.root, dir, findings.problems)).filter(isOther)
  if (others.length > 0) {
    notices.push({
      rule: 'file-passed-over',
      message: `${others.slice(0, 3).map((one) => one.shown)}${others.length > 3 ? ', …' : ''}: left out, as Drizzle does, since ${shown} does not name ${others.length === 1 ? 'it' : 'them'}.`,
      hint: 'A merge may have lost the entry: bring it back; or delete the file.',
    })
  }
  const undone = (await listFolder(options.root, join(dir, 'rollbacks'), [])).filter(isOther)
  for (const { shown: file, name } of undone) {
    notices.push({
      rule: 'undo-without-migration',
      message: `${file} undoes ${name.replace(/\.sql$/, '')}, and there is no such migration.`,
      hint: 'It has to be named like the migration it undoes.',
      file,
    })
  }
  let newest: JournalEntry | undefined
  for (const entry of entries) {
    if (newest !== undefined && entry.when < newest.when) {
      notices.push({
        rule: 'drizzle-passes-over',
        message: `${entry.tag} stands behind ${newest.tag} in ${shown} and has an earlier \`when\`: Drizzle before 1.0 passes it over, without a word, wherever ${newest.tag} is applied. tenantry applies it.`,
        hint: 'Where no database has it yet, raise its `when` above the one before.',
        migration: entry.tag,
      })
    } else newest = entry
  }
}

async function readMigration(
  { dir, shown: journal }: Journal,
  { tag, when }: JournalEntry,
  numbered: boolean,
  options: FormatOptions,
  findings: Findings,
): Promise<Migration | null> {
  const path = join(dir, `${tag}.sql`)
  const shown = showPath(options.root, path)
  const missing: Findings['problems'] = []
  const file = await readTextFile({ path, shown }, missing)
  if (file === null) {
    findings.problems.push(
      ...missing.map((problem) =>
        problem.message.includes('(ENOENT)')
          ? {
              ...problem,
              message: `${shown} is not there, and ${journal} names it.`,
              hint: 'Bring the file back, or take its entry out of the journal if no database has it.',
            }
          : problem,
      ),
    )
    return null
  }
  const text = replacePlaceholders(file.text, options.placeholders)
  const headers = readHeaders(text)
  const number = /^\d+/.exec(tag)?.[0] ?? null
  const undo = join(dir, 'rollbacks', `${tag}.sql`)
  const name = nameInDrizzle1(tag, when)
  return {
    id: tag,
    number,
    ...checksumBytes(file),
    description: headers.description,
    keys: [...new Set([tag, `${tag}.sql`, String(when), name, ...(numbered && number !== null ? [number] : [])])],
    row: { up: { created_at: when, name } },
    up: { kind: 'sql', text: endAtBreakpoints(text), file: shown },
    down: await readRollback(undo, tag, options, findings),
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, shown, findings.problems),
  }
}

async function readRollback(path: string, tag: string, options: FormatOptions, findings: Findings) {
  const there = await readFile(path).catch(() => null)
  if (there === null) return null
  const entry: FolderEntry = { name: `${tag}.sql`, path, shown: showPath(options.root, path), kind: 'file' }
  const down = await readUndo(entry, tag, options, findings)
  return down?.kind === 'sql' ? { ...down, text: endAtBreakpoints(down.text) } : down
}

/** What `drizzle-kit up` of Drizzle 1 calls the folder that it makes of this file: a row may be named so already. */
function nameInDrizzle1(tag: string, when: number): string {
  return `${formatStamp(new Date(when))}_${tag.split('_').slice(1).join('_')}`
}
