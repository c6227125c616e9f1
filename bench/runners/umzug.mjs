import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Sequelize } from 'sequelize'
import { SequelizeStorage, Umzug } from 'umzug'
import { runAll } from '../lib/run-all.mjs'

/** A Sequelize instance per tenant with its own connection: the search path is set at connect, the rest by `schema`. */
export const umzug = {
  name: 'umzug',
  historyTable: 'SequelizeMeta',

  async prepare({ sources, dir }) {
    for (const { id, sql } of sources) {
      const up = `exports.up = ({ context }) => context.sequelize.query(${JSON.stringify(sql)})`
      await writeFile(path.join(dir, `${id}.cjs`), `${up}\nexports.down = async () => {}\n`)
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

async function migrateOne(url, schema, dir) {
  const sequelize = new Sequelize(url, {
    logging: false,
    pool: { min: 0, max: 1 },
    ...(schema === undefined ? {} : { schema, dialectOptions: { options: `-c search_path=${schema}` } }),
  })
  try {
    const migrator = new Umzug({
      migrations: { glob: ['*.cjs', { cwd: dir }] },
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize, ...(schema === undefined ? {} : { schema }) }),
      logger: undefined,
    })
    await migrator.up()
  } finally {
    await sequelize.close()
  }
}
