import { createDatabases, createSchemas, dropDatabases, withClient, withSchemas } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { runAll } from '../lib/run-all.mjs'
import { startDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'
import { describeSchema, verifySchemas } from '../lib/verify.mjs'

const count = 10

/**
 * Ten migrations that are code, as people write them: both tools import the same files and use the same package. To
 * schemas and databases, locally and with a delay; and when nothing is to be done.
 * @param {{ name: string, against: string, format: string, migrations: string, historyTable: string, rowTables: string[],
 *   timesFaster: { local: number, delayed: number, idle: number } }} tool `against`: the name of its runner
 */
export async function measureCode(context, tool) {
  const { server, options } = context
  const { sizes, delayMs } = options
  const reference = await prepareReference(context, tool)
  const way = await startDelay(server, delayMs)
  const names = await createDatabases(server, sizes.codeDatabases)
  const rows = []
  const add = (what, pairs, timesFaster) => {
    rows.push(compareRatio({ work: what, against: tool.against, pairs, timesFaster }))
  }
  try {
    for (const name of [tool.against, 'tenantry'])
      await inSchemas(context, tool, { name, count: 4, way: server, reference })
    for (const [where, through, faster] of [
      ['local', server, tool.timesFaster.local],
      [`${delayMs} ms each way`, way, tool.timesFaster.delayed],
    ]) {
      const schemas = sizes.codeSchemas
      const toSchemas = (name) => inSchemas(context, tool, { name, count: schemas, way: through, reference })
      const what = `10 ${tool.name} migrations to`
      add(`${what} ${schemas} schemas, ${where}`, await measure(context, tool, toSchemas, schemas), faster)
      const toDatabases = (name) => inDatabases(context, tool, { name, names, way: through, reference })
      add(
        `${what} ${names.length} databases, ${where}`,
        await measure(context, tool, toDatabases, names.length),
        faster,
      )
    }
    const idle = `nothing to do, ${tool.name} format, ${sizes.codeIdle} schemas`
    add(idle, await measureIdle(context, tool), tool.timesFaster.idle)
  } finally {
    await way.stop()
    await dropDatabases(server, names)
  }
  return rows
}

/** What the tool itself makes of them. */
function prepareReference({ server, options, runners }, { against, migrations, rowTables }) {
  return withSchemas(server, 1, async ({ database, schemas }) => {
    await runners[against].migrateSchemas({
      url: server.url(database),
      schemas,
      concurrency: options.concurrency,
      migrations,
    })
    return { ...(await describeSchema(server.url(database), schemas[0], rowTables)), migrations: count }
  })
}

async function measure({ options, log }, { against }, run, targets) {
  const pairs = await measurePairs({
    rounds: options.pairs,
    ours: 'tenantry',
    others: [against],
    async measure(name) {
      const ms = await run(name)
      log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / targets).toFixed(1)} ms per target`)
      return ms
    },
  })
  return pairs.get(against)
}

function inSchemas({ server, options, runners }, tool, { name, count: schemaCount, way, reference }) {
  const { migrations, format, historyTable } = tool
  return withSchemas(server, schemaCount, async ({ database, schemas }) => {
    const job = { url: way.url(database), schemas, concurrency: options.concurrency, migrations, format }
    const ms = await time(() => runners[name].migrateSchemas(job))
    await verifySchemas(server.url(database), schemas, reference, historyTable)
    return ms
  })
}

async function inDatabases({ server, options, runners }, tool, { name, names, way, reference }) {
  const { migrations, format, historyTable } = tool
  const urls = names.map((database) => way.url(database))
  const job = { urls, concurrency: options.concurrency, migrations, format }
  const ms = await time(() => runners[name].migrateDatabases(job))
  await runAll(names, 2, async (database) => {
    const url = server.url(database)
    await verifySchemas(url, ['public'], reference, historyTable)
    await withClient(url, (client) => client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))
  })
  await server.query('CHECKPOINT')
  return ms
}

/** Everything is applied, by the tool: how long each takes to find that out. */
async function measureIdle(context, tool) {
  const { against, migrations, format } = tool
  const { server, options, runners } = context
  const [database] = await createDatabases(server, 1)
  try {
    const schemas = await createSchemas(server, database, options.sizes.codeIdle)
    const job = { url: server.url(database), schemas, concurrency: options.concurrency, migrations, format }
    await runners[against].migrateSchemas(job)
    await runners.tenantry.migrateSchemas(job)
    return await measure(context, tool, (name) => time(() => runners[name].migrateSchemas(job)), schemas.length)
  } finally {
    await dropDatabases(server, [database])
  }
}
