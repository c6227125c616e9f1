import type { CodeSession } from '../../model/code.ts'
import { builtInTypes } from './built-in-types.ts'
import { sqliteModule } from './dress-sqlite.ts'
import type { Sequelize, SequelizeClass } from './sequelize-types.ts'
import { stayInSchema } from './stay-in-schema.ts'

/** Options of the project's config that say how statements are written and rows are read. No others are taken over. */
const adopted = [
  'attributeBehavior',
  'benchmark',
  'define',
  'hooks',
  'isolationLevel',
  'keepDefaultTimezone',
  'minifyAliases',
  'noTypeValidation',
  'omitNull',
  'operatorsAliases',
  'query',
  'quoteIdentifiers',
  'showWarnings',
  'sync',
  'timezone',
  'transactionType',
  'typeValidation',
]

/** An instance for a session's target. It holds no address and no credential; its connections are taken over next. */
export function makeInstance(
  tool: SequelizeClass,
  session: CodeSession,
  settings: Readonly<Record<string, unknown>>,
): Sequelize {
  const kept = Object.entries(settings).filter(([key, value]) => adopted.includes(key) && value !== undefined)
  const instance = new tool({
    // Sequelize fills these in.
    ...Object.fromEntries(kept.map(([key, value]) => [key, isPlain(value) ? { ...value } : value])),
    ...(session.schema === null ? ownSchema(settings) : { schema: session.schema }),
    dialect: session.dialect,
    // Else it would load the driver.
    ...(session.dialect === 'sqlite' ? { dialectModule: sqliteModule } : {}),
    // Else it would connect to ask.
    databaseVersion: /(\d+)(?:\.(\d+))?(?:\.(\d+))?/
      .exec(session.serverVersion)
      ?.slice(1)
      .map((part) => part ?? '0')
      .join('.'),
    database: session.database,
    logging: false,
  })
  if (session.dialect === 'postgres') {
    const { connectionManager } = instance
    connectionManager.nameOidMap = { ...builtInTypes }
    connectionManager.refreshTypeParser(tool.DataTypes.postgres)
    if (session.schema !== null) stayInSchema(instance, session.schema)
  }
  return instance
}

/** What the config says about schemas is for its own database; a tenant in a schema has that one. */
export function ownSchema({ schema, searchPath, dialectOptions }: Readonly<Record<string, unknown>>): object {
  const prepend = isPlain(dialectOptions) ? dialectOptions.prependSearchPath : undefined
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(searchPath === undefined ? {} : { searchPath }),
    ...(prepend === undefined ? {} : { dialectOptions: { prependSearchPath: prepend } }),
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
