import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import makeKnex from 'knex'
import { runAll } from '../lib/run-all.mjs'

/**
 * A Knex instance per tenant, as Knex has no other way to bind a search path: `searchPath` for the migrations, `schemaName`
 * for its history. One connection each. Its default of one transaction for all pending migrations is kept.
 */
export const knex = {
  name: 'knex',
  historyTable: 'knex_migrations',

  async prepare({ sources, dir }) {
    for (const { id, sql } of sources) {
      const text = `exports.up = (knex) => knex.raw(${JSON.stringify(sql)})\nexports.down = async () => {}\n`
      await writeFile(path.join(dir, `${id}.cjs`), text)
    }
    return dir
  },

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    await runAll(schemas, concurrency, (schema) => migrateOne(url, schema, migrations))
  },

  async migrateDatabases({ urls, concurrency, migrations }) {
    await runAll(urls, concurrency, (url) => migrateOne(url, undefined, migrations))
  },
}

async function migrateOne(url, schema, directory) {
  const instance = makeKnex({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 1 },
    ...(schema === undefined ? {} : { searchPath: [schema] }),
    migrations: { directory, ...(schema === undefined ? {} : { schemaName: schema }) },
  })
  try {
    await instance.migrate.latest()
  } finally {
    await instance.destroy()
  }
}
