import { createRequire } from 'node:module'
import makeKnex from 'knex'
import { runAll } from '../lib/run-all.mjs'

const require = createRequire(import.meta.url)
const BetterSqlite3 = makeKnex({ client: 'better-sqlite3', useNullAsDefault: true }).client.constructor

/** Knex's client for `better-sqlite3` over the driver that tenantry uses, which has the same interface. */
class LibsqlClient extends BetterSqlite3 {
  _driver() {
    return require('libsql')
  }
}

/** `knex.migrate.latest()` with an instance per file; its default of one transaction for all pending migrations is kept. */
export const knexSqlite = {
  historyTable: 'knex_migrations',

  /** @param {{ files: readonly string[], migrations: string, concurrency: number }} job 1: one file after the other */
  async migrateFiles({ files, migrations, concurrency }) {
    await runAll(files, concurrency, async (filename) => {
      const instance = makeKnex({
        client: LibsqlClient,
        connection: { filename },
        pool: { min: 0, max: 1 },
        useNullAsDefault: true,
        migrations: { directory: migrations },
      })
      try {
        await instance.migrate.latest()
      } finally {
        await instance.destroy()
      }
    })
  },
}
