import { fileURLToPath } from 'node:url'
import type { CodeSession } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import type { DialectName } from '../../model/server.ts'
import { loadUserPackage, type UserPackage } from '../user-package.ts'
import { dressClient } from './dress-client.ts'
import { makeInstance } from './make-instance.ts'
import { makeNewer } from './newer.ts'
import type { Pool, RawClient, Sequelize, SequelizeClass } from './sequelize-types.ts'

/** The project's own sequelize, and how its version is bound to connections of ours. */
export interface Tool {
  Sequelize: SequelizeClass
  DataTypes: object
  /** Second argument of a migration. */
  argument: unknown
  make(session: CodeSession, settings: Readonly<Record<string, unknown>>): Sequelize
  /** What opens connections, and under which name. */
  managerOf(instance: Sequelize): Record<string, (...args: unknown[]) => Promise<unknown>>
  connect: string
  replacePool(instance: Sequelize, pool: Pool): void
  /** Calls back with each instance that is made from now on, by anybody. */
  onInstance(back: (instance: Sequelize) => void): void
  dress(client: RawClient, instance: Sequelize, dialect: DialectName): RawClient
  /** Before each migration. */
  begin(instance: Sequelize): Promise<void>
}

const here = fileURLToPath(new URL('.', import.meta.url))

/** Looked for from each of these folders in turn. Throws DRIVER_MISSING, MIGRATION_UNSUPPORTED. */
export async function findSequelize(folders: readonly string[]): Promise<Tool> {
  const load = (name: string, from: readonly string[]) => loadUserPackage(name, from).catch(() => null)
  // Version 7 has another name. Where this package is comes last.
  const found =
    (await load('sequelize', folders)) ??
    (await load('@sequelize/core', folders)) ??
    (await loadUserPackage('sequelize', [...folders, here]))
  const known = tools.get(found)
  if (known !== undefined) return known
  const tool = await makeTool(found, folders)
  tools.set(found, tool)
  return tool
}

const tools = new WeakMap<object, Tool>()

async function makeTool({ module, exports, version }: UserPackage, folders: readonly string[]): Promise<Tool> {
  // Compiled from ES modules: what its default export is depends on who imports it.
  const newer = [module, exports].find(isNewer)
  if (version.startsWith('7.') && newer !== undefined) return makeNewer(newer, folders)
  if (!version.startsWith('6.')) {
    throw new TenantryError(
      'MIGRATION_UNSUPPORTED',
      `The project has sequelize ${version}; version 6 is needed to run its migrations.`,
      { hint: 'Install it in the project: npm install sequelize@6' },
    )
  }
  const Class = module as SequelizeClass
  return {
    Sequelize: Class,
    DataTypes: Class.DataTypes,
    argument: Class,
    make: (session, settings) => makeInstance(Class, session, settings),
    managerOf: ({ connectionManager }) => connectionManager as unknown as ReturnType<Tool['managerOf']>,
    connect: '_connect',
    onInstance: (back) => Class.addHook('afterInit', back),
    replacePool({ connectionManager }, { acquire, release }) {
      connectionManager.getConnection = acquire
      connectionManager.releaseConnection = release
      connectionManager.destroyConnection = async () => {}
      connectionManager.close = async () => {}
      connectionManager._refreshDynamicOIDs = async () => {}
    },
    dress: dressClient,
    async begin() {},
  }
}

function isNewer(value: unknown): value is Parameters<typeof makeNewer>[0] {
  return typeof value === 'object' && value !== null && 'Sequelize' in value && 'DataTypes' in value
}
