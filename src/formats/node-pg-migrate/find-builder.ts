import { TenantryError } from '../../model/errors.ts'
import { loadUserPackage } from '../user-package.ts'

/** What is used of the tool's builder; the same in its versions 5 to 9. */
export interface MigrationBuilder {
  enableReverseMode(): unknown
  isUsingTransaction(): boolean
  getSqlSteps(): readonly string[]
}

/** How the builder asks the database (`pgm.db`). */
export interface BuilderDatabase {
  query(...args: readonly unknown[]): Promise<unknown>
  select(...args: readonly unknown[]): Promise<unknown>
}

export type MakeBuilder = (
  database: BuilderDatabase,
  shorthands: Readonly<Record<string, unknown>>,
  decamelize: boolean,
) => MigrationBuilder

type BuilderClass = new (
  database: BuilderDatabase,
  shorthands: Readonly<Record<string, unknown>>,
  decamelize: boolean,
  logger: object,
) => MigrationBuilder

/** The tool's own warnings would come once per target, and between the lines of a report. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The builder of the project's own node-pg-migrate. Throws DRIVER_MISSING. */
export async function findBuilder(folders: readonly string[]): Promise<MakeBuilder> {
  const { exports, module, version } = await loadUserPackage('node-pg-migrate', folders)
  const holders = [exports, module]
  const found = holders.map((holder) => memberOf(holder, 'MigrationBuilder')).find(isClass)
  const Builder = found ?? (await findByMigration(holders))
  if (Builder === undefined) {
    throw new TenantryError('DRIVER_MISSING', `node-pg-migrate ${version} hands out no MigrationBuilder.`, {
      hint: 'Install a newer one in the project: npm install node-pg-migrate@latest',
    })
  }
  return (database, shorthands, decamelize) => new Builder(database, shorthands, decamelize, silent)
}

/** Versions before 8 do not hand it out; a migration is given one. */
async function findByMigration(holders: readonly unknown[]): Promise<BuilderClass | undefined> {
  const Migration = holders.map((holder) => memberOf(holder, 'Migration')).find(isClass) as MigrationClass | undefined
  if (Migration === undefined) return undefined
  let found: unknown
  const up = (pgm: object) => {
    found = pgm.constructor
  }
  const nothing = { query: async () => ({ rows: [] }), select: async () => [] }
  const settings = { singleTransaction: true, migrationsTable: 'x', schema: 'x' }
  await new Migration(nothing, '/1_x.js', { up }, settings, {}, silent).apply('up').catch(() => {})
  return isClass(found) ? found : undefined
}

type MigrationClass = new (...args: readonly unknown[]) => { apply(direction: 'up'): Promise<unknown> }

function memberOf(holder: unknown, name: string): unknown {
  const canHold = (typeof holder === 'object' && holder !== null) || typeof holder === 'function'
  return canHold ? (holder as Record<string, unknown>)[name] : undefined
}

function isClass(value: unknown): value is BuilderClass {
  return typeof value === 'function'
}
