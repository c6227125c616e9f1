import path from 'node:path'
import { DataSource } from 'typeorm'
import { runAll } from '../lib/run-all.mjs'

/**
 * A `DataSource` with one connection for each of the concurrent ones, which serves one schema after the other by its search
 * path: opening one for each schema, as is usual, costs several questions more. Its default of one transaction for all pending migrations is kept.
 */
export const typeorm = {
  name: 'typeorm',
  historyTable: 'migrations',

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    const sources = await Promise.all(
      Array.from({ length: Math.min(concurrency, schemas.length) }, () =>
        new DataSource({
          type: 'postgres',
          url,
          poolSize: 1,
          migrations: [path.join(migrations, '*.cjs')],
          installExtensions: false,
          logging: false,
        }).initialize(),
      ),
    )
    try {
      await runAll(schemas, concurrency, async (schema, lane) => {
        // What names no schema is looked for in the one that the driver took from its first connection.
        Object.assign(sources[lane].driver, { schema, searchSchema: schema })
        await sources[lane].query(`SET search_path TO "${schema}"`)
        await sources[lane].runMigrations()
      })
    } finally {
      await Promise.all(sources.map((source) => source.destroy()))
    }
  },
}
