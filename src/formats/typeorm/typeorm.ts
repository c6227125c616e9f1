import { extname } from 'node:path'
import type { Format, FormatOptions, LoadedMigrations } from '../../model/format.ts'
import type { Migration, Notice } from '../../model/migration.ts'
import { type Checksums, checksumText } from '../checksums.ts'
import { historyShape } from '../history-shapes.ts'
import type { FolderEntry } from '../list-folder.ts'
import { readPhase } from '../phase.ts'
import { notePlaceholdersUnused } from '../placeholders.ts'
import { type Findings, type FolderProblem, throwProblems } from '../problems.ts'
import { type FileText, readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { type Bind, bindTypeorm } from './bind.ts'
import { isOtherTool, type ProjectSource, readDataSource } from './data-source.ts'
import { detectTypeorm } from './detect.ts'
import { packageFolders } from './find-folders.ts'
import { readGlob } from './glob.ts'
import { listMigrationFiles } from './list-files.ts'
import { timestampOf } from './migration-name.ts'
import { blankComments, type FoundClass, readClasses } from './read-classes.ts'
import { importMigrations, readBodies } from './read-code.ts'
import { writeTypeormTemplate } from './template.ts'

/**
 * TypeORM's migrations: classes with `up(queryRunner)` and `down(queryRunner)`, in the order of the numbers at the end
 * of their names, with what the project's data source says. A file is imported when one of its classes is needed, and
 * earlier only where its text does not tell their names.
 */
export const typeorm: Format = {
  name: 'typeorm',
  history: historyShape('typeorm'),
  detect: detectTypeorm,

  async findDirs(options) {
    if (options.toolConfig != null && isOtherTool(options.toolConfig)) return null
    const source = await readDataSource(options)
    if (source === null) return null
    const dirs = [...new Set(source.migrationPatterns.map((pattern) => readGlob(pattern, source.base).base))]
    return dirs.length === 0 ? null : dirs
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const source = await readDataSource(options)
    const bind = bindTypeorm(source, packageFolders(options, source))
    const files = await listMigrationFiles(options, source, findings.problems)
    const found = await readInBatches(files, findings, (file, own) => readFile(file, own, bind))
    const migrations = found.flat().sort((a, b) => Number(a.number) - Number(b.number))
    reportDuplicates(migrations, findings.problems)
    throwProblems(findings.problems)
    const history = source === null ? {} : readHistory(source)
    return {
      migrations,
      notices: [...findings.notices, ...describeSettings(options, source)],
      ...(Object.keys(history).length === 0 ? {} : { history }),
    }
  },

  template: writeTypeormTemplate,
}

async function readFile(file: FolderEntry, { problems }: Findings, bind: Bind): Promise<Migration[] | null> {
  const text = await readTextFile(file, problems)
  if (text === null) return null
  const classes = readClasses(text.text) ?? (await importNames(file))
  const phase = readPhase(text.text, file.shown, problems)
  const migrations: Migration[] = []
  for (const [index, { name }] of classes.entries()) {
    const timestamp = timestampOf(name)
    if (timestamp === null) {
      problems.push({
        code: 'MIGRATIONS_UNREADABLE',
        message: `${file.shown} exports ${name === '' ? 'a class without a name' : name}, which does not end in a time: TypeORM refuses such a migration.`,
        hint: 'End the class name with milliseconds since 1970 (`AddUsers1700000000000`), or move what is no migration to a file elsewhere.',
        files: [file.shown],
      })
      continue
    }
    migrations.push({
      id: name,
      number: String(timestamp),
      ...checksumClass(classes.length === 1 ? text : cut(text, classes, index), name),
      description: null,
      keys: classes.length === 1 ? spellKeys(name, file.name) : [name],
      ...readBodies(file, name, bind),
      transaction: 'auto',
      ...phase,
    })
  }
  return migrations
}

async function importNames(file: FolderEntry): Promise<FoundClass[]> {
  return (await importMigrations(file)).map(({ name }) => ({ name, start: -1 }))
}

/** Without its own name, which stands in the text: else a class that got a later time would be taken for another one. */
function checksumClass(file: FileText, name: string): Checksums {
  const text = file.text.replaceAll(name, '')
  const { checksum, otherChecksums } = checksumText({ text, bytes: Buffer.from(text) })
  const whole = checksumText(file)
  return { checksum, otherChecksums: [...otherChecksums, whole.checksum, ...whole.otherChecksums] }
}

/** Of several classes in a file each has its own part, and what stands before the first: another may be added later. */
function cut(file: FileText, classes: readonly FoundClass[], index: number): FileText {
  const [first] = classes
  const own = classes[index]
  if (first === undefined || own === undefined || own.start < 0) return file
  const end = classes[index + 1]?.start ?? file.text.length
  const part = blankComments(file.text).slice(own.start, end).trimEnd().length
  const text = `${file.text.slice(0, first.start)}${file.text.slice(own.start, own.start + part)}\n`
  return { text, bytes: Buffer.from(text) }
}

/** The class's name is what rows hold; home-made tables hold names of files. */
function spellKeys(name: string, fileName: string): string[] {
  const stem = fileName.slice(0, -extname(fileName).length)
  return /\d{10}/.test(stem) ? [...new Set([name, stem, fileName])] : [name]
}

function reportDuplicates(migrations: readonly Migration[], problems: FolderProblem[]): void {
  const seen = new Map<string, Migration>()
  for (const migration of migrations) {
    const before = seen.get(migration.id)
    seen.set(migration.id, migration)
    if (before === undefined) continue
    const [one, other] = [before.up.file, migration.up.file]
    const compiled = extname(one) !== extname(other)
    problems.push({
      code: 'MIGRATION_DUPLICATE',
      message:
        one === other
          ? `${one} has the migration ${migration.id} twice.`
          : `Two files have the migration ${migration.id}: ${one}, ${other}.`,
      hint: compiled
        ? "Where one is compiled from the other, leave one out with `migrations.ignore` (for example `'\\\\.ts$'`)."
        : 'Keep one of them, or give the other class a later time.',
      files: [...new Set([one, other])],
    })
  }
}

function readHistory({ options }: ProjectSource): { table?: string; schema?: string } {
  const { migrationsTableName, schema } = options
  return {
    ...(typeof migrationsTableName === 'string' && migrationsTableName !== '' ? { table: migrationsTableName } : {}),
    ...(typeof schema === 'string' && schema !== '' ? { schema } : {}),
  }
}

/** What the data source says and this cannot, or need not, do. */
function describeSettings({ dialects, placeholders }: FormatOptions, source: ProjectSource | null): Notice[] {
  const notices = notePlaceholdersUnused(placeholders)
  if (source === null) return notices
  const { options, shown: file } = source
  const kind = typeof options.type === 'string' ? dialectOf(options.type) : null
  if (kind !== null && dialects !== undefined && dialects.length > 0 && !dialects.some((one) => one === kind)) {
    notices.push({
      rule: 'typeorm-type',
      message: `${file} is written for ${String(options.type)}, and the servers are ${dialects.join(' and ')}: those decide.`,
      file,
    })
  }
  if (source.migrationClasses > 0 && source.migrationPatterns.length === 0) {
    notices.push({
      rule: 'typeorm-classes',
      message: `${file} lists its migrations as classes; what counts here is the folder.`,
      hint: 'Check that `tenantry status --all` and `typeorm migration:show` list the same ones.',
      file,
      detail: true,
    })
  }
  return notices
}

function dialectOf(type: string): string | null {
  if (/^(?:mysql|mariadb|aurora-mysql)$/.test(type)) return 'mysql'
  if (/^(?:postgres|aurora-postgres|cockroachdb)$/.test(type)) return 'postgres'
  return /sqlite|sqljs|libsql/.test(type) ? 'sqlite' : null
}
