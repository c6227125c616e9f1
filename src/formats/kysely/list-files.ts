import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { codeExtensions } from '../import-code.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import type { Findings } from '../problems.ts'

/** A file that is a migration. */
export interface MigrationFile extends FolderEntry {
  /** Its name without the ending: what Kysely knows it by. */
  stem: string
  extension: string
}

/**
 * The migrations of all folders in Kysely's order: by the code units of their names (`Object.keys(…).sort()` in
 * `migrator.ts`), not by what is in front of them. `onlyTypeScript`: as kysely-ctl lists them unless `allowJS` is set.
 */
export async function listMigrationFiles(
  options: FormatOptions,
  findings: Findings,
  onlyTypeScript = false,
): Promise<MigrationFile[]> {
  const files: MigrationFile[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, findings.problems)) {
      const extension = extname(entry.name)
      const isCode = codeExtensions.some((one) => one === extension) && !/\.d\.[cm]?ts$/.test(entry.name)
      const ignored = options.ignore !== null && entry.name.search(options.ignore) >= 0
      if (entry.kind !== 'file' || !isCode || ignored || (onlyTypeScript && !/ts$/.test(extension))) continue
      if (await isHelper(entry)) {
        findings.notices.push({
          rule: 'kysely-no-up',
          message: `${entry.shown} is left out, as Kysely does: it exports no \`up\`.`,
          hint: 'If it is a migration, export a function `up` from it.',
          file: entry.shown,
        })
        continue
      }
      files.push({ ...entry, extension, stem: entry.name.slice(0, -extension.length) })
    }
  }
  files.sort((a, b) => (a.stem < b.stem ? -1 : a.stem > b.stem ? 1 : 0))
  reportDuplicates(files, findings)
  return files
}

/** What has no number in front and does not speak of `up` is something that migrations import. */
async function isHelper({ name, path }: FolderEntry): Promise<boolean> {
  if (/^\d/.test(name)) return false
  const text = await readFile(path, 'utf8').catch(() => null)
  return text !== null && !/\bup\b|\bexport\s*\*/.test(text)
}

function reportDuplicates(files: readonly MigrationFile[], { problems }: Findings): void {
  for (const [index, file] of files.entries()) {
    const before = files[index - 1]
    if (before === undefined || before.stem !== file.stem) continue
    problems.push({
      code: 'MIGRATION_DUPLICATE',
      message: `Two files are the migration ${file.stem}: ${before.shown}, ${file.shown}.`,
      hint:
        before.extension !== file.extension
          ? "If one is compiled from the other, leave one kind out: `migrations.ignore`, for example '\\\\.js$'."
          : 'Keep one of them, or rename the other.',
      files: [before.shown, file.shown],
    })
  }
}
