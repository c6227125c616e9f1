import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases } from '../lib/fleet.mjs'
import { findMedian } from '../lib/statistics.mjs'

const perSecond = 2000
const words = ['a'.repeat(32), 'b'.repeat(32)]

/**
 * Seals every credential of a registry anew, from one key to the other and back, with the command line: its start, the
 * reading that opens everything before, and the proof after are in the figure.
 */
export async function measureRotate(context) {
  const { server, temp } = context
  const databases = await createDatabases(server, 1)
  try {
    return [
      await measureStore(context, 'SQLite', await makeProject(temp, 'sqlite', {})),
      await measureStore(context, 'PostgreSQL', await makeProject(temp, 'postgres', { url: server.url(databases[0]) })),
    ]
  } finally {
    await dropDatabases(server, databases)
  }
}

async function makeProject(temp, name, registry) {
  const cwd = path.join(temp, `rotate-${name}`)
  await mkdir(path.join(cwd, 'migrations'), { recursive: true })
  const config = { servers: { main: { url: 'postgres://127.0.0.1:5432/' } }, registry, tenants: { from: 'registry' } }
  await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config))
  return cwd
}

async function measureStore({ options, runners, log }, name, cwd) {
  const { tenantry } = runners
  const count = options.sizes.credentials
  await fill(tenantry.dist, cwd, count)
  const runs = []
  for (let round = 0; round < options.pairs; round++) {
    const [current, previous] = round % 2 === 0 ? [words[1], words[0]] : words
    const env = { MASTER_ENCRYPTION_KEY: current, MASTER_ENCRYPTION_KEY_PREVIOUS: previous }
    const { ms, stdout } = await runNode([tenantry.cliFile(), 'keys', 'rotate', '--json', '--quiet'], { cwd, env })
    const { rotated, total } = JSON.parse(stdout)
    if (rotated !== count || total !== count) throw new Error(`The work was not done: ${rotated} of ${count}`)
    log(`  ${name.padEnd(10)} ${count} credentials in ${(ms / 1000).toFixed(1)} s`)
    runs.push((count / ms) * 1000)
  }
  const value = findMedian(runs)
  const range = `${Math.round(Math.min(...runs))}–${Math.round(Math.max(...runs))}`
  return {
    work: `keys rotate, ${count} credentials, registry on ${name}`,
    target: `≥ ${perSecond}/s`,
    measured: `${Math.round(value)}/s (${range})`,
    reached: value >= perSecond,
    figures: { perSecond: value, runs },
  }
}

/** Tenants with a password each, sealed with the first key. */
async function fill(dist, cwd, count) {
  const load = (file) => import(pathToFileURL(path.join(dist, file)).href)
  const { loadConfig } = await load('config/load.js')
  const { loadDialects, registryOf } = await load('wiring.js')
  const { makeKey } = await load('registry/key-ring.js')
  const { seal } = await load('registry/seal.js')
  const { Secret } = await load('model/secret.js')
  const config = await loadConfig({ cwd, env: {} })
  await loadDialects(config)
  const registry = registryOf(config, () => {})
  const key = makeKey('current', Buffer.from(words[0]), Buffer.from(words[0]))
  const actor = { name: 'bench' }
  await registry.migrate()
  for (let start = 0; start < count; start += 1000) {
    const tenants = Array.from({ length: Math.min(1000, count - start) }, (_, i) => ({
      slug: `tenant-${start + i}`,
      topology: 'database',
      state: 'active',
      placement: { server: 'main', database: `tenant_${start + i}` },
    }))
    const added = await registry.tenants.add(tenants, actor)
    const credentials = added.map(({ id, slug }) => {
      const sealed = seal(key, id, new Secret(`password of ${slug}`))
      return { credential: { tenantId: id, user: 'app', sealed, reference: null } }
    })
    await registry.tenants.writeCredentials(credentials, 'credential', actor)
  }
  await registry.close()
}
