import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Format, FormatOptions, LoadedMigrations } from '../../model/format.ts'
import { listFolder } from '../list-folder.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { findMigrationFolders, readFolders } from './folders.ts'
import { findJournals, readJournals } from './journal.ts'
import { findOut, readDrizzleConfig } from './read-config.ts'
import { folderShape, journalShape } from './shapes.ts'
import { hasDrizzle1, holdsSql, writeFolder, writeJournalled } from './template.ts'

/**
 * Drizzle's folders: `0000_name.sql` with `meta/_journal.json`, which tells order and times (drizzle-kit before 1.0), or a
 * folder `<yyyymmddhhmmss>_name/migration.sql` for each (1.0). Drizzle has no undo: ours is `rollbacks/0000_name.sql`, or
 * `rollback.sql` in the folder.
 */
export const drizzle: Format = {
  name: 'drizzle',
  history: journalShape,

  async detect(dir) {
    if (await isThere(join(dir, 'meta', '_journal.json'))) return 1
    for (const entry of await listFolder(dir, dir, [])) {
      if (entry.kind !== 'folder' || !/^\d{14}_/.test(entry.name)) continue
      const names = (await listFolder(dir, entry.path, [])).map(({ name }) => name)
      if (names.includes('migration.sql') && names.includes('snapshot.json')) return 0.95
    }
    return 0
  },

  async findDirs(options) {
    for (const dir of [await findOut(options.root), join(options.root, 'drizzle')]) {
      if (dir !== null && (await drizzle.detect(dir)) > 0) return [dir]
    }
    return null
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const journals = await findJournals(options, findings)
    const hasJournal = journals.length > 0 || findings.problems.length > 0
    const folders = hasJournal ? [] : await findMigrationFolders(options, findings)
    if (hasJournal) await refuseOthers(options, findings)
    else if (folders.length === 0) await refuseWithoutJournal(options, findings)
    const migrations = hasJournal
      ? await readJournals(journals, options, findings)
      : await readFolders(folders, options, findings)
    throwProblems(findings.problems)
    const config = await readDrizzleConfig(options)
    const history = { ...(config?.table && { table: config.table }), ...(config?.schema && { schema: config.schema }) }
    return {
      migrations,
      notices: findings.notices,
      ...(Object.keys(history).length > 0 && { history }),
      ...(folders.length > 0 && { shape: folderShape }),
    }
  },

  async template(options, name, details) {
    // A folder that is broken, or not there yet, can still get a new file; `load` tells what is wrong with it.
    const findings: Findings = { problems: [], notices: [] }
    const journal = (await findJournals(options, findings)).at(-1) ?? null
    if (journal !== null) return writeJournalled(options, journal, name, details)
    throwProblems(findings.problems)
    const folders = await findMigrationFolders(options, findings)
    if (folders.length > 0 || (await hasDrizzle1(options))) return writeFolder(options, folders, name, details)
    return writeJournalled(options, null, name, details)
  },
}

/** Drizzle 1 refuses a folder with a journal, and versions before it see no folders: half of it would be left out. */
async function refuseOthers(options: FormatOptions, findings: Findings): Promise<void> {
  const [folder] = await findMigrationFolders(options, { problems: [], notices: [] })
  if (folder === undefined) return
  findings.problems.push({
    code: 'MIGRATIONS_UNREADABLE',
    message: `${folder.entry.shown} is a migration of Drizzle 1, and beside it is a journal of the version before.`,
    hint: 'Let `drizzle-kit up` of Drizzle 1 turn the old files into folders, or keep the two in folders of their own.',
    files: [folder.entry.shown],
  })
}

async function refuseWithoutJournal(options: FormatOptions, findings: Findings): Promise<void> {
  const file = findings.problems.length > 0 ? null : await holdsSql(options)
  if (file === null) return
  findings.problems.push({
    code: 'MIGRATIONS_UNREADABLE',
    message: `There is no meta/_journal.json beside ${file}, so Drizzle would apply nothing of it.`,
    hint: "Bring the journal back from version control; or, if these files are not Drizzle's, correct `migrations.format`.",
    files: [file],
  })
}

async function isThere(path: string): Promise<boolean> {
  return readFile(resolve(path)).then(
    () => true,
    () => false,
  )
}
