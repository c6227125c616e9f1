import fs from 'node:fs/promises'
import path from 'node:path'
import { FileMigrationProvider, Kysely, Migrator, PostgresAdapter, PostgresDialect, sql } from 'kysely'
import { inLanes } from '../lib/lanes.mjs'

/**
 * A `Migrator` per schema over connections that are kept open, with `migrationTableSchema`. Its own lock is one number for
 * the whole database and would let one schema through at a time: here it is one per schema, for the same round trips.
 */
export const kysely = {
  name: 'kysely',
  historyTable: 'kysely_migration',

  async migrateSchemas({ migrations, ...job }) {
    await inLanes(job, async (client, schema) => {
      const db = new Kysely({ dialect: new SchemaDialect({ pool: poolOf(client) }, schema) })
      const provider = new FileMigrationProvider({ fs, path, migrationFolder: migrations })
      const { error } = await new Migrator({ db, provider, migrationTableSchema: schema }).migrateToLatest()
      if (error !== undefined) throw error
    })
  },
}

/** What Kysely takes of a pool, over one open connection. */
function poolOf(client) {
  client.release = () => {}
  return { connect: async () => client, async end() {} }
}

class SchemaDialect extends PostgresDialect {
  constructor(config, schema) {
    super(config)
    this.schema = schema
  }

  createAdapter() {
    return new SchemaAdapter(this.schema)
  }
}

class SchemaAdapter extends PostgresAdapter {
  constructor(schema) {
    super()
    this.schema = schema
  }

  async acquireMigrationLock(db) {
    await sql`select pg_advisory_lock(hashtext(${sql.lit(this.schema)}))`.execute(db)
  }

  async releaseMigrationLock(db) {
    await sql`select pg_advisory_unlock(hashtext(${sql.lit(this.schema)}))`.execute(db)
  }
}
