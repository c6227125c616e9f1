import type { Format, FormatOptions, LoadedMigrations } from '../model/format.ts'
import type { Migration } from '../model/migration.ts'
import { checksumText } from './checksums.ts'
import { readHeaders } from './headers.ts'
import { historyShape } from './history-shapes.ts'
import { listFolder } from './list-folder.ts'
import { readPhase } from './phase.ts'
import { replacePlaceholders } from './placeholders.ts'
import { type Findings, throwProblems } from './problems.ts'
import { readTextFile } from './read-file.ts'
import { readInBatches } from './read-in-batches.ts'
import { readUndo } from './read-undo.ts'
import { readSqlName, type SqlFiles, scanSqlFolders } from './sql-folder.ts'
import { writeSqlTemplate } from './sql-template.ts'

/**
 * Plain SQL files: `001_init.sql` or `20250101_x.up.sql`, undone by `rollbacks/<same name>.sql` or `x.down.sql`.
 * Checksums are taken from the file as it is on disk, before placeholders, so that they are the same everywhere.
 */
export const sql: Format = {
  name: 'sql',
  history: historyShape('schema_migrations'),

  async detect(dir) {
    const entries = await listFolder(dir, dir, [])
    return entries.some((entry) => entry.kind === 'file' && readSqlName(entry.name) !== null) ? 0.5 : 0
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const folder = await scanSqlFolders(options, findings)
    const numbers = new Map<bigint, number>()
    for (const { number } of folder.migrations) {
      if (number !== null) numbers.set(number.value, (numbers.get(number.value) ?? 0) + 1)
    }
    const migrations = await readInBatches(folder.migrations, findings, async (files, own) => {
      const unique = files.number !== null && numbers.get(files.number.value) === 1
      return readMigration(files, unique, options, own)
    })
    throwProblems(findings.problems)
    return { migrations, notices: findings.notices }
  },

  template: writeSqlTemplate,
}

async function readMigration(
  files: SqlFiles,
  uniqueNumber: boolean,
  options: FormatOptions,
  findings: Findings,
): Promise<Migration | null> {
  const file = await readTextFile(files.up, findings.problems)
  const down = files.down === null ? null : await readUndo(files.down, files.id, options, findings)
  if (file === null) return null
  const text = replacePlaceholders(file.text, options.placeholders)
  const headers = readHeaders(text)
  return {
    id: files.id,
    number: files.number?.text ?? null,
    ...checksumText(file),
    description: headers.description,
    keys: spellKeys(files, uniqueNumber),
    up: { kind: 'sql', text, file: files.up.shown },
    down,
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, files.up.shown, findings.problems),
  }
}

/**
 * Ids first, then what other runners write: the file's name, with and without its endings, and the bare number; also
 * without leading zeros, since that is what comes back from a numeric column.
 */
function spellKeys(files: SqlFiles, uniqueNumber: boolean): string[] {
  const { id, up, number } = files
  const keys = [id, up.name, `${id}.sql`, `${id}.up.sql`, `${id}.up`]
  if (uniqueNumber && number !== null) keys.push(number.text, number.text.replace(/^0+(?=\d)/, ''))
  return [...new Set(keys)]
}
