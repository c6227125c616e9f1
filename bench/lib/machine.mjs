import { readFile } from 'node:fs/promises'
import { cpus, platform, release, totalmem } from 'node:os'

/** What the figures depend on: hardware, system and versions. */
export async function describeMachine(server) {
  const bench = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const own = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    server: server.version,
    serverSettings: server.settings,
    tenantry: own.version,
    peers: { ...bench.dependencies, ...bench.optionalDependencies },
  }
}
