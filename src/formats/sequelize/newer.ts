import { TenantryError } from '../../model/errors.ts'
import { loadUserPackage } from '../user-package.ts'
import type { Tool } from './find-sequelize.ts'
import type { RawClient, Sequelize, SequelizeClass } from './sequelize-types.ts'
import { describeTable } from './stay-in-schema.ts'

type Settings = Readonly<Record<string, unknown>>

/** Options that version 7 still knows; it refuses others. */
const adopted = [
  'define',
  'defaultTransactionNestMode',
  'disableClsTransactions',
  'isolationLevel',
  'keepDefaultTimezone',
  'minifyAliases',
  'noTypeValidation',
  'query',
  'quoteIdentifiers',
  'timezone',
  'transactionType',
]

/** Version 7 (`@sequelize/core`, an alpha), with its dialect for PostgreSQL. As of 7.0.0-alpha.48. */
export async function makeNewer(
  module: { Sequelize: SequelizeClass; DataTypes: object },
  folders: readonly string[],
): Promise<Tool> {
  const { PostgresDialect } = (await loadUserPackage('@sequelize/postgres', folders)).exports as {
    PostgresDialect: unknown
  }
  const begun = new WeakSet<Sequelize>()
  return {
    Sequelize: module.Sequelize,
    DataTypes: module.DataTypes,
    argument: module,
    make(session, settings) {
      if (session.dialect !== 'postgres') throw noDialect()
      const { schema, database, serverVersion } = session
      const instance = new module.Sequelize({
        ...pick(settings),
        ...(schema === null ? {} : { schema }),
        dialect: PostgresDialect,
        databaseVersion: /^\d+/.exec(serverVersion)?.[0].concat('.0.0'),
        database,
        logging: false,
      })
      if (schema !== null) {
        const { queryGenerator: generator } = instance.queryInterface
        generator.describeTableQuery = (table) => {
          const at = generator.extractTableDetails(table)
          return describeTable(generator.escape(at.tableName), generator.escape(at.schema))
        }
      }
      return instance
    },
    managerOf: ({ dialect }) => dialect.connectionManager as unknown as ReturnType<Tool['managerOf']>,
    connect: 'connect',
    onInstance: (back) => module.Sequelize.hooks?.addListener('afterInit', back),
    replacePool({ pool }, { acquire, release }) {
      Object.assign(pool, {
        acquire,
        release,
        destroy: async () => {},
        destroyAllNow: async () => {},
        drain: async () => {},
      })
    },
    dress(client, { dialect: { connectionManager } }) {
      const dressed = Object.create(client) as RawClient
      const types = { getTypeParser: connectionManager.getTypeParser.bind(connectionManager) }
      dressed.query = (text: unknown, ...rest: unknown[]) =>
        (client.query as (...args: unknown[]) => unknown).call(
          client,
          typeof text === 'string' ? { text, types } : text,
          ...rest,
        )
      return dressed
    },
    async begin(instance) {
      if (begun.has(instance)) return
      begun.add(instance)
      await instance.dialect.connectionManager.refreshDynamicOids()
    },
  }
}

function pick(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => adopted.includes(key) && value !== undefined),
  )
}

function noDialect(): TenantryError {
  return new TenantryError('MIGRATION_UNSUPPORTED', 'Sequelize 7 is an alpha, and is run on PostgreSQL only.', {
    hint: 'Use sequelize 6 on MySQL, MariaDB and SQLite: npm install sequelize@6',
  })
}
