import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { runner } from 'node-pg-migrate'
import { runAll } from '../lib/run-all.mjs'

/**
 * The runner's own API per tenant, with the connection it opens by itself. Its lock is off: one constant for the whole
 * database, it would let only one tenant through at a time.
 */
export const nodePgMigrate = {
  name: 'node-pg-migrate',
  historyTable: 'pgmigrations',

  async prepare({ sources, dir }) {
    for (const { id, sql } of sources) {
      const text = `exports.up = (pgm) => { pgm.sql(${JSON.stringify(sql)}) }\nexports.down = () => {}\n`
      await writeFile(path.join(dir, `${id}.cjs`), text)
    }
    return dir
  },

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    await runAll(schemas, concurrency, (schema) => migrateOne(url, schema, migrations))
  },

  async migrateDatabases({ urls, concurrency, migrations }) {
    await runAll(urls, concurrency, (url) => migrateOne(url, 'public', migrations))
  },
}

function migrateOne(databaseUrl, schema, dir) {
  return runner({
    databaseUrl,
    dir,
    schema,
    migrationsSchema: schema,
    migrationsTable: 'pgmigrations',
    direction: 'up',
    createSchema: false,
    createMigrationsSchema: false,
    singleTransaction: true,
    noLock: true,
    log: () => {},
  })
}
