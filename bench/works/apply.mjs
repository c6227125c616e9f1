import { withSchemas } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { startDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'
import { verifySchemas } from '../lib/verify.mjs'

const peers = ['knex', 'umzug', 'node-pg-migrate', 'drizzle-multitenant']

/** Ten migrations to fresh schemas, against the floor and every peer. */
export async function measureApply(context) {
  const { schemas } = context.options.sizes
  const pairs = await measureAll(context, { count: schemas, others: ['floor', ...peers], way: context.server })
  const work = `apply 10 migrations to ${schemas} fresh schemas, local`
  const faster = { knex: 1.6, umzug: 2.5, 'node-pg-migrate': 1.3, 'drizzle-multitenant': 1.3 }
  return [
    compareRatio({ work, against: 'floor', pairs: pairs.get('floor'), atMost: 1.15 }),
    ...peers.map((name) => compareRatio({ work, against: name, pairs: pairs.get(name), timesFaster: faster[name] })),
  ]
}

/** The same, everything pending of a schema in one transaction. */
export async function measureTarget(context) {
  const { schemas } = context.options.sizes
  const pairs = await measureAll(context, {
    count: schemas,
    others: ['floor'],
    way: context.server,
    transaction: 'target',
  })
  const work = `the same with transaction: 'target' (${schemas} schemas)`
  return [compareRatio({ work, against: 'floor', pairs: pairs.get('floor'), atMost: 0.95 })]
}

/** The same with every message on its way for some milliseconds. */
export async function measureDelayed(context) {
  const { log, options } = context
  const { sizes, delayMs } = options
  const way = await startDelay(context.server, delayMs)
  try {
    const count = sizes.delayedSchemas
    log(`  a round trip takes ${way.roundTripMs.toFixed(1)} ms`)
    const pairs = await measureAll(context, { count, others: ['floor', ...peers], way })
    const work = `the same with ${delayMs} ms each way (${count} schemas; a round trip took ${way.roundTripMs.toFixed(1)} ms)`
    return [
      compareRatio({ work, against: 'floor', pairs: pairs.get('floor'), atMost: 0.65 }),
      ...peers.map((name) => compareRatio({ work, against: name, pairs: pairs.get(name), timesFaster: 5 })),
    ]
  } finally {
    await way.stop()
  }
}

async function measureAll(context, { count, others, way, transaction }) {
  const { options, log } = context
  // The first run of a tool in this process pays for loading and compiling it.
  for (const name of ['tenantry', ...others])
    await applyOnce(context, { name, count: 4, way: context.server, transaction })
  return measurePairs({
    rounds: options.pairs,
    ours: 'tenantry',
    others,
    async measure(name) {
      const ms = await applyOnce(context, { name, count, way, transaction })
      log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / count).toFixed(1)} ms per schema`)
      return ms
    },
  })
}

/** One run in a database of its own, timed, then checked outside the time. @returns {Promise<number>} milliseconds */
function applyOnce({ server, options, runners, migrations, reference }, { name, count, way, transaction }) {
  const runner = runners[name]
  return withSchemas(server, count, async ({ database, schemas }) => {
    const job = { url: way.url(database), schemas, concurrency: options.concurrency, migrations: migrations[name] }
    const ms = await time(() => runner.migrateSchemas({ ...job, transaction }))
    await verifySchemas(server.url(database), schemas, reference, runner.historyTable)
    return ms
  })
}
