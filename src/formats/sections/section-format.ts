import { resolve } from 'node:path'
import type { Format, FormatName, FormatOptions, TemplateFile } from '../../model/format.ts'
import type { HistoryShape } from '../../model/history.ts'
import type { Body, Migration } from '../../model/migration.ts'
import { checksumText } from '../checksums.ts'
import { isUnwritten, readHeaders } from '../headers.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import { readPhase } from '../phase.ts'
import { replacePlaceholders } from '../placeholders.ts'
import { type Findings, type FolderProblem, throwProblems } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { isFault, type Section, type SectionFault, type Sections } from './sections.ts'

/** What the name of a migration's file says. */
export interface SectionName {
  /** The file's name without its ending. */
  id: string
  /** Digits in front; null: there are none. */
  number: string | null
  /** What a history row holds. */
  key: string
}

/** A file of the folder that is a migration. */
export interface SectionFile extends SectionName {
  entry: FolderEntry
}

/** How a tool that keeps a migration and its undo in one file does it. */
export interface SectionTool {
  name: FormatName
  /** As people write it. */
  title: string
  history: HistoryShape
  /** A line that only this tool's files have. */
  marker: RegExp
  /** null: the tool passes such a file over. */
  readName(fileName: string): SectionName | null
  /** A file that belongs to the order and cannot be run here, as a sentence without its subject. Absent: there are none. */
  refuse?(fileName: string): { message: string; hint: string } | null
  /** The order in which the tool applies files. */
  compare(a: SectionFile, b: SectionFile): number
  split(text: string): Sections | SectionFault
  /** Absolute path and text of a new migration, after `last`. */
  template(request: {
    dir: string
    last: SectionFile | null
    name: string
    description: string | null
    now: Date
  }): TemplateFile
}

/** Most files that are opened to tell whose they are. */
const mostLooks = 5

/** A format whose files hold a migration and its undo in sections. */
export function sectionFormat(tool: SectionTool): Format {
  return {
    name: tool.name,
    history: tool.history,

    async detect(dir) {
      const files = (await listFolder(dir, dir, [])).filter(({ kind, name }) => kind === 'file' && /\.sql$/i.test(name))
      for (const file of files.slice(0, mostLooks)) {
        const read = await readTextFile(file, [])
        if (read !== null && tool.marker.test(read.text)) return 0.9
      }
      return 0
    },

    async load(options) {
      const findings: Findings = { problems: [], notices: [] }
      const files = await findFiles(tool, options, findings)
      const migrations = await readInBatches(files, findings, (file, own) => readMigration(tool, file, options, own))
      throwProblems(findings.problems)
      return { migrations, notices: findings.notices }
    },

    async template(options, name, details) {
      // A folder that is broken, or not there yet, can still get a new file; `load` tells what is wrong with it.
      const last = (await findFiles(tool, options, { problems: [], notices: [] })).at(-1) ?? null
      const dir = last === null ? (options.dirs[0] ?? options.root) : resolve(last.entry.path, '..')
      return [tool.template({ dir, last, name, ...details })]
    },
  }
}

async function findFiles(tool: SectionTool, options: FormatOptions, findings: Findings): Promise<SectionFile[]> {
  const files: SectionFile[] = []
  const passedOver: FolderEntry[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, findings.problems)) {
      if (entry.kind !== 'file' || (options.ignore !== null && entry.name.search(options.ignore) >= 0)) continue
      const refused = tool.refuse?.(entry.name) ?? null
      if (refused !== null) {
        const { message, hint } = refused
        const problem = { message: `${entry.shown} ${message}.`, hint, files: [entry.shown] }
        findings.problems.push({ code: 'MIGRATIONS_UNREADABLE', ...problem })
      }
      if (!/\.sql$/i.test(entry.name)) continue
      const name = tool.readName(entry.name)
      if (name === null) passedOver.push(entry)
      else files.push({ ...name, entry })
    }
  }
  files.sort((a, b) => tool.compare(a, b))
  findings.problems.push(...findTwins(tool, files))
  if (passedOver.length > 0) {
    const names = passedOver.slice(0, 3).map(({ shown }) => shown)
    findings.notices.push({
      rule: 'file-passed-over',
      message: `${names.join(', ')}${passedOver.length > 3 ? ', …' : ''}: left out, as ${tool.title} does, since no number is in front.`,
      hint: "Give each a number; or name them in the config's key `ignore`.",
    })
  }
  return files
}

/** The same file name in two folders, or one number in two names: one history row could not tell them apart. */
function findTwins(tool: SectionTool, files: readonly SectionFile[]): FolderProblem[] {
  const groups = new Map<string, SectionFile[]>()
  for (const file of files) {
    groups.set(file.key, [...(groups.get(file.key) ?? []), file])
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const shown = group.map(({ entry }) => entry.shown)
      const [first] = group as [SectionFile]
      const what = first.key === first.number ? `have the number ${first.key}` : `are the migration ${first.id}`
      return {
        code: 'MIGRATION_DUPLICATE',
        message: `${group.length} migrations of ${tool.title} ${what}: ${shown.join(', ')}.`,
        hint: 'Keep one of them, or give each a number of its own; one that has been applied anywhere should keep its name.',
        files: shown,
      }
    })
}

async function readMigration(
  tool: SectionTool,
  { id, number, key, entry }: SectionFile,
  options: FormatOptions,
  findings: Findings,
): Promise<Migration | null> {
  const file = await readTextFile(entry, findings.problems)
  if (file === null) return null
  const text = replacePlaceholders(file.text, options.placeholders)
  const sections = tool.split(text)
  if (isFault(sections)) {
    const { line, message, hint } = sections
    const place = line === null ? entry.shown : `${entry.shown}:${line}`
    findings.problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${place} ${message}.`,
      hint,
      files: [entry.shown],
    })
    return null
  }
  const headers = readHeaders(text)
  return {
    id,
    number,
    ...checksumText(file),
    description: headers.description,
    keys: [...new Set([id, entry.name, key])],
    up: bodyOf(sections.up, entry),
    down: readDown(sections.down, id, entry, findings),
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, entry.shown, findings.problems),
  }
}

function bodyOf({ text, noTransaction }: Section, entry: FolderEntry): Body {
  return { kind: 'sql', text, file: entry.shown, ...(noTransaction ? { transaction: 'never' as const } : {}) }
}

/** An empty undo would take the migration out of the history and leave its tables. */
function readDown(section: Section | null, id: string, entry: FolderEntry, findings: Findings): Body | null {
  if (section === null) return null
  if (!isUnwritten(section.text)) return bodyOf(section, entry)
  findings.notices.push({
    rule: 'undo-not-written',
    message: `The undo in ${entry.shown} is empty, so ${id} has none.`,
    hint: 'Write it; or, if there is nothing to undo, say so in a comment of that section.',
    file: entry.shown,
    migration: id,
  })
  return null
}
