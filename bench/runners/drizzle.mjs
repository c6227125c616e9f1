import { drizzle as makeDrizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { inLanes } from '../lib/lanes.mjs'

/** `migrate()` per schema over connections that are kept open; its table in the schema. One transaction for all that is pending. */
export const drizzle = {
  name: 'drizzle',
  historyTable: '__drizzle_migrations',

  async migrateSchemas({ migrations, ...job }) {
    await inLanes(job, (client, schema) =>
      migrate(makeDrizzle({ client }), { migrationsFolder: migrations, migrationsSchema: schema }),
    )
  },
}
