import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { runNode } from '../lib/child.mjs'
import { createDatabases, createSchemas, dropDatabases } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

/** Everything is applied already: how long it takes to find that out. In-process for both, and our command line besides. */
export async function measureNothing(context) {
  const { server, options, runners, temp, log } = context
  const { knex, tenantry } = runners
  const count = options.sizes.idleSchemas
  const jobs = {}
  const databases = await createDatabases(server, 2)
  try {
    for (const [index, runner] of [knex, tenantry].entries()) {
      const schemas = await createSchemas(server, databases[index], count)
      const dir = path.join(temp, `nothing-${runner.name}`)
      await mkdir(dir)
      const migrations = await runner.prepare({ sources: smallSources(10), dir })
      jobs[runner.name] = { url: server.url(databases[index]), schemas, concurrency: options.concurrency, migrations }
      await runner.migrateSchemas({ ...jobs[runner.name], transaction: 'target' })
      await requireHistory(server, databases[index], runner.historyTable, count)
    }
    const cwd = await tenantry.writeProject(jobs.tenantry)
    const measured = {
      knex: () => knex.migrateSchemas(jobs.knex),
      'in-process': () => tenantry.migrateSchemas(jobs.tenantry),
      process: () => runNode([tenantry.cliFile(), 'up', '--quiet'], { cwd }),
    }
    await measured['in-process']()
    const work = `nothing to do, ${count} schemas`
    // Knex takes by far the longest, so it is run once for both of ours: here it is the one in the middle.
    const pairs = await measurePairs({
      rounds: options.pairs,
      ours: 'knex',
      others: ['in-process', 'process'],
      async measure(name) {
        const ms = await time(measured[name])
        log(`  ${name.padEnd(20)} ${ms.toFixed(0)} ms`)
        return ms
      },
    })
    const [inProcess, process] = ['in-process', 'process'].map((name) =>
      pairs.get(name).map(({ ours, other }) => ({ ours: other, other: ours })),
    )
    return [
      compareRatio({ work, against: 'knex', pairs: inProcess, timesFaster: 50 }),
      compareRatio({ work: `${work}: our command as a process`, against: 'knex in-process', pairs: process }),
    ]
  } finally {
    await dropDatabases(server, databases)
  }
}

/** Migrations that make next to nothing: for fleets where only their number and their history matter. */
export function smallSources(count, first = 1) {
  return Array.from({ length: count }, (_, index) => {
    const number = String(first + index).padStart(3, '0')
    return { id: `${number}_mood`, sql: `CREATE TYPE mood_${number} AS ENUM ('calm', 'busy');\n` }
  })
}

async function requireHistory(server, database, table, count) {
  const sql = `SELECT count(*)::int AS count FROM pg_tables WHERE tablename = '${table}' AND schemaname LIKE 't\\_%'`
  const [row] = await server.query(sql, database)
  if (row.count !== count) throw new Error(`The work was not done: ${row.count} of ${count} schemas have ${table}`)
}
