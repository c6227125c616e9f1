import { runner } from 'node-pg-migrate'
import { inLanes } from '../lib/lanes.mjs'

/** `runner()` per schema over connections that are kept open (`dbClient`). Its lock is off, as it is one constant per database. */
export const nodePgMigrateKept = {
  name: 'node-pg-migrate, connections kept',
  historyTable: 'pgmigrations',

  async migrateSchemas({ migrations, ...job }) {
    await inLanes(job, (dbClient, schema) =>
      runner({
        dbClient,
        dir: migrations,
        schema,
        migrationsSchema: schema,
        migrationsTable: 'pgmigrations',
        direction: 'up',
        createSchema: false,
        createMigrationsSchema: false,
        singleTransaction: true,
        noLock: true,
        log: () => {},
      }),
    )
  },
}
