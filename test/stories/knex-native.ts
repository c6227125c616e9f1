/** Knex itself, as a team runs it, and what a database holds afterwards: for comparing with what tenantry did. */
import { fileURLToPath } from 'node:url'
import makeKnex, { type Knex } from 'knex'
import { catalogOf as mariadbCatalog } from './mariadb-catalog.ts'
import { catalogOf as postgresCatalog } from './postgres-catalog.ts'

export const shop = fileURLToPath(new URL('../fixtures/knex-shop', import.meta.url))

/** A place that is migrated: a database, or a schema in one. */
export interface Place {
  client: 'pg' | 'mysql2'
  url: string
  schema?: string
}

const migrations = { directory: `${shop}/migrations`, loadExtensions: ['.js', '.cjs', '.mjs'] }

/** A Knex of its own for a place: `searchPath` is Knex's way to a schema. */
export async function withNative<T>(
  place: Place,
  work: (knex: Knex) => Promise<T>,
  more: Knex.Config = {},
): Promise<T> {
  const knex = makeKnex({
    client: place.client,
    connection: place.url,
    pool: { min: 0, max: 1 },
    ...(place.schema === undefined ? {} : { searchPath: [place.schema] }),
    migrations,
    seeds: { directory: `${shop}/seeds` },
    // Its warnings are about failures that the tests provoke.
    log: { warn() {}, error() {}, debug() {}, deprecate() {} },
    ...more,
  })
  try {
    return await work(knex)
  } finally {
    await knex.destroy()
  }
}

/** `migrate.latest` over the first migrations only, as it was when there were no more: one batch. */
export async function nativeLatest(place: Place, count = Number.POSITIVE_INFINITY): Promise<void> {
  await withNative(place, async (knex) => {
    const source = knex.migrate as unknown as { config: { migrationSource: Knex.MigrationSource<unknown> } }
    const { migrationSource: files } = source.config
    const cut: Knex.MigrationSource<unknown> = {
      getMigrations: async (extensions) => (await files.getMigrations(extensions)).slice(0, count),
      getMigrationName: (one) => files.getMigrationName(one),
      getMigration: (one) => files.getMigration(one),
    }
    await knex.migrate.latest(
      count === Number.POSITIVE_INFINITY
        ? {}
        : ({ migrationSource: cut, ...withoutFiles } as unknown as Knex.MigratorConfig),
    )
  })
}

/** Anything said about files makes Knex forget the source. */
const withoutFiles = { directory: undefined, loadExtensions: undefined }

/** What Knex says about a place, and what is there. Two places that were treated alike have equal ones. */
export async function inspect(place: Place) {
  return withNative(place, async (knex) => {
    const [completed, pending] = await knex.migrate.list()
    const rows = await knex('knex_migrations').select('name', 'batch', 'migration_time').orderBy('id')
    const locks = await knex('knex_migrations_lock').select('is_locked')
    const has = await knex.schema.hasTable('customers')
    const customers = has ? await knex('customers').select('id', 'name', 'email', 'tier').orderBy('id') : null
    return {
      completed: completed.map(({ name }: { name: string }) => name),
      pending: pending.map(({ file }: { file: string }) => file),
      status: await knex.migrate.status(),
      version: await knex.migrate.currentVersion(),
      batches: rows.map(({ name, batch }) => [name, batch]),
      // Knex writes the clock of the client, we that of the server: both are this machine's.
      timed: rows.every((row) => Math.abs(Date.now() - new Date(row.migration_time).getTime()) < 120_000),
      locks: locks.map((row) => row.is_locked),
      customers,
      catalog: await (place.client === 'pg' ? postgresCatalog(knex, place.schema) : mariadbCatalog(knex)),
    }
  })
}
