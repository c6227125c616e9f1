import { fileURLToPath } from 'node:url'
import type { Format, FormatOptions, LoadedMigrations } from '../../model/format.ts'
import type { HistoryShape } from '../../model/history.ts'
import type { Notice } from '../../model/migration.ts'
import { checksumText } from '../checksums.ts'
import { readPhase } from '../phase.ts'
import { notePlaceholdersUnused } from '../placeholders.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { bindKysely } from './bind.ts'
import { detectKysely } from './detect.ts'
import { listMigrationFiles } from './list-files.ts'
import { readBodies } from './read-code.ts'
import { type KyselyConfig, readKyselyConfig } from './read-config.ts'
import { kyselyShape } from './shape.ts'
import { writeKyselyTemplate } from './template.ts'

/**
 * Migrations of Kysely's `FileMigrationProvider` and of kysely-ctl: files that export `up(db)` and perhaps `down(db)`, with
 * what a `kysely.config` says. They are imported when they are needed, and run on the project's own kysely.
 */
export const kysely: Format = {
  name: 'kysely',
  history: kyselyShape,
  detect: detectKysely,

  async findDirs(options) {
    const config = await readKyselyConfig(options)
    return config?.migrationFolder == null ? null : [config.migrationFolder]
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const config = await readKyselyConfig(options)
    const own = fileURLToPath(new URL('.', import.meta.url))
    const bind = bindKysely(config, [...(config === null ? [] : [config.dir]), ...options.dirs, options.root, own])
    const onlyTypeScript = config !== null && config.migrationFolder !== null && config.migrations.allowJS !== true
    const all = await listMigrationFiles(options, { problems: [], notices: [] })
    const hasTypeScript = all.some(({ extension }) => /ts$/.test(extension))
    const files = await listMigrationFiles(options, findings, onlyTypeScript && hasTypeScript)
    const migrations = await readInBatches(files, findings, async (file, mine) => {
      const text = await readTextFile(file, mine.problems)
      if (text === null) return null
      return {
        id: file.stem,
        number: /^\d+/.exec(file.stem)?.[0] ?? null,
        ...checksumText(text),
        description: null,
        keys: [file.stem],
        ...readBodies(file, bind),
        transaction: 'auto' as const,
        ...readPhase(text.text, file.shown, mine.problems),
      }
    })
    throwProblems(findings.problems)
    const history = config === null ? {} : readHistory(config)
    const shape = config === null ? null : readShape(config)
    return {
      migrations,
      notices: [...findings.notices, ...describeSettings(options, config)],
      ...(Object.keys(history).length === 0 ? {} : { history }),
      ...(shape === null ? {} : { shape }),
    }
  },

  template: writeKyselyTemplate,
}

function readHistory({ migrations }: KyselyConfig): { table?: string; schema?: string } {
  const { migrationTableName: table, migrationTableSchema: schema } = migrations
  return {
    ...(typeof table === 'string' && table !== '' ? { table } : {}),
    ...(typeof schema === 'string' && schema !== '' ? { schema } : {}),
  }
}

/** With another name for the table of the lock row. */
function readShape({ migrations }: KyselyConfig): HistoryShape | null {
  const { migrationLockTableName: table } = migrations
  const { beside } = kyselyShape
  return typeof table !== 'string' || table === '' || beside === undefined
    ? null
    : { ...kyselyShape, beside: { ...beside, table } }
}

/** What the config says and this cannot, or need not, do. */
function describeSettings({ placeholders }: FormatOptions, config: KyselyConfig | null): Notice[] {
  const notices = notePlaceholdersUnused(placeholders)
  if (config !== null && config.migrationFolder === null) {
    const what = config.migrations.migrator === undefined ? 'provider' : 'migrator'
    notices.push({
      rule: 'kysely-provider',
      message: `${config.shown} makes a ${what} of its own, which cannot be asked for its folder${what === 'migrator' ? ' and tables' : ''}: the files of \`migrations.dir\` count.`,
      hint:
        what === 'migrator'
          ? 'Where it names other tables than kysely_migration, write them into `migrations.history`.'
          : 'Write its folder into `migrations.dir`.',
      file: config.shown,
    })
  }
  return notices
}
