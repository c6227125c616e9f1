import { fileURLToPath } from 'node:url'
import type { Format, FormatOptions, LoadedMigrations } from '../../model/format.ts'
import type { Body, Migration, Notice } from '../../model/migration.ts'
import { checksumText } from '../checksums.ts'
import { isUnwritten, readHeaders } from '../headers.ts'
import { historyShape } from '../history-shapes.ts'
import { readPhase } from '../phase.ts'
import { notePlaceholdersUnused, replacePlaceholders } from '../placeholders.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { type FileText, readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { bindBuilder } from './bind.ts'
import { detectNodePgMigrate } from './detect.ts'
import { listMigrationFiles, type MigrationFile } from './list-files.ts'
import { type CodeModule, openModule, readBodies } from './read-code.ts'
import { readSettings, type Settings } from './settings.ts'
import { splitSql } from './split-sql.ts'
import { writeTemplate } from './template.ts'

/**
 * Migrations of node-pg-migrate: code that builds SQL with `pgm`, and files of SQL with `-- Up Migration` and
 * `-- Down Migration`, in one sequence.
 */
export const nodePgMigrate: Format = {
  name: 'node-pg-migrate',
  history: historyShape('node-pg-migrate'),
  detect: detectNodePgMigrate,

  async findDirs(options) {
    const { dir } = await readSettings(options)
    return dir === null ? null : [dir]
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const settings = await readSettings(options)
    const files = await listMigrationFiles(options, settings, findings)
    const read = await readInBatches(files, findings, async (file, own) => {
      const text = await readTextFile(file, own.problems)
      const undo = file.undo === null ? null : await readTextFile(file.undo, own.problems)
      return text === null ? null : { file, text, undo }
    })
    const bind = bindBuilder(settings.decamelize, findPackageFolders(options))
    const modules: CodeModule[] = []
    const migrations = read.map(({ file, text, undo }): Migration => {
      const headers = readHeaders(text.text)
      const base = {
        id: file.stem,
        number: /^\d+/.exec(file.stem)?.[0] ?? null,
        ...checksumText(text),
        description: headers.description,
        keys: [file.stem],
        transaction: headers.noTransaction ? ('never' as const) : ('auto' as const),
        ...readPhase(text.text, file.shown, findings.problems),
      }
      if (file.extension === '.sql') return { ...base, ...readSql(file, text, undo, options, findings) }
      const earlier = [...modules]
      const module = openModule(file, text.text)
      modules.push(module)
      return { ...base, ...readBodies(module, earlier, bind) }
    })
    throwProblems(findings.problems)
    const { table, historySchema } = settings
    const history = {
      ...(table === null ? {} : { table }),
      ...(historySchema === null ? {} : { schema: historySchema }),
    }
    return {
      migrations,
      notices: [...findings.notices, ...describeSettings(options, settings, modules.length > 0)],
      ...(Object.keys(history).length === 0 ? {} : { history }),
      ...(settings.checkOrder ? { strictOrder: { hint: orderHint } } : {}),
    }
  },

  template: writeTemplate,
}

const orderHint =
  'node-pg-migrate refuses it, too ("is preceding already run migration"). Rename to the end of the order what no database has applied yet; or undo the newer ones first with `tenantry down`; or, where the tool is run with `--no-check-order`, say so in its settings: `"check-order": false`.'

/** Where the project's package is looked for: from the migrations, the project, and where this package is. */
function findPackageFolders(options: FormatOptions): string[] {
  return [...options.dirs, options.root, fileURLToPath(new URL('.', import.meta.url))]
}

function readSql(
  file: MigrationFile,
  { text }: FileText,
  undo: FileText | null,
  options: FormatOptions,
  { notices }: Findings,
): { up: Body; down: Body | null } {
  const filled = replacePlaceholders(text, options.placeholders)
  const split = splitSql(filled)
  const up = file.undo === null ? split.up : filled
  const down =
    file.undo === null ? split.down : undo === null ? null : replacePlaceholders(undo.text, options.placeholders)
  const place = { file: file.shown, migration: file.stem }
  if (file.undo === null && split.upHoldsDown) {
    notices.push({
      rule: 'undo-runs-with-up',
      message: `${file.shown} has a mark for its undo and none for the migration: node-pg-migrate carries out both, one after the other.`,
      hint: 'Write `-- Up Migration` above the first statement.',
      ...place,
    })
  }
  const body = (text: string): Body => ({ kind: 'sql', text, file: file.shown })
  if (down === null || !isUnwritten(down)) {
    return { up: body(up), down: down === null ? null : { ...body(down), file: file.undo?.shown ?? file.shown } }
  }
  notices.push({
    rule: 'undo-not-written',
    message: `The undo in ${file.undo?.shown ?? file.shown} is empty, so ${file.stem} has none.`,
    hint: 'Write it; or, if there is nothing to undo, say so in a comment there.',
    ...place,
  })
  return { up: body(up), down: null }
}

/** What the settings say and this cannot, or need not, do. */
function describeSettings({ placeholders }: FormatOptions, { searchPath }: Settings, hasCode: boolean): Notice[] {
  const notices = hasCode
    ? notePlaceholdersUnused(
        placeholders,
        'Placeholders are put into files of SQL, and not into migrations that are code.',
      )
    : []
  if (searchPath.some((schema) => schema !== 'public')) {
    notices.push({
      rule: 'node-pg-migrate-schema',
      message: `node-pg-migrate is told to use the schema ${searchPath.join(', ')}: here the tenants' places decide.`,
      hint: 'Give the tenants a `schema`, as schema-per-tenant fleets have it.',
    })
  }
  return notices
}
