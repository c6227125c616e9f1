import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createMigrator } from 'drizzle-multitenant/migrator'

/** Its own migrator with its own concurrency: a batch of tenants at a time, a pool per tenant. */
export const drizzleMultitenant = {
  name: 'drizzle-multitenant',
  historyTable: '__drizzle_migrations',

  async prepare({ sources, dir }) {
    for (const { id, sql } of sources) await writeFile(path.join(dir, `${id}.sql`), sql)
    return dir
  },

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    const migrator = createMigrator(
      {
        connection: { url, poolConfig: { max: 1 } },
        isolation: { strategy: 'schema', schemaNameTemplate: (tenant) => tenant },
        schemas: { tenant: {} },
      },
      { migrationsFolder: migrations, tenantDiscovery: async () => [...schemas] },
    )
    const results = await migrator.migrateAll({ concurrency })
    const failed = results.details.find((result) => !result.success)
    if (failed) throw new Error(`${failed.schemaName}: ${failed.error}`)
  },
}
