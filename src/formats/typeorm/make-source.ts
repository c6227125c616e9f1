import { CodeFault, type CodeSession } from '../../model/code.ts'
import { countQuery } from '../open-queries.ts'
import { dressMysql } from './dress-mysql.ts'
import type { DataSource, DataSourceClass, QueryRunner, RawClient } from './typeorm-types.ts'
import { markOwn, type Run } from './watch-sources.ts'

/** Options of the project's data source that are about files, and are read by us. */
const ownKeys = new Set(['migrations', 'migrationsTableName', 'migrationsTransactionMode', 'subscribers', 'entities'])

/** What a migration's queries need to be told of. */
export interface Classes {
  entities: readonly unknown[]
  subscribers: readonly unknown[]
}

/**
 * A data source for a session's target, which holds no address and no credential: all that it connects to are clients of
 * the session. `runOf`: the migration that code belongs to.
 */
export async function makeSource(
  Class: DataSourceClass,
  session: CodeSession,
  settings: Readonly<Record<string, unknown>>,
  classes: Classes,
  runOf: () => Run,
): Promise<DataSource> {
  const kept = Object.entries(settings).filter(([key]) => !ownKeys.has(key))
  const { schema, ...others } = Object.fromEntries(kept) as Record<string, unknown>
  const isPostgres = session.dialect === 'postgres'
  const source = new Class({
    ...others,
    // What a project says about schemas is for its own database; a tenant in a schema has that one.
    ...(isPostgres && session.schema === null && typeof schema === 'string' ? { schema } : {}),
    ...classes,
    type: isPostgres ? 'postgres' : mysqlType(settings.type, session.serverVersion),
    // Which of two drivers the one below is like: 0.3 asks.
    ...(isPostgres ? {} : { connectorPackage: 'mysql2' }),
    database: session.database,
    migrations: [],
    synchronize: false,
    dropSchema: false,
    migrationsRun: false,
    installExtensions: false,
    logging: false,
    driver: isPostgres ? postgresDriver(runOf) : mysqlDriver(runOf, settings),
  })
  markOwn(source)
  const { driver } = source
  if (isPostgres) {
    // Else it would ask, and take the search path for something of its own.
    driver.database = session.database
    driver.version = /^[\d.]+/.exec(session.serverVersion)?.[0] ?? session.serverVersion
    enterSchema(source, session.schema)
  }
  const create = driver.createQueryRunner.bind(driver)
  driver.createQueryRunner = (mode) => {
    const runner = countQueries(create(mode), runOf)
    if (isPostgres) answerKnown(runner, session)
    return runner
  }
  await source.initialize()
  return source
}

/** Unqualified names are the tenant's: its schema is first in the session's search path. */
export function enterSchema({ driver }: DataSource, schema: string | null): void {
  if (schema === null) return
  driver.schema = schema
  driver.searchSchema = schema
}

/** Both go by one driver and differ in what TypeORM believes the server can do: what the project says, counts. */
function mysqlType(told: unknown, version: string): string {
  if (told === 'mysql' || told === 'mariadb') return told
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql'
}

function acquire(runOf: () => Run): RawClient {
  const run = runOf()
  if (run.over) throw new CodeFault('late', 'it used its queryRunner after it had returned')
  return run.session.acquire() as RawClient
}

type Connected = (error: unknown, client?: unknown, release?: () => void) => void

/** What TypeORM takes of `pg`. */
function postgresDriver(runOf: () => Run): object {
  class Pool {
    on(): this {
      return this
    }
    connect(back: Connected): void {
      give(back, () => acquire(runOf), [() => {}])
    }
    end(back: (error?: unknown) => void): void {
      back()
    }
  }
  return { Pool, defaults: {} }
}

/** What TypeORM takes of `mysql2`. */
function mysqlDriver(runOf: () => Run, settings: Readonly<Record<string, unknown>>): object {
  const pool = {
    on: () => pool,
    getConnection: (back: Connected) => give(back, () => dressMysql(acquire(runOf), settings), []),
    end: (back: (error?: unknown) => void) => back(),
  }
  return { createPool: () => pool }
}

function give(back: Connected, make: () => unknown, more: readonly [] | readonly [() => void]): void {
  let client: unknown
  try {
    client = make()
  } catch (error) {
    process.nextTick(back, error)
    return
  }
  process.nextTick(back, null, client, ...more)
}

/**
 * What TypeORM asks each time that it looks at a table, and the session knows: a round trip each. Partitioned tables
 * came with PostgreSQL 10, and every role may read what TypeORM looks for.
 */
function answerKnown(runner: QueryRunner, { database, serverVersion }: CodeSession): void {
  runner.getCurrentDatabase = async () => database
  if (Number.parseInt(serverVersion, 10) >= 10) runner.hasSupportForPartitionedTables = async () => true
}

/** So that queries that nobody awaits are waited for. */
function countQueries(runner: QueryRunner, runOf: () => Run): QueryRunner {
  const query = runner.query.bind(runner)
  runner.query = async (...args) => {
    return countQuery(runOf(), () => query(...args))
  }
  return runner
}
