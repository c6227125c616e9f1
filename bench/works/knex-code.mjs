import { fileURLToPath } from 'node:url'
import { createDatabases, createSchemas, dropDatabases, withClient, withSchemas } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { runAll } from '../lib/run-all.mjs'
import { startDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'
import { describeSchema, verifySchemas } from '../lib/verify.mjs'

/** Code, as people write it with Knex's builder: both tools import the same files and use the same Knex. */
const migrations = fileURLToPath(new URL('../knex-migrations', import.meta.url))
const count = 10
const rowTables = ['members', 'orders', 'order_items', 'invoices', 'settings']
const historyTable = 'knex_migrations'

/** Ten migrations that are Knex code: schemas and databases, locally and with a delay; and when nothing is to be done. */
export async function measureKnexCode(context) {
  const { server, options } = context
  const { sizes, delayMs } = options
  const reference = await prepareReference(context)
  const way = await startDelay(server, delayMs)
  const names = await createDatabases(server, sizes.knexDatabases)
  const rows = []
  const add = (what, pairs, timesFaster) => {
    rows.push(compareRatio({ work: what, against: 'knex', pairs, timesFaster }))
  }
  try {
    for (const name of ['knex', 'tenantry']) await inSchemas(context, { name, count: 4, way: server, reference })
    for (const [where, through, faster] of [
      ['local', server, 1.3],
      [`${delayMs} ms each way`, way, 1.6],
    ]) {
      const schemas = sizes.knexSchemas
      const toSchemas = (name) => inSchemas(context, { name, count: schemas, way: through, reference })
      add(`10 Knex migrations to ${schemas} schemas, ${where}`, await measure(context, toSchemas, schemas), faster)
      const toDatabases = (name) => inDatabases(context, { name, names, way: through, reference })
      const pairs = await measure(context, toDatabases, names.length)
      add(`10 Knex migrations to ${names.length} databases, ${where}`, pairs, faster)
    }
    add(`nothing to do, Knex format, ${sizes.knexIdle} schemas`, await measureIdle(context), 20)
  } finally {
    await way.stop()
    await dropDatabases(server, names)
  }
  return rows
}

/** What Knex itself makes of them. */
function prepareReference({ server, options, runners }) {
  return withSchemas(server, 1, async ({ database, schemas }) => {
    await runners.knex.migrateSchemas({
      url: server.url(database),
      schemas,
      concurrency: options.concurrency,
      migrations,
    })
    return { ...(await describeSchema(server.url(database), schemas[0], rowTables)), migrations: count }
  })
}

async function measure({ options, log }, run, targets) {
  const pairs = await measurePairs({
    rounds: options.pairs,
    ours: 'tenantry',
    others: ['knex'],
    async measure(name) {
      const ms = await run(name)
      log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / targets).toFixed(1)} ms per target`)
      return ms
    },
  })
  return pairs.get('knex')
}

function inSchemas({ server, options, runners }, { name, count: schemaCount, way, reference }) {
  return withSchemas(server, schemaCount, async ({ database, schemas }) => {
    const job = { url: way.url(database), schemas, concurrency: options.concurrency, migrations, format: 'knex' }
    const ms = await time(() => runners[name].migrateSchemas(job))
    await verifySchemas(server.url(database), schemas, reference, historyTable)
    return ms
  })
}

async function inDatabases({ server, options, runners }, { name, names, way, reference }) {
  const urls = names.map((database) => way.url(database))
  const job = { urls, concurrency: options.concurrency, migrations, format: 'knex' }
  const ms = await time(() => runners[name].migrateDatabases(job))
  await runAll(names, 2, async (database) => {
    const url = server.url(database)
    await verifySchemas(url, ['public'], reference, historyTable)
    await withClient(url, (client) => client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))
  })
  await server.query('CHECKPOINT')
  return ms
}

/** Everything is applied, by Knex: how long each takes to find that out. */
async function measureIdle(context) {
  const { server, options, runners } = context
  const [database] = await createDatabases(server, 1)
  try {
    const schemas = await createSchemas(server, database, options.sizes.knexIdle)
    const job = { url: server.url(database), schemas, concurrency: options.concurrency, migrations, format: 'knex' }
    await runners.knex.migrateSchemas(job)
    await runners.tenantry.migrateSchemas(job)
    return await measure(context, (name) => time(() => runners[name].migrateSchemas(job)), schemas.length)
  } finally {
    await dropDatabases(server, [database])
  }
}
