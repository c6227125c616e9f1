import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { measurePeak, runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases } from '../lib/fleet.mjs'
import { compareLimit } from '../lib/rows.mjs'
import { findMedian } from '../lib/statistics.mjs'

/** Reads the whole book page by page, and tells when the first page was there and how much memory it took. */
const reader = (dist) => `
import { openTenantry } from ${JSON.stringify(pathToFileURL(path.join(dist, 'index.js')).href)}
const tenantry = await openTenantry()
const started = performance.now()
let firstPageMs = null
let count = 0
for await (const _tenant of tenantry.tenants.list()) if (++count === 100) firstPageMs = performance.now() - started
console.log(JSON.stringify({ firstPageMs, count, ms: performance.now() - started }))
await tenantry.close()
`

const columns =
  'id, slug, name, topology, state, server, database_name, schema_name, place_key, labels, created_at, updated_at'

/** A book of many tenants that share their tables, on PostgreSQL and in a SQLite file: reading it, and `status` over it. */
export async function measureRegistryStatus(context) {
  const { server, options, runners, temp } = context
  const { tenantry } = runners
  const count = options.sizes.registryTenants
  const [registry, fleet] = await createDatabases(server, 2)
  try {
    const rows = []
    for (const kind of ['PostgreSQL', 'SQLite']) {
      const cwd = path.join(temp, `registry-${kind}`)
      await mkdir(path.join(cwd, 'migrations'), { recursive: true })
      await writeFile(path.join(cwd, 'migrations', '001_a.sql'), 'CREATE TABLE a (id integer);\n')
      const url = kind === 'SQLite' ? `sqlite:${path.join(cwd, 'book.db')}` : server.url(registry)
      const config = {
        servers: { main: { url: server.url(fleet) } },
        migrations: { dir: './migrations' },
        tenants: { from: 'registry' },
        registry: { url },
      }
      await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config))
      await writeFile(path.join(cwd, 'read.mjs'), reader(tenantry.dist))
      await runNode([tenantry.cliFile(), 'registry', 'migrate', '--quiet'], { cwd })
      if (kind === 'SQLite') await fillFile(tenantry.dist, cwd, fleet, count)
      else
        await server.query(
          `INSERT INTO tenantry_tenants (${columns}) ${selectTenants(fleet, `generate_series(1, ${count}) AS n(i)`, 'gen_random_uuid()::text')}`,
          registry,
        )
      rows.push(...(await measureKind(context, kind, cwd, count)))
    }
    return rows
  } finally {
    await dropDatabases(server, [registry, fleet])
  }
}

async function measureKind({ options, runners, log }, kind, cwd, count) {
  const reads = []
  const peaks = { list: [], status: [] }
  for (let round = 0; round < options.pairs; round++) {
    const { stdout } = await runNode(['read.mjs'], { cwd })
    const read = JSON.parse(stdout)
    if (read.count !== count) throw new Error(`The work was not done: ${read.count} of ${count} tenants were read`)
    reads.push(read)
    peaks.list.push((await measurePeak(['read.mjs'], { cwd })).peakMb)
    const status = await measurePeak([runners.tenantry.cliFile(), 'status', '--quiet'], { cwd })
    peaks.status.push(status.peakMb)
    log(
      `  ${kind}: first page ${read.firstPageMs.toFixed(0)} ms, all ${(read.ms / 1000).toFixed(2)} s, peak ${peaks.list.at(-1).toFixed(0)} MB; status ${(status.ms / 1000).toFixed(2)} s, peak ${status.peakMb.toFixed(0)} MB`,
    )
  }
  const firstPages = reads.map(({ firstPageMs }) => firstPageMs / 1000)
  const detail = `median of ${reads.length}`
  const work = `registry of ${count} tenants on ${kind}`
  return [
    compareLimit({
      work: `${work}: first page`,
      value: findMedian(firstPages),
      unit: 's',
      under: 1,
      detail,
      figures: { reads },
    }),
    ...Object.entries(peaks).map(([name, peakMb]) =>
      compareLimit({
        work: `${work}: peak memory of ${name}`,
        value: findMedian(peakMb),
        unit: 'MB',
        under: 250,
        detail,
        figures: { peakMb },
      }),
    ),
  ]
}

function selectTenants(database, from, id) {
  const now = "'2026-01-01T00:00:00.000Z'"
  return `SELECT ${id}, 't' || i, 'Customer ' || i, 'shared', 'active', 'main', '${database}', NULL, NULL, '{"tier":"gold"}', ${now}, ${now} FROM ${from}`
}

async function fillFile(dist, cwd, database, count) {
  const { sqlite } = await import(pathToFileURL(path.join(dist, 'dialects', 'sqlite', 'index.js')).href)
  const bounds = { port: 0, tls: null, maxConcurrency: 1, maxConcurrencyPerDatabase: 1 }
  const server = { name: 'registry', dialect: 'sqlite', host: '', directory: cwd, ...bounds }
  const connection = await sqlite.connect(server, 'book.db', { connectTimeoutMs: 10_000, applicationName: 'bench' })
  try {
    await connection.query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
       INSERT INTO tenantry_tenants (${columns}) ${selectTenants(database, 'n', 'lower(hex(randomblob(16)))')}`,
    )
  } finally {
    await connection.close()
  }
}
