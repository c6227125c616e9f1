import { fileURLToPath } from 'node:url'
import { withSchemas } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { startDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'
import { describeSchema, verifySchemas } from '../lib/verify.mjs'
import { dbmate } from '../runners/dbmate.mjs'
import { drizzle } from '../runners/drizzle.mjs'
import { kysely } from '../runners/kysely.mjs'
import { nodePgMigrateKept } from '../runners/node-pg-migrate-kept.mjs'
import { tenantry } from '../runners/tenantry.mjs'
import { typeorm, typeormKept } from '../runners/typeorm.mjs'

const migrationCount = 10
/** A round of all of them takes minutes. */
const mostRounds = 3
const rowTables = ['members', 'orders', 'order_items', 'invoices', 'settings']

/** Each with a folder of its own kind, `bench/<format>-migrations`, that makes the same ten changes. */
const tools = [
  { format: 'drizzle', runner: drizzle },
  { format: 'kysely', runner: kysely },
  { format: 'typeorm', runner: typeorm },
  { format: 'typeorm', runner: typeormKept, isOnlyTold: true },
  { format: 'node-pg-migrate', runner: nodePgMigrateKept },
  { format: 'dbmate', runner: dbmate },
]

/** Ten migrations to schemas: a loop with the tool itself, and tenantry over the tool's folder. */
export async function measureNativeLoops(context) {
  const rows = []
  for (const tool of tools) {
    if (tool.runner.isThere?.() === false) context.log(`  ${tool.runner.name} is not there and left out`)
    else rows.push(...(await measureTool(context, tool)))
  }
  return rows
}

async function measureTool(context, { format, runner, isOnlyTold }) {
  const { server, options, log } = context
  const count = options.sizes.codeSchemas
  const migrations = fileURLToPath(new URL(`../${format}-migrations`, import.meta.url))
  const job = { migrations, format, concurrency: options.concurrency }
  const reference = await prepareReference(server, runner, job)
  const runners = { [runner.name]: runner, tenantry }
  const runOnce = (name, way, schemaCount) =>
    withSchemas(server, schemaCount, async ({ database, schemas }) => {
      const ms = await time(() => runners[name].migrateSchemas({ ...job, url: way.url(database), schemas }))
      await verifySchemas(server.url(database), schemas, reference, runner.historyTable)
      return ms
    })
  for (const name of Object.keys(runners)) await runOnce(name, server, 4)

  const measure = (way) =>
    measurePairs({
      rounds: Math.min(options.pairs, mostRounds),
      ours: 'tenantry',
      others: [runner.name],
      async measure(name) {
        const ms = await runOnce(name, way, count)
        log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / count).toFixed(1)} ms per schema`)
        return ms
      },
    })
  log(`  ${format}, local`)
  const local = await measure(server)
  const way = await startDelay(server, options.delayMs)
  try {
    log(`  ${format}, a round trip takes ${way.roundTripMs.toFixed(1)} ms`)
    const delayed = await measure(way)
    return [
      ['local', local],
      [`${options.delayMs} ms each way`, delayed],
    ].map(([where, pairs]) =>
      compareRatio({
        work: `10 ${format} migrations to ${count} schemas, ${where}`,
        against: runner.name,
        pairs: pairs.get(runner.name),
        ...(isOnlyTold ? {} : { timesFaster: 1 }),
      }),
    )
  } finally {
    await way.stop()
  }
}

/** What the tool itself makes of its folder. */
function prepareReference(server, runner, job) {
  return withSchemas(server, 1, async ({ database, schemas }) => {
    const url = server.url(database)
    await runner.migrateSchemas({ ...job, url, schemas })
    return { ...(await describeSchema(url, schemas[0], rowTables)), migrations: migrationCount }
  })
}
