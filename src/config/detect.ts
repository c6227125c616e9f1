import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { formatNames } from '../model/format.ts'

/** A way of writing migrations that is recognised; only some can be read by this version. */
export type FoundFormat =
  | 'sql'
  | 'prisma'
  | 'knex'
  | 'sequelize'
  | 'kysely'
  | 'typeorm'
  | 'drizzle'
  | 'goose'
  | 'dbmate'
  | 'sql-migrate'
  | 'flyway'
  | 'golang-migrate'
  | 'node-pg-migrate'
  | 'code'

export interface FoundMigrations {
  /** Relative to the project, with forward slashes. */
  dir: string
  format: FoundFormat
  /** This version can run them. */
  supported: boolean
}

/** What a project looks like to `tenantry init`. Holds names only: no value of a variable was kept. */
export interface ProjectFindings {
  migrations: readonly FoundMigrations[]
  /** Files of other tools: `knexfile.js`, `backend/.sequelizerc`, `prisma/schema.prisma`. */
  toolFiles: readonly string[]
  /** Packages of package.json that say how this project migrates or connects. */
  packages: readonly string[]
  /** Names of variables about databases in `.env*` files. */
  variables: readonly string[]
}

/** What this version can run. */
const supportedFormats: ReadonlySet<string> = new Set(formatNames)

const knownPackages = [
  '@prisma/client',
  'db-migrate',
  'drizzle-kit',
  'drizzle-orm',
  'knex',
  'kysely',
  'mysql2',
  'node-pg-migrate',
  'pg',
  'postgres',
  'prisma',
  'sequelize',
  'sequelize-cli',
  'typeorm',
  'umzug',
]

const folders = [
  'prisma/migrations',
  'migrations',
  'migrations/tenant',
  'migrations/tenants',
  'db/migrations',
  'db/migrate',
  'database/migrations',
  'sql/migrations',
  'src/migrations',
  'src/db/migrations',
  'drizzle',
  'db/migration',
  'src/main/resources/db/migration',
]

const toolFileNames =
  /^(knexfile\.[cm]?[jt]s|kysely\.config\.[cm]?[jt]s|\.sequelizerc|drizzle\.config\.[cm]?[jt]s|ormconfig\.\w+|data-source\.[cm]?[jt]s|dbmate\.\w+|flyway\.(conf|toml))$/
const variableNames =
  /^(\w+_)?(DATABASE_URL|DB_URL|DB_(HOST|PORT|NAME|USER|PASS|PASSWORD|DIALECT)|TENANT_REGISTRY_DB_URL|POSTGRES_URL)$/
const envFiles = /^\.env(\.(example|sample|template|local|development|defaults|dist))?$/
const skippedFolders = /^(\..*|node_modules|dist|build|out|coverage|vendor|tmp)$/

/**
 * Looks at a project and its folders one level down (`backend/…`). Reads files, runs none; an unreadable one counts
 * as absent. Of `.env` files only the names of variables are taken.
 */
export async function detectProject(root: string): Promise<ProjectFindings> {
  const below = await listFolders(root)
  const found = {
    migrations: [] as FoundMigrations[],
    toolFiles: [] as string[],
    packages: new Set<string>(),
    variables: new Set<string>(),
  }
  for (const base of ['', ...below]) {
    const names = await listNames(join(root, base))
    for (const name of names) {
      if (toolFileNames.test(name)) found.toolFiles.push(posix.join(base, name))
      if (envFiles.test(name))
        for (const variable of await readVariableNames(join(root, base, name))) found.variables.add(variable)
    }
    if (names.includes('package.json'))
      for (const name of await readPackages(join(root, base))) found.packages.add(name)
    if ((await listNames(join(root, base, 'prisma'))).includes('schema.prisma'))
      found.toolFiles.push(posix.join(base, 'prisma/schema.prisma'))
    for (const folder of await listCandidates(root, base)) {
      const format = await asGoWouldHaveIt(root, folder, await recogniseFolder(join(root, folder)))
      const known = found.migrations.some((other) => other.dir === folder)
      if (format !== null && !known) {
        found.migrations.push({ dir: folder, format, supported: supportedFormats.has(format) })
      }
    }
  }
  return { ...found, packages: [...found.packages].sort(), variables: [...found.variables].sort() }
}

