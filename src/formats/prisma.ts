import { basename, join, resolve } from 'node:path'
import type { Delegated, Format, FormatOptions, LoadedMigrations, TemplateFile } from '../model/format.ts'
import type { Migration, Notice } from '../model/migration.ts'
import { checksumBytes } from './checksums.ts'
import { compareNames } from './compare-names.ts'
import { readHeaders } from './headers.ts'
import { historyShape } from './history-shapes.ts'
import { type FolderEntry, listFolder, showPath } from './list-folder.ts'
import { readPhase } from './phase.ts'
import { replacePlaceholders } from './placeholders.ts'
import { askPrisma } from './prisma/ask-prisma.ts'
import { findFolder } from './prisma/find-folder.ts'
import { checkLockFile } from './prisma/lock-file.ts'
import { type Findings, type FolderProblem, throwProblems } from './problems.ts'
import { readTextFile } from './read-file.ts'
import { readInBatches } from './read-in-batches.ts'
import { readUndo } from './read-undo.ts'
import { describeName, formatStamp, makeSlug } from './slug.ts'

/** Folders `<timestamp>_<name>/migration.sql`, as Prisma Migrate writes them, with an optional `rollback.sql`. */
export const prisma: Format = {
  name: 'prisma',
  history: historyShape('prisma'),

  async detect(dir) {
    const entries = await listFolder(dir, dir, [])
    if (entries.some((entry) => entry.name === 'migration_lock.toml')) return 1
    for (const entry of entries) {
      if (entry.kind !== 'folder') continue
      const inside = await listFolder(dir, entry.path, [])
      if (inside.some((file) => file.name === 'migration.sql')) return 0.9
    }
    return 0
  },

  async findDirs(options) {
    const dir = await findFolder(options.root)
    return dir === null ? null : [dir]
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const folders = await findFolders(options, findings.problems)
    const migrations = await readInBatches(folders, findings, (folder, own) => readMigration(folder, options, own))
    const dirs = new Set(folders.map(({ path }) => join(path, '..')))
    for (const dir of dirs) await checkLockFile(options, dir, findings)
    throwProblems(findings.problems)
    findings.notices.push(...describeOrder(folders))
    return { migrations, notices: findings.notices }
  },

  async delegate(options, name, details): Promise<Delegated> {
    const dir = await folderOfNew(options)
    const answer = await askPrisma(dir, makeSlug(name))
    if (answer.outcome === 'made') {
      const file = join(answer.folder, 'migration.sql')
      const undo = undoOf(answer.folder, describeName(name, details.description))
      const message = `Prisma wrote ${showPath(options.root, file)}; nothing was applied.`
      return { files: [file], also: [undo], notices: [{ rule: 'prisma-made', message }] }
    }
    const message =
      answer.outcome === 'absent'
        ? 'Prisma is not installed in this project, so migration.sql is empty: write its SQL by hand.'
        : `Prisma was asked and made no migration, so migration.sql is empty: ${answer.said}`
    const hint =
      answer.outcome === 'absent'
        ? 'With `prisma` installed, `tenantry make` lets it write the SQL.'
        : 'Write the SQL by hand; or remove the folder, put right what Prisma says, and make it again.'
    return { files: null, also: [], notices: [{ rule: 'prisma-not-asked', message, hint }] }
  },

  async template(options, name, details): Promise<TemplateFile[]> {
    const slug = makeSlug(name)
    const last = (await findFolders(options, [])).at(-1)
    const dir = await folderOfNew(options)
    const time = new Date(details.now)
    let id = `${formatStamp(time)}_${slug}`
    // Not before the last one, also when that was made in this very second.
    for (let tries = 0; tries < 60 && last !== undefined && compareNames(id, last.name) <= 0; tries++) {
      time.setUTCSeconds(time.getUTCSeconds() + 1)
      id = `${formatStamp(time)}_${slug}`
    }
    const description = describeName(name, details.description)
    const header = [
      `-- Migration: ${id}`,
      `-- Created at: ${details.now.toISOString().slice(0, 10)}`,
      `-- Description: ${description}`,
    ]
    const folder = join(dir, id)
    return [{ path: join(folder, 'migration.sql'), text: `${header.join('\n')}\n\n` }, undoOf(folder, description)]
  },
}

/** Prisma has no undo and leaves further files of its folders alone. With these lines only it counts as not written. */
function undoOf(folder: string, description: string): TemplateFile {
  const text = `-- Rollback for: ${basename(folder)}\n-- Description: ${description}\n\n`
  return { path: join(folder, 'rollback.sql'), text }
}

/** Beside the last migration, where there are several folders. */
async function folderOfNew(options: FormatOptions): Promise<string> {
  const last = (await findFolders(options, [])).at(-1)
  return last === undefined ? resolve(options.dirs[0] ?? options.root) : join(last.path, '..')
}

async function findFolders(options: FormatOptions, problems: FolderProblem[]): Promise<FolderEntry[]> {
  const folders: FolderEntry[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, problems)) {
      if (entry.kind === 'folder' && (options.ignore === null || entry.name.search(options.ignore) < 0)) {
        folders.push(entry)
      }
    }
  }
  folders.sort((a, b) => compareNames(a.name, b.name))
  folders.forEach((folder, index) => {
    const before = folders[index - 1]
    if (before?.name !== folder.name) return
    problems.push({
      code: 'MIGRATION_DUPLICATE',
      message: `Two folders are the migration ${folder.name}: ${before.shown}, ${folder.shown}.`,
      hint: 'Keep one of them, or rename the other.',
      files: [before.shown, folder.shown],
    })
  })
  return folders
}

async function readMigration(
  folder: FolderEntry,
  options: FormatOptions,
  findings: Findings,
): Promise<Migration | null> {
  const { problems } = findings
  const inside = await listFolder(options.root, folder.path, problems)
  const find = (name: string) => inside.find((entry) => entry.name === name && entry.kind === 'file')
  const up = find('migration.sql')
  const undo = find('rollback.sql')
  const down = undo === undefined ? null : await readUndo(undo, folder.name, options, findings)
  if (up === undefined) {
    problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${folder.shown} has no migration.sql (Prisma's P3015).`,
      hint: "Bring the file back or delete the folder; a folder that is no migration can be left out with the config's key `ignore`.",
      files: [folder.shown],
    })
    return null
  }
  const file = await readTextFile(up, problems)
  if (file === null) return null
  const text = replacePlaceholders(file.text, options.placeholders)
  const headers = readHeaders(text)
  return {
    id: folder.name,
    number: /^\d+/.exec(folder.name)?.[0] ?? null,
    ...checksumBytes(file),
    description: headers.description,
    keys: [folder.name],
    up: { kind: 'sql', text, file: up.shown },
    down,
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, up.shown, problems),
  }
}

/** Versions of Prisma before 6 ordered by bytes, where a digit comes before an underscore. */
function describeOrder(folders: readonly FolderEntry[]): Notice[] {
  const names = folders.map((folder) => folder.name)
  const byBytes = [...names].sort((a, b) => (a < b ? -1 : 1))
  const at = names.findIndex((name, index) => name !== byBytes[index])
  if (at < 0) return []
  return [
    {
      rule: 'prisma-order',
      message: `${names[at]} comes before ${byBytes[at]}, as in Prisma today; older versions took them the other way round.`,
      hint: 'Write all timestamps with 14 digits.',
    },
  ]
}
