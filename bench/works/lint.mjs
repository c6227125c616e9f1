import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { measureCpu } from '../lib/child.mjs'
import { writeLintSources } from '../lib/lint-sources.mjs'
import { compareLimit } from '../lib/rows.mjs'
import { findMedian } from '../lib/statistics.mjs'

const count = 500
const squawk = path.join(import.meta.dirname, '..', '..', 'node_modules', 'squawk-cli')
const cases = [
  { title: 'PostgreSQL, tenants in schemas', dialect: 'postgres', topology: 'schema', squawk: false },
  { title: 'PostgreSQL, with squawk', dialect: 'postgres', topology: 'database', squawk: true },
  { title: 'MySQL', dialect: 'mysql', topology: 'database', squawk: false },
]

/** 500 migrations and their undo files, with the command line: its start is in the figure. No server is asked. */
export async function measureLint({ options, runners, temp, log }) {
  const rows = []
  for (const one of cases) {
    if (one.squawk && !existsSync(squawk)) continue
    const cwd = await makeProject(temp, one)
    const runs = []
    for (let round = 0; round < options.pairs; round++) {
      const args = [runners.tenantry.cliFile(), 'lint', '--json', '--quiet']
      const { ms, cpuMs, stdout } = await measureCpu(args, { cwd, exits: [3] })
      const { summary, notAnalysed } = JSON.parse(stdout)
      const isDone = summary.migrations === count && summary.files === 2 * count && summary.errors >= count / 5
      if (!isDone || notAnalysed.length > 0) throw new Error(`The work was not done: ${JSON.stringify(summary)}`)
      log(`  ${one.title}: ${(ms / 1000).toFixed(2)} s, processor ${((cpuMs.user + cpuMs.system) / 1000).toFixed(2)} s`)
      runs.push({ ms, cpuMs })
    }
    rows.push(
      compareLimit({
        work: `lint ${count} SQL migrations and their undo files, ${one.title}`,
        value: findMedian(runs.map(({ ms }) => ms)) / 1000,
        unit: 's',
        under: 5,
        detail: `median of ${runs.length}; user time ${(findMedian(runs.map(({ cpuMs }) => cpuMs.user)) / 1000).toFixed(2)} s`,
        figures: { runs },
      }),
    )
  }
  return rows
}

async function makeProject(temp, { title, dialect, topology, squawk: withSquawk }) {
  const cwd = path.join(temp, `lint-${title.replaceAll(/\W+/g, '-')}`)
  const migrations = path.join(cwd, 'migrations')
  await mkdir(path.join(migrations, 'rollbacks'), { recursive: true })
  for (const { name, up, down } of writeLintSources(dialect, count)) {
    await writeFile(path.join(migrations, name), up)
    await writeFile(path.join(migrations, 'rollbacks', name), down)
  }
  const place = topology === 'schema' ? { database: 'app', schema: 't_acme' } : { database: 'acme' }
  const config = {
    servers: { main: { url: `${dialect}://127.0.0.1:1/` } },
    migrations: { dir: './migrations' },
    tenants: [{ slug: 'acme', topology, server: 'main', ...place }],
    lint: { squawk: withSquawk },
  }
  await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config))
  if (withSquawk) {
    await mkdir(path.join(cwd, 'node_modules'))
    await symlink(squawk, path.join(cwd, 'node_modules', 'squawk-cli'), 'dir')
  }
  return cwd
}
