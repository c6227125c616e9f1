import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { measurePeak, runNode } from '../lib/child.mjs'
import { createDatabases, createSchemas, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareLimit } from '../lib/rows.mjs'
import { findMedian, time } from '../lib/statistics.mjs'
import { smallSources } from './nothing.mjs'

const repeats = 3
const limitMb = 40

/** A small and a large fleet: how memory grows from one to the other, and how long `check` takes on the large one. */
export async function measureLarge(context) {
  const { fleets } = context.options.sizes
  const results = []
  for (const count of fleets) results.push(await measureFleet(context, count))
  const [small, large] = results
  const rows = [
    compareLimit({
      work: `check of ${large.count} schemas`,
      value: findMedian(large.checkMs) / 1000,
      unit: 's',
      atMost: 5,
      detail: `${range(large.checkMs.map((ms) => ms / 1000))} s; at most ${large.peakLocks} locks at a time of ${large.lockTable}`,
      figures: { checkMs: large.checkMs, peakLocks: large.peakLocks, lockTable: large.lockTable },
    }),
  ]
  for (const key of ['nothing pending', '1 small migration']) {
    const [before, after] = [small, large].map((fleet) => fleet.peakMb[key])
    rows.push(
      compareLimit({
        work: `peak memory of up, ${key}, ${small.count} → ${large.count} schemas`,
        value: findMedian(after) - findMedian(before),
        unit: 'MB',
        under: limitMb,
        detail: `${findMedian(before).toFixed(0)} → ${findMedian(after).toFixed(0)} MB`,
        figures: { smallMb: before, largeMb: after },
      }),
    )
  }
  return rows
}

async function measureFleet({ server, options, runners, temp, log }, count) {
  const { tenantry } = runners
  const [database] = await createDatabases(server, 1)
  try {
    await createSchemas(server, database, count)
    const dir = path.join(temp, `large-${count}`)
    await mkdir(dir)
    const migrations = await tenantry.prepare({ sources: smallSources(9), dir })
    const job = { url: server.url(database), concurrency: options.concurrency, migrations, transaction: 'target' }
    const cwd = await tenantry.writeProject(job)
    const up = [tenantry.cliFile(), 'up', '--quiet']

    const first = await runNode(up, { cwd })
    log(`  ${count} schemas: 9 migrations applied in ${(first.ms / 1000).toFixed(1)} s`)
    const [{ id, sql }] = smallSources(1, 10)
    await writeFile(path.join(migrations, `${id}.sql`), sql)
    const applied = await measurePeak(up, { cwd })
    log(`  ${count} schemas: 1 migration in ${(applied.ms / 1000).toFixed(1)} s, peak ${applied.peakMb.toFixed(0)} MB`)
    await requireApplied(server, database, count)

    const idle = []
    const checkMs = []
    for (let repeat = 0; repeat < repeats; repeat++) {
      const { peakMb, ms } = await measurePeak(up, { cwd })
      idle.push(peakMb)
      checkMs.push(await time(() => tenantry.checkSchemas({ cwd, count })))
      log(
        `  ${count} schemas: nothing pending in ${(ms / 1000).toFixed(1)} s, peak ${peakMb.toFixed(0)} MB; check in ${(checkMs.at(-1) / 1000).toFixed(2)} s`,
      )
    }
    // Looking at the locks costs time of its own, so it is done in a run that is not timed.
    const locks = await watchLocks(server.url(database), () => tenantry.checkSchemas({ cwd, count }))
    return { count, checkMs, peakMb: { 'nothing pending': idle, '1 small migration': [applied.peakMb] }, ...locks }
  } finally {
    await dropDatabases(server, [database])
  }
}

async function watchLocks(url, work) {
  return withClient(url, async (client) => {
    const sizeSql = `SELECT (current_setting('max_locks_per_transaction')::int
      * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)) AS size`
    const lockTable = (await client.query(sizeSql)).rows[0].size
    let peakLocks = 0
    let running = true
    const done = work().finally(() => {
      running = false
    })
    while (running) {
      const { rows } = await client.query('SELECT count(*)::int AS count FROM pg_locks')
      peakLocks = Math.max(peakLocks, rows[0].count)
      await Promise.race([done, sleep(5)])
    }
    await done
    return { peakLocks, lockTable }
  })
}

async function requireApplied(server, database, count) {
  const sql = `SELECT count(*)::int AS count FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typname LIKE 'mood\\_%' AND t.typtype = 'e' AND n.nspname LIKE 't\\_%'`
  const [row] = await server.query(sql, database)
  if (row.count !== count * 10) throw new Error(`The work was not done: ${row.count} types in ${count} schemas`)
}

function range(values) {
  return `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`
}
