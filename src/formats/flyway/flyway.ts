import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Format, LoadedMigrations } from '../../model/format.ts'
import { listFolder } from '../list-folder.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { readInBatches } from '../read-in-batches.ts'
import { nextNumber } from '../sections/next-version.ts'
import { describeName, formatStamp, makeSlug } from '../slug.ts'
import { findFiles, versionOf } from './find-files.ts'
import { readMigration } from './read-migration.ts'
import { readSettings } from './settings.ts'
import { flywayHistory } from './shape.ts'

const usual = /^([VU]\d+([._]\d+)*__.+|R__.+)\.sql$/

/**
 * SQL files of Flyway: `V1_2__name.sql`, undone by `U1_2__name.sql`, and `R__name.sql`, which is applied again whenever
 * it changes. Source: `ResourceNameParser`, `SqlMigrationResolver`, `MigrationInfoServiceImpl` of flyway/flyway. Subfolders
 * belong to their folder. Migrations in Java keep their place in the order, and are not run.
 */
export const flyway: Format = {
  name: 'flyway',
  history: flywayHistory,

  async detect(dir) {
    const folders = [dir]
    for (let level = 0; level < 3 && folders.length > 0; level++) {
      for (const folder of folders.splice(0, 50)) {
        for (const { kind, name, path } of await listFolder(dir, folder, [])) {
          if (kind === 'file' && usual.test(name)) return 0.9
          if (kind === 'folder') folders.push(path)
        }
      }
    }
    return 0
  },

  async findDirs(options) {
    const { locations } = await readSettings(options, [])
    const there: string[] = []
    for (const path of locations) if (await exists(path)) there.push(path)
    return there.length === 0 ? null : there
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const settings = await readSettings(options, findings.problems)
    const now = new Date()
    const files = await findFiles(options, settings, findings)
    const migrations = await readInBatches(files, findings, (one, own) =>
      readMigration(one, settings, options, now, own),
    )
    throwProblems(findings.problems)
    const { table, schema } = settings
    const history = { ...(table === null ? {} : { table }), ...(schema === null ? {} : { schema }) }
    return { migrations, notices: findings.notices, history }
  },

  async template(options, name, { description, now }) {
    const slug = makeSlug(name)
    const settings = await readSettings(options, [])
    const files = await findFiles(options, settings, { problems: [], notices: [] })
    const last = files.filter(({ up }) => up.name.kind === 'versioned').at(-1)?.up
    const dir = last === undefined ? (options.dirs[0] ?? options.root) : dirname(last.entry.path)
    const stem = `${nextVersion(last === undefined ? null : versionOf(last), now)}${settings.separator}${slug}`
    const suffix = settings.suffixes[0] ?? '.sql'
    const header = `-- Description: ${describeName(name, description)}\n\n`
    return [
      { path: join(dir, `${settings.prefix}${stem}${suffix}`), text: header },
      {
        path: join(dir, `${settings.undoPrefix}${stem}${suffix}`),
        text: `-- Rollback for: ${settings.prefix}${stem}\n\n`,
      },
    ]
  },
}

/** The last part counts on; a time is now. */
function nextVersion(last: string | null, now: Date): string {
  if (last === null) return formatStamp(now)
  const parts = last.split('.')
  const end = nextNumber(parts.pop() ?? '0', now, '1')
  return [...parts, end].join('.')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
