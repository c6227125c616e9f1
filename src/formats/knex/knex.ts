import { existsSync } from 'node:fs'
import type { Format, FormatOptions, LoadedMigrations } from '../../model/format.ts'
import type { Migration, Notice } from '../../model/migration.ts'
import { checksumText } from '../checksums.ts'
import { historyShape } from '../history-shapes.ts'
import { readPhase } from '../phase.ts'
import { notePlaceholdersUnused } from '../placeholders.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { bindKnex } from './bind.ts'
import { detectKnex } from './detect.ts'
import { findPackageFolders } from './find-folders.ts'
import { type Knexfile, migrationDirs, readKnexfile } from './knexfile.ts'
import { listMigrationFiles, spellKeys } from './list-files.ts'
import { dialectOfClient } from './make-instance.ts'
import { importMigration, readBodies } from './read-code.ts'
import { loadFromSource } from './source.ts'
import { writeKnexTemplate } from './template.ts'

/**
 * Knex's migrations: JavaScript or TypeScript files that export `up` and `down`, with the knexfile's settings. They are
 * imported when they are needed, and run on the project's own knex. No folders at all: the knexfile's `migrationSource`.
 */
export const knex: Format = {
  name: 'knex',
  history: historyShape('knex'),
  detect: detectKnex,

  async findDirs(options) {
    const knexfile = await readKnexfile(options)
    if (knexfile === null) return null
    const dirs = migrationDirs(knexfile)
    // A knexfile that only connects an application says nothing about migrations.
    const says = Object.keys(knexfile.migrations).length > 0 || dirs.some((dir) => existsSync(dir))
    return says ? dirs : null
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const knexfile = await readKnexfile(options)
    const bind = bindKnex(knexfile, findPackageFolders(options, knexfile))
    const migrations =
      options.dirs.length === 0 && knexfile !== null
        ? await loadFromSource(options, knexfile, bind)
        : await loadFiles(options, knexfile, bind, findings)
    throwProblems(findings.problems)
    const history = knexfile === null ? {} : readHistory(knexfile)
    return {
      migrations,
      notices: [...findings.notices, ...describeSettings(options, knexfile)],
      ...(Object.keys(history).length === 0 ? {} : { history }),
    }
  },

  template: writeKnexTemplate,
}

async function loadFiles(
  options: FormatOptions,
  knexfile: Knexfile | null,
  bind: ReturnType<typeof bindKnex>,
  findings: Findings,
): Promise<Migration[]> {
  const files = await listMigrationFiles(options, knexfile, findings)
  return readInBatches(files, findings, async (file, own) => {
    const text = await readTextFile(file, own.problems)
    if (text === null) return null
    const { shown, path, name, stem } = file
    const info = { file: name, directory: path.slice(0, -name.length - 1) }
    return {
      id: stem,
      number: /^\d+/.exec(stem)?.[0] ?? null,
      ...checksumText(text),
      description: null,
      keys: spellKeys(file),
      ...readBodies({ shown, info, read: () => importMigration(path, shown) }, bind),
      transaction: 'auto' as const,
      ...readPhase(text.text, shown, own.problems),
    }
  })
}

function readHistory({ migrations, searchPath }: Knexfile): { table?: string; schema?: string } {
  const { tableName, schemaName } = migrations
  const schema = typeof schemaName === 'string' && schemaName !== '' ? schemaName : searchPath[0]
  return {
    ...(typeof tableName === 'string' && tableName !== '' ? { table: tableName } : {}),
    ...(schema === undefined ? {} : { schema }),
  }
}

/** What the knexfile says and this cannot, or need not, do. */
function describeSettings({ dialects, placeholders }: FormatOptions, knexfile: Knexfile | null): Notice[] {
  const notices = notePlaceholdersUnused(placeholders)
  if (knexfile === null) return notices
  const { client, migrations, shown } = knexfile
  const kind = client === null ? null : dialectOfClient(client)
  if (kind !== null && dialects !== undefined && dialects.length > 0 && !dialects.includes(kind)) {
    notices.push({
      rule: 'knex-client',
      message: `${shown} is written for ${client}, and the servers are ${dialects.join(' and ')}: those decide.`,
      hint: 'Choose the environment that these migrations are run in with --env.',
      file: shown,
    })
  }
  const unrun = ['beforeAll', 'afterAll'].filter((name) => typeof migrations[name] === 'function')
  if (unrun.length > 0) {
    notices.push({
      rule: 'knex-hooks',
      message: `${unrun.join(' and ')} of ${shown} are not called: each migration is carried out for itself.`,
      hint: 'beforeEach and afterEach are called, in the transaction of their migration.',
      file: shown,
    })
  }
  return notices
}
