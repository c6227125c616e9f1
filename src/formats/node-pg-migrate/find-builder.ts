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
  const found = [exports, module].map((holder) => memberOf(holder, 'MigrationBuilder')).find(isClass)
  const Builder = found ?? (await findInside(folders))
  if (Builder === undefined) {
    throw new TenantryError('DRIVER_MISSING', `node-pg-migrate ${version} hands out no MigrationBuilder.`, {
      hint: 'Install a newer one in the project: npm install node-pg-migrate@latest',
    })
  }
  return (database, shorthands, decamelize) => new Builder(database, shorthands, decamelize, silent)
}

/** Versions before 8 keep it in a file of its own. */
async function findInside(folders: readonly string[]): Promise<BuilderClass | undefined> {
  const loaded = await loadUserPackage('node-pg-migrate/dist/migration-builder', folders).catch(() => null)
  return [loaded?.module, memberOf(loaded?.module, 'default'), memberOf(loaded?.exports, 'default')].find(isClass)
}

function memberOf(holder: unknown, name: string): unknown {
  const canHold = (typeof holder === 'object' && holder !== null) || typeof holder === 'function'
  return canHold ? (holder as Record<string, unknown>)[name] : undefined
}

function isClass(value: unknown): value is BuilderClass {
  return typeof value === 'function'
}