/** Usual folders, and those that a knexfile or a config of kysely-ctl or drizzle-kit names. */
async function listCandidates(root: string, base: string): Promise<string[]> {
  const named: string[] = []
  for (const name of (await listNames(join(root, base))).filter((entry) =>
    /^(?:knexfile|(?:kysely|drizzle)\.config)\./.test(entry),
  )) {
    const text = await readText(join(root, base, name))
    for (const match of text.matchAll(/\b(?:directory|migrationFolder|out):\s*['"`](?:\.\/)?([\w./-]+)['"`]/g)) {
      const folder = posix.join(base, match[1] ?? '')
      if (!folder.startsWith('..') && !/seeds?$/.test(folder)) named.push(folder)
    }
  }
  return [...named, ...folders.map((folder) => posix.join(base, folder))]
}

/** Files `1_x.up.sql` are plain SQL or golang-migrate's: a go.mod between them and the project's root can tell. */
async function asGoWouldHaveIt(root: string, folder: string, format: FoundFormat | null): Promise<FoundFormat | null> {
  if (format !== 'sql') return format
  const names = await listNames(join(root, folder))
  if (!names.some((name) => /^\d+_.*\.(up|down)\.sql$/.test(name))) return format
  for (let base = folder; ; base = posix.dirname(base)) {
    const text = await readText(join(root, base, 'go.mod'))
    if (/\bgithub\.com\/golang-migrate\/migrate\b/.test(text)) return 'golang-migrate'
    if (base === '.') return format
  }
}

/** How the migrations in a folder are written; null: there are none. */
async function recogniseFolder(dir: string): Promise<FoundFormat | null> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  const inner = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  if (inner.includes('meta') && (await listNames(join(dir, 'meta'))).includes('_journal.json')) return 'drizzle'
  for (const folder of inner) {
    const names = await listNames(join(dir, folder))
    if (!names.includes('migration.sql')) continue
    return names.includes('snapshot.json') ? 'drizzle' : 'prisma'
  }
  const sql = files.filter((name) => name.endsWith('.sql')).sort()
  const code = files.filter((name) => /\.[cm]?[jt]s$/.test(name) && /^\d/.test(name)).sort()
  const byCode = code[0] === undefined ? null : recogniseCode(await readText(join(dir, code[0])))
  // The one tool that has both in one sequence.
  if (sql[0] === undefined || byCode === 'node-pg-migrate') return byCode
  return recogniseSql(sql, await readText(join(dir, sql[0])))
}

/** Files that hold their own undo below a marker must not be taken for plain SQL: running them would undo them. */
function recogniseSql(names: readonly string[], text: string): FoundFormat {
  if (/^--\s*\+goose\b/m.test(text)) return 'goose'
  if (/^--\s*migrate:up\b/m.test(text)) return 'dbmate'
  if (/^--\s*\+migrate\b/m.test(text)) return 'sql-migrate'
  if (/^\s*--[\s-]*up\s+migration\s*$/im.test(text)) return 'node-pg-migrate'
  return names.some((name) => /^[VUR][\d._]*__/.test(name)) ? 'flyway' : 'sql'
}

function recogniseCode(text: string): FoundFormat {
  if (/queryInterface|sequelize/i.test(text)) return 'sequelize'
  if (/MigrationInterface|QueryRunner/.test(text)) return 'typeorm'
  if (/\bpgm\b|['"]node-pg-migrate['"]/.test(text)) return 'node-pg-migrate'
  if (/\bKysely\b|['"]kysely['"]/.test(text)) return 'kysely'
  return /\bknex\b/i.test(text) ? 'knex' : 'code'
}

async function readPackages(dir: string): Promise<string[]> {
  try {
    const parsed: unknown = JSON.parse(await readText(join(dir, 'package.json')))
    if (typeof parsed !== 'object' || parsed === null) return []
    const names = ['dependencies', 'devDependencies'].flatMap((key) => {
      const part: unknown = Object.hasOwn(parsed, key) ? (parsed as Record<string, unknown>)[key] : null
      return typeof part === 'object' && part !== null ? Object.keys(part) : []
    })
    return names.filter((name) => knownPackages.includes(name))
  } catch {
    return []
  }
}

async function readVariableNames(file: string): Promise<string[]> {
  const text = await readText(file)
  const names = [...text.matchAll(/^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=/gm)].map((match) => match[1] ?? '')
  return names.filter((name) => variableNames.test(name))
}

async function listFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && !skippedFolders.test(entry.name))
    .map((entry) => entry.name)
    .sort()
}

async function listNames(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).sort()
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}
