import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { createDatabases, createSchemas, dropDatabases } from '../lib/fleet.mjs'
import { compareLimit } from '../lib/rows.mjs'
import { time } from '../lib/statistics.mjs'

/** Every schema against what the migrations make: with the reference built on the way, and with the one that was kept. */
export async function measureDrift(context) {
  const { server, options, runners, temp, log } = context
  const { tenantry } = runners
  const count = options.sizes.driftSchemas
  const databases = await createDatabases(server, 1)
  try {
    const [database] = databases
    const schemas = await createSchemas(server, database, count)
    const dir = path.join(temp, 'drift')
    await mkdir(dir)
    const migrations = await tenantry.prepare({ sources: tableSources(20), dir })
    const job = { url: server.url(database), schemas, concurrency: options.concurrency, migrations }
    await tenantry.migrateSchemas(job)
    // Dropping a database waits for one: without this, the first drift would write what the migrations left.
    await server.query('CHECKPOINT')
    const runs = { built: [], kept: [] }
    for (let round = 0; round < options.pairs; round++) {
      const cwd = await tenantry.writeProject({ ...job, scratch: true })
      for (const name of ['built', 'kept']) {
        const ms = await time(() => tenantry.driftSchemas({ cwd, count }))
        log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s`)
        runs[name].push(ms)
      }
    }
    const work = `drift, ${count} schemas of 20 tables, all equal`
    return [
      limit(`${work}: with the reference built`, runs.built),
      limit(`${work}: with the reference kept`, runs.kept),
    ]
  } finally {
    await dropDatabases(server, databases)
  }
}

function limit(work, runs) {
  const sorted = [...runs].sort((a, b) => a - b)
  const value = (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) / 1000
  const detail = `median of ${runs.length}`
  return compareLimit({ work, value, unit: 's', under: 20, detail, figures: { runsMs: runs } })
}

/** A table each, with what a product's tables have: keys, a reference, a check, defaults, two indexes. */
function tableSources(count) {
  return Array.from({ length: count }, (_, index) => {
    const [name, before] = [`part_${index + 1}`, `part_${index}`]
    const parent = index === 0 ? '' : `,\n  parent_id bigint REFERENCES ${before} (id) ON DELETE CASCADE`
    const sql = `CREATE TABLE ${name} (
  id bigserial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'open', 'done')),
  amount numeric(12, 2) NOT NULL DEFAULT 0,
  details jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()${parent}
);
CREATE INDEX ${name}_state_idx ON ${name} (state, created_at DESC);
CREATE INDEX ${name}_open_idx ON ${name} (amount) WHERE state = 'open';
`
    return { id: `${String(index + 1).padStart(3, '0')}_${name}`, sql }
  })
}
