import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareLimit, compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const sampleEveryMs = 5

const table = `DROP TABLE IF EXISTS orders, tenantry_data_changes;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, amount numeric(12, 2) NOT NULL, total numeric(12, 2), note text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());`

/**
 * A new column filled in every row: batch by batch, through the command line, against one UPDATE of everything. How long
 * locks are held is looked at in a run of its own, from beside, so that looking costs no pair anything.
 */
export async function measureBackfill({ server, options, runners, temp, log }) {
  const rows = options.sizes.backfillRows
  const [database] = await createDatabases(server, 1)
  const url = server.url(database)
  try {
    const cwd = await writeProject(path.join(temp, 'backfill'), url, database)
    const command = [runners.tenantry.cliFile(), 'backfill-data', 'run', '--json']
    const fill = async () => {
      await withClient(url, async (client) => {
        await client.query(table)
        await client.query(
          `INSERT INTO orders SELECT i, i % 1000, i % 997 + 0.5, NULL, 'order number ' || i FROM generate_series(1, ${rows}) i`,
        )
        await client.query('VACUUM ANALYZE orders')
      })
      await server.query('CHECKPOINT')
    }
    const check = async () => {
      const [{ wrong }] = (
        await withClient(url, (client) =>
          client.query('SELECT count(*)::int AS wrong FROM orders WHERE total IS DISTINCT FROM round(amount * 1.2, 2)'),
        )
      ).rows
      if (wrong !== 0) throw new Error(`${wrong} rows were not changed, or not once`)
    }
    const backfill = () => runNode(command, { cwd })
    const measured = {
      update: () =>
        withClient(url, (client) => client.query('UPDATE orders SET total = coalesce(total, amount) * 1.2')),
      tenantry: backfill,
    }
    const pairs = await measurePairs({
      rounds: options.pairs,
      ours: 'tenantry',
      others: ['update'],
      async measure(name) {
        await fill()
        const ms = await time(measured[name])
        log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s`)
        await check()
        return ms
      },
    })
    await fill()
    const { longestMs, samples } = await watchLocks(url, backfill)
    await check()
    log(`  longest lock         ${longestMs.toFixed(0)} ms (${samples} looks)`)
    const work = `backfill of ${rows.toLocaleString('en-US')} rows in batches`
    return [
      compareRatio({ work, against: 'one UPDATE', pairs: pairs.get('update'), atMost: 2 }),
      compareLimit({
        work: `${work}: longest that a row is locked`,
        value: longestMs,
        unit: 'ms',
        atMost: 250,
        detail: `age of the oldest transaction with a row lock, ${samples} looks`,
        figures: { samples },
      }),
    ]
  } finally {
    await dropDatabases(server, [database])
  }
}

async function writeProject(cwd, url, database) {
  await mkdir(path.join(cwd, 'migrations'), { recursive: true })
  await mkdir(path.join(cwd, 'data-changes'))
  await writeFile(path.join(cwd, 'migrations', '001_nothing.sql'), 'SELECT 1;\n')
  await writeFile(
    path.join(cwd, 'data-changes', '001_total.sql'),
    '-- tenantry:data-change table=orders key=id\nUPDATE orders SET total = coalesce(total, amount) * 1.2 WHERE id BETWEEN :from AND :to;\n',
  )
  const config = {
    servers: { main: { url } },
    migrations: { dir: './migrations' },
    tenants: [{ slug: 'solo', topology: 'database', server: 'main', database }],
  }
  await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config), { mode: 0o600 })
  return cwd
}

/** Begins of transactions are older than their locks, so that no lock is taken for younger than it is. */
async function watchLocks(url, work) {
  const question = `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)) * 1000, 0)::float8 AS ms
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.relation = 'orders'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND a.pid <> pg_backend_pid()`
  return withClient(url, async (client) => {
    let longestMs = 0
    let samples = 0
    let running = true
    const ended = work().finally(() => {
      running = false
    })
    while (running) {
      const { rows } = await client.query(question)
      longestMs = Math.max(longestMs, rows[0].ms)
      samples++
      await sleep(sampleEveryMs)
    }
    await ended
    return { longestMs: longestMs + sampleEveryMs, samples }
  })
}
