import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { runAll } from '../lib/run-all.mjs'
import { startDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'
import { verifySchemas } from '../lib/verify.mjs'

/** A database per tenant: ten migrations to each, locally and with a delay. */
export async function measureDatabases(context) {
  const { server, options } = context
  const count = options.sizes.databases
  const names = await createDatabases(server, count)
  const way = await startDelay(server, options.delayMs)
  try {
    await migrateOnce(context, { name: 'knex', names: names.slice(0, 2), way: server })
    await migrateOnce(context, { name: 'tenantry', names: names.slice(0, 2), way: server })
    const local = await measure(context, { names, way: server })
    const delayed = await measure(context, { names, way })
    const work = `10 migrations to ${count} databases`
    return [
      compareRatio({ work: `${work}, local`, against: 'knex', pairs: local, timesFaster: 1.5 }),
      compareRatio({
        work: `${work}, ${options.delayMs} ms each way`,
        against: 'knex',
        pairs: delayed,
        timesFaster: 3,
      }),
    ]
  } finally {
    await way.stop()
    await dropDatabases(server, names)
  }
}

async function measure(context, { names, way }) {
  const pairs = await measurePairs({
    rounds: context.options.pairs,
    ours: 'tenantry',
    others: ['knex'],
    async measure(name) {
      const ms = await migrateOnce(context, { name, names, way })
      context.log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / names.length).toFixed(1)} ms per database`)
      return ms
    },
  })
  return pairs.get('knex')
}

/** One run, timed; then checked and emptied again: making 100 databases takes longer than what is measured. */
async function migrateOnce({ server, options, runners, migrations, reference }, { name, names, way }) {
  const runner = runners[name]
  const urls = names.map((database) => way.url(database))
  const job = { urls, concurrency: options.concurrency, migrations: migrations[name] }
  const ms = await time(() => runner.migrateDatabases(job))
  await runAll(names, 2, async (database) => {
    const url = server.url(database)
    await verifySchemas(url, ['public'], reference, runner.historyTable)
    await withClient(url, (client) => client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))
  })
  await server.query('CHECKPOINT')
  return ms
}
