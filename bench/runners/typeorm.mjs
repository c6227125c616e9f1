import path from 'node:path'
import { DataSource } from 'typeorm'
import { runAll } from '../lib/run-all.mjs'

/** A `DataSource` per schema with one connection: `schema` for its tables, and the search path for what migrations write themselves. */
export const typeorm = {
  name: 'typeorm',
  historyTable: 'migrations',

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    await runAll(schemas, concurrency, async (schema) => {
      const source = makeSource(url, migrations, { schema, extra: { options: `-c search_path=${schema}` } })
      await source.initialize()
      try {
        await source.runMigrations()
      } finally {
        await source.destroy()
      }
    })
  },
}

/**
 * Connections that are kept. TypeORM offers no way to that: a data source learns its schema when it connects, and is told
 * of the next one here by what belongs to its driver. For comparison only.
 */
export const typeormKept = {
  name: 'typeorm, data sources kept',
  historyTable: 'migrations',

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    const sources = await Promise.all(
      Array.from({ length: Math.min(concurrency, schemas.length) }, () => makeSource(url, migrations, {}).initialize()),
    )
    try {
      await runAll(schemas, concurrency, async (schema, lane) => {
        Object.assign(sources[lane].driver, { schema, searchSchema: schema })
        await sources[lane].query(`SET search_path TO "${schema}"`)
        await sources[lane].runMigrations()
      })
    } finally {
      await Promise.all(sources.map((source) => source.destroy()))
    }
  },
}

/** Its default of one transaction for all pending migrations is kept. */
function makeSource(url, migrations, more) {
  return new DataSource({
    type: 'postgres',
    url,
    poolSize: 1,
    migrations: [path.join(migrations, '*.cjs')],
    installExtensions: false,
    logging: false,
    ...more,
  })
}
