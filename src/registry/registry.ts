import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MappedTenants, ResolvedRegistry } from '../config/resolved.ts'
import type { Connection, Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { RegistryDatabase, TenantStore } from '../model/registry.ts'
import type { TableColumn } from '../model/registry-words.ts'
import type { ServerAddress } from '../model/server.ts'
import { chooseLater } from './chosen-tenants.ts'
import { describePlace, fileOf, missingRegistry, RegistrySessions, wordsOf } from './database.ts'
import { MappedTenantStore } from './mapped-tenants.ts'
import { OwnTenantStore } from './own-tenants.ts'
import { describeRecognised, recogniseTenants, usualTables } from './recognise.ts'
import { newestVersion, type OwnTable, ownTables, registryMigrations } from './schema.ts'
import { asColumn } from './table-columns.ts'

export interface RegistryOptions {
  connectTimeoutMs: number
  /** The config's servers: a mapped table writes down the host of the one that a new tenant is on. */
  servers: ReadonlyMap<string, ServerAddress>
  /** Where neither the config nor our tables say otherwise, a table `tenants` of the usual columns is taken. */
  mayRecognise?: boolean
  notify?: (notice: Notice) => void
}

/** How far our tables are. */
export interface RegistryStanding {
  /** null: they have not been made. */
  version: number | null
  /** What this version of tenantry needs. */
  newest: number
  pending: readonly number[]
}

/** The book of tenants, open. */
export interface Registry {
  readonly database: RegistryDatabase
  readonly tenants: TenantStore
  /** Expression for the registry's clock in ms since 1970. */
  readonly nowMs: string
  /** Ends an INSERT whose row may be there: `update` gets the new values. Plain names of columns. */
  orUpdate(key: string, update: readonly string[]): string
  /** Quoted name of one of our tables, with its schema. */
  table(name: OwnTable): string
  /** Throws REGISTRY_MISSING, REGISTRY_OUTDATED, REGISTRY_NEWER. What is fine is asked once. */
  assertReady(): Promise<void>
  /** Asks anew; writes nothing. A registry that cannot be there (no file) has no version. */
  status(): Promise<RegistryStanding>
  /**
   * Makes or changes our tables; safe when many processes do it at once. Gives the versions that this call applied.
   * Throws REGISTRY_NEWER.
   */
  migrate(): Promise<readonly number[]>
  columns(schema: string | null, table: string): Promise<TableColumn[]>
  close(): Promise<void>
}

/** Nothing is connected to before something is asked. */
export function openRegistry(
  resolved: ResolvedRegistry,
  dialectOf: (server: ServerAddress) => Dialect,
  options: RegistryOptions,
): Registry {
  const { server, database: name, schema, poolMax } = resolved
  const dialect = dialectOf(server)
  const words = wordsOf(dialect)
  const quote = (text: string) => dialect.quoteIdentifier(text)
  const { connectTimeoutMs } = options
  const sessions = new RegistrySessions(dialect, { server, database: name, poolMax, connectTimeoutMs })
  const prefix = schema === null ? '' : `${quote(schema)}.`
  const table = (own: OwnTable) => prefix + quote(ownTables[own])
  let ready: Promise<void> | null = null

  const columns = async (of: string | null, tableName: string) => {
    const { sql, values } = words.columns(of, tableName)
    return (await sessions.query(sql, values)).map(asColumn)
  }

  const readVersion = async (): Promise<number | null> => {
    if ((await columns(schema, ownTables.version)).length === 0) return null
    const [row] = await sessions.query(`SELECT MAX(version) AS version FROM ${table('version')}`)
    return row?.version == null ? null : Number(row.version)
  }

  const status = async (): Promise<RegistryStanding> => {
    const version = await readVersion().catch((error: unknown) => {
      if (error instanceof TenantryError && error.code === 'REGISTRY_MISSING') return null
      throw error
    })
    const pending = registryMigrations.map(({ version: own }) => own).filter((own) => own > (version ?? 0))
    return { version, newest: newestVersion, pending }
  }

  const assertReady = (): Promise<void> => {
    ready ??= readVersion().then(refuseUnready)
    // A registry that is not there yet may be made while we run.
    ready.catch(() => {
      ready = null
    })
    return ready
  }

  function refuseUnready(version: number | null): void {
    if (version === null)
      throw missingRegistry(`The registry (${describePlace(resolved)}) has none of tenantry's tables yet.`)
    refuseNewer(version)
    if (version < newestVersion) {
      throw new TenantryError(
        'REGISTRY_OUTDATED',
        `The tables of the registry are at version ${version}, and this tenantry needs ${newestVersion}.`,
        { hint: 'Migrate them: `tenantry registry migrate`.', context: { version, newest: newestVersion } },
      )
    }
  }

  const migrate = async (): Promise<readonly number[]> => {
    await makeFile(resolved)
    const applied = await sessions.session(async (connection) => {
      if (schema !== null && dialect.features.schemas) await makeSchema(connection)
      return migrateOwn(connection)
    })
    ready = null
    return applied
  }

  /** Two that make the same schema at once: the second is told that it exists, by one of several errors. */
  async function makeSchema(connection: Connection): Promise<void> {
    const sql = `CREATE SCHEMA IF NOT EXISTS ${quote(schema ?? '')}`
    await connection.query(sql).catch(() => connection.query(sql))
  }

  async function migrateOwn(connection: Connection): Promise<number[]> {
    let rows: Record<string, unknown>[] = []
    for (const statement of words.openMigration) rows = await connection.run(statement)
    try {
      const [lock] = rows
      if (lock !== undefined && 'got' in lock && Number(lock.got ?? 0) !== 1)
        throw new TenantryError('TARGET_LOCKED', 'Another process has been migrating the registry for a minute.', {
          hint: 'See what it does, or whether it hangs; then run `tenantry registry migrate` again.',
        })
      const integer = words.types.bigint
      await connection.query(
        `CREATE TABLE IF NOT EXISTS ${table('version')} (${quote('version')} ${integer} NOT NULL PRIMARY KEY, ${quote('applied_at')} ${words.types.key} NOT NULL)`,
      )
      const [row] = await connection.query(`SELECT MAX(version) AS version FROM ${table('version')}`)
      const version = row?.version == null ? 0 : Number(row.version)
      refuseNewer(version)
      const applied: number[] = []
      for (const migration of registryMigrations) {
        if (migration.version <= version) continue
        for (const statement of migration.statements(words, table, quote)) await connection.query(statement)
        await connection.query(
          `INSERT INTO ${table('version')} (version, applied_at) VALUES (${words.placeholder(1)}, ${words.placeholder(2)})`,
          [migration.version, new Date().toISOString()],
        )
        applied.push(migration.version)
      }
      for (const statement of words.closeMigration) await connection.run(statement)
      return applied
    } catch (error) {
      // Its locks and its transaction go with it.
      await connection.close()
      throw error
    }
  }

  /** Older or newer tables of ours are not read as if they were right. */
  const hasOwnTables = async (): Promise<boolean> => {
    const version = await readVersion()
    if (version !== null) refuseUnready(version)
    return version !== null
  }
  // Servers that rows bring along are added to the config's while we run; they are nobody's default.
  const servers = new Map(options.servers)
  const store = { database: sessions, words, table, assertReady, quote, servers }
  const mappedStore = (mapped: MappedTenants) =>
    new MappedTenantStore({ ...store, mapped, server, columns, hasOwnTables })

  /** Tenants in our tables beat a table of the usual columns; without any, our tables say nothing. */
  async function recognise(): Promise<TenantStore> {
    const own = new OwnTenantStore(store)
    if ((await hasOwnTables()) && (await own.page({}, null, 1)).length > 0) return own
    for (const name of usualTables) {
      const mapped = recogniseTenants(name, null, await columns(null, name))
      if (mapped === null) continue
      options.notify?.(describeRecognised(mapped))
      return mappedStore(mapped)
    }
    return own
  }

  const tenants: TenantStore =
    resolved.mapped !== null
      ? mappedStore(resolved.mapped)
      : options.mayRecognise === true
        ? chooseLater(recognise)
        : new OwnTenantStore(store)
  return {
    database: sessions,
    tenants,
    nowMs: words.nowMs,
    orUpdate: (key, update) => words.orUpdate(quote(key), update.map(quote)),
    table,
    assertReady,
    status,
    migrate,
    columns,
    close: () => sessions.close(),
  }
}

function refuseNewer(version: number): void {
  if (version <= newestVersion) return
  throw new TenantryError(
    'REGISTRY_NEWER',
    `The tables of the registry are at version ${version}; this tenantry knows ${newestVersion} and leaves them alone.`,
    {
      hint: 'Install the version of tenantry that migrated it, here too.',
      context: { version, newest: newestVersion },
    },
  )
}

/** Only its owner may read the book of tenants. */
async function makeFile(resolved: ResolvedRegistry): Promise<void> {
  const file = fileOf(resolved)
  if (file === null) return
  try {
    await mkdir(dirname(file), { recursive: true })
    await (await open(file, 'wx', 0o600)).close()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new TenantryError('STORE_FAILED', `The registry's file ${file} could not be made.`, {
      hint: 'Check that the folder can be written to, or set `registry.url` (TENANT_REGISTRY_DB_URL).',
      cause,
    })
  }
}
