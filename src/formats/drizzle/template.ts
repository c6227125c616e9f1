import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import type { DialectName } from '../../model/server.ts'
import { listFolder } from '../list-folder.ts'
import { nextStamp } from '../sections/next-version.ts'
import { describeName, formatStamp, makeSlug } from '../slug.ts'
import { fileIn, type MigrationFolder } from './folders.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { readDrizzleConfig } from './read-config.ts'

interface Details {
  description: string | null
  now: Date
}

/** As drizzle-kit begins a file of one's own, and what it is for. */
function upText(name: string, description: string | null): string {
  return `-- Custom SQL migration file, put your code below! --\n-- Description: ${describeName(name, description)}\n\n`
}

/**
 * What `drizzle-kit generate --custom` writes into a folder with a journal: the file, a copy of the last snapshot and a new
 * journal. The undo is ours.
 */
export async function writeJournalled(
  options: FormatOptions,
  journal: Journal | null,
  name: string,
  { description, now }: Details,
): Promise<TemplateFile[]> {
  const dir = journal?.dir ?? resolve(options.dirs[0] ?? options.root)
  const entries = journal?.entries ?? []
  const last = entries.at(-1)
  const idx = last === undefined ? 0 : last.idx + 1
  const prefix = await nextPrefix(options, entries, idx, now)
  const tag = [...(prefix === '' ? [] : [prefix]), makeSlug(name)].join('_')
  const version = last?.version ?? journal?.version ?? '7'
  const when = Math.max(now.getTime(), ...entries.map((entry) => entry.when + 1))
  const added = { idx, version, when, tag, breakpoints: last?.breakpoints ?? true }
  const kept = journal === null ? newJournal(options, version) : (JSON.parse(journal.text) as Record<string, unknown>)
  const text = JSON.stringify({ ...kept, entries: [...entries, added] }, null, 2)
  const path = join(dir, 'meta', '_journal.json')
  return [
    { path: join(dir, `${tag}.sql`), text: upText(name, description) },
    { path: join(dir, 'rollbacks', `${tag}.sql`), text: `-- Rollback for: ${tag}\n\n` },
    ...(last === undefined ? [] : await copySnapshot(join(dir, 'meta'), last, prefix)),
    journal === null ? { path, text } : { path, text, replaces: journal.text },
  ]
}

const kitNames: Readonly<Record<DialectName, string>> = { postgres: 'postgresql', mysql: 'mysql', sqlite: 'sqlite' }

function newJournal(options: FormatOptions, version: string): Record<string, unknown> {
  return { version, dialect: kitNames[options.dialects?.[0] ?? 'postgres'] }
}

/** As drizzle-kit numbers them: by its config, else as the last one is. */
async function nextPrefix(
  options: FormatOptions,
  entries: readonly JournalEntry[],
  idx: number,
  now: Date,
): Promise<string> {
  const last = /^(\d*)/.exec(entries.at(-1)?.tag ?? '')?.[1] ?? ''
  const asLast = last.length === 14 ? 'timestamp' : last.length === 10 ? 'unix' : 'index'
  const config = await readDrizzleConfig(options).catch(() => null)
  switch (config?.prefix ?? asLast) {
    case 'timestamp':
    case 'supabase':
      return nextStamp(last === '' ? null : last, now)
    case 'unix':
      return String(Math.max(Math.floor(now.getTime() / 1000), last.length === 10 ? Number(last) + 1 : 0))
    case 'none':
      return ''
    default:
      return String(idx).padStart(4, '0')
  }
}

async function copySnapshot(meta: string, last: JournalEntry, prefix: string): Promise<TemplateFile[]> {
  const digits = last.tag.split('_')[0]
  const before = await readJson(join(meta, `${digits}_snapshot.json`))
  if (before === null || prefix === '') return []
  const next = { ...before, id: randomUUID(), prevId: before.id }
  return [{ path: join(meta, `${prefix}_snapshot.json`), text: JSON.stringify(next, null, 2) }]
}

/** What Drizzle 1's `drizzle-kit generate --custom` writes: a folder with the file and a copy of the last snapshot. */
export async function writeFolder(
  options: FormatOptions,
  folders: readonly MigrationFolder[],
  name: string,
  { description, now }: Details,
): Promise<TemplateFile[]> {
  const last = folders.at(-1)
  const dir = last === undefined ? resolve(options.dirs[0] ?? options.root) : dirname(last.entry.path)
  const time = new Date(now)
  while (last !== undefined && formatStamp(time) <= last.entry.name.slice(0, 14)) {
    const before = last.millis
    time.setTime(Math.max(time.getTime(), before) + 1000)
  }
  const id = `${formatStamp(time)}_${makeSlug(name)}`
  const before = last === undefined ? null : await readJson(fileIn(last, 'snapshot.json'))
  const snapshot = before === null ? null : { ...before, id: randomUUID(), prevIds: [before.id] }
  const path = (file: string) => join(dir, id, file)
  return [
    { path: path('migration.sql'), text: upText(name, description) },
    { path: path('rollback.sql'), text: `-- Rollback for: ${id}\n\n` },
    ...(snapshot === null ? [] : [{ path: path('snapshot.json'), text: JSON.stringify(snapshot, null, 2) }]),
  ]
}

/** Does the project have Drizzle 1, which has no journal? Asked where the folder does not tell. */
export async function hasDrizzle1({ root, dirs }: FormatOptions): Promise<boolean> {
  for (const start of [...dirs, root]) {
    for (let dir = resolve(start); ; dir = dirname(dir)) {
      for (const one of ['drizzle-kit', 'drizzle-orm']) {
        const manifest = await readJson(join(dir, 'node_modules', one, 'package.json'))
        if (typeof manifest?.version === 'string') return !manifest.version.startsWith('0.')
      }
      if (dirname(dir) === dir) break
    }
  }
  return false
}

async function readJson(path: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  } catch {
    return null
  }
}

/** Is there any SQL in these folders that no journal speaks of? */
export async function holdsSql({ root, dirs }: FormatOptions): Promise<string | null> {
  for (const dir of dirs) {
    const found = (await listFolder(root, dir, [])).find(({ kind, name }) => kind === 'file' && name.endsWith('.sql'))
    if (found !== undefined) return found.shown
  }
  return null
}
