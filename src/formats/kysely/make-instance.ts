import type { CodeSession } from '../../model/code.ts'
import type { Tool } from './find-kysely.ts'
import type { DatabaseConnection, Driver, Introspector, Kysely, KyselyDialect, KyselyPackage } from './kysely-types.ts'
import { makeSqliteDriver, type SqliteClient } from './sqlite-driver.ts'

type Callback = (error: unknown, connection?: unknown) => void

/** What an instance tells of the work of one migration. */
export interface Listener {
  /** A connection of ours for the instance. Throws once the migration is over. */
  acquire(): Promise<unknown>
  /** A query has been sent. */
  sent(query: Promise<unknown>): void
  /** The instance's own driver: whatever else connects is not ours. */
  made(driver: Driver): void
}

/**
 * Kysely on a session of ours. A new instance for each migration: making one takes less than a query, and what a migration
 * still sends after it has returned, or its `destroy`, must not reach the next one.
 */
export function makeInstance(
  { kysely, cursor }: Tool,
  session: CodeSession,
  plugins: readonly unknown[],
  listener: Listener,
): Kysely {
  const base = makeDialect(kysely, cursor, session, listener)
  const dialect: KyselyDialect = {
    createAdapter: () => base.createAdapter(),
    createQueryCompiler: () => base.createQueryCompiler(),
    createIntrospector: (db) => stayOnPath(base.createIntrospector(db), db, kysely, session),
    createDriver() {
      const driver = base.createDriver()
      const acquire = driver.acquireConnection.bind(driver)
      driver.acquireConnection = async () => listen(await acquire(), listener)
      listener.made(driver)
      return driver
    },
  }
  return new kysely.Kysely({ dialect, plugins })
}

function makeDialect(
  { PostgresDialect, MysqlDialect, SqliteDialect }: KyselyPackage,
  cursor: unknown,
  { dialect }: CodeSession,
  { acquire }: Listener,
): KyselyDialect {
  switch (dialect) {
    case 'postgres': {
      const pool = { connect: acquire, end: async () => {} }
      return new PostgresDialect({ pool, ...(cursor === null ? {} : { cursor }) })
    }
    case 'mysql':
      return new MysqlDialect({
        pool: {
          getConnection(done: Callback) {
            acquire().then((connection) => done(null, connection), done)
          },
          end: (done: Callback) => done(null),
        },
      })
    default: {
      const own = new SqliteDialect({})
      return {
        createAdapter: () => own.createAdapter(),
        createQueryCompiler: () => own.createQueryCompiler(),
        createIntrospector: (db) => own.createIntrospector(db),
        createDriver: () => makeSqliteDriver(acquire as () => Promise<SqliteClient>),
      }
    }
  }
}

function listen(connection: DatabaseConnection, { sent }: Listener): DatabaseConnection {
  const execute = connection.executeQuery.bind(connection)
  connection.executeQuery = (query) => {
    const result = execute(query)
    sent(result)
    return result
  }
  return connection
}

/**
 * Kysely lists the tables of all schemas. In a tenant's, `tables.some(({ name }) => name === 'users')` asks about a name
 * that would be written without a schema: so only schemas on the search path are answered.
 */
function stayOnPath(
  introspector: Introspector,
  db: Kysely,
  { CompiledQuery }: KyselyPackage,
  { schema }: CodeSession,
): Introspector {
  if (schema === null) return introspector
  const getTables: Introspector['getTables'] = async (options) => {
    const { rows } = await db.executeQuery(
      CompiledQuery.raw('select unnest(pg_catalog.current_schemas(false))::text as "name"'),
    )
    const path = new Set(rows.map(({ name }) => name))
    return (await introspector.getTables(options)).filter((table) => path.has(table.schema))
  }
  return {
    getSchemas: () => introspector.getSchemas(),
    getTables,
    getMetadata: async (options) => ({ tables: await getTables(options) }),
  }
}
