import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { drizzleMultitenant } from '../runners/drizzle-multitenant.mjs'
import { floor } from '../runners/floor.mjs'
import { knex } from '../runners/knex.mjs'
import { nodePgMigrate } from '../runners/node-pg-migrate.mjs'
import { tenantry } from '../runners/tenantry.mjs'
import { umzug } from '../runners/umzug.mjs'
import { measureApply, measureDelayed, measureTarget } from '../works/apply.mjs'
import { measureBackfill } from '../works/backfill.mjs'
import { measureDatabases } from '../works/databases.mjs'
import { measureDrift } from '../works/drift.mjs'
import { measureFingerprint } from '../works/fingerprint.mjs'
import { measureKnexCode } from '../works/knex-code.mjs'
import { measureLarge } from '../works/large.mjs'
import { measureLint } from '../works/lint.mjs'
import { measureMariadb } from '../works/mariadb.mjs'
import { measureNativeLoops } from '../works/native-loops.mjs'
import { measureNothing } from '../works/nothing.mjs'
import { measureProve } from '../works/prove.mjs'
import { measureProvisionDatabase, measureProvisionSchema } from '../works/provision.mjs'
import { measureRegistryStatus } from '../works/registry-status.mjs'
import { measureRotate } from '../works/rotate.mjs'
import { measureSampleDb } from '../works/sample-db.mjs'
import { measureSequelizeCode } from '../works/sequelize-code.mjs'
import { measureSqliteFiles } from '../works/sqlite-files.mjs'
import { measureVersion } from '../works/version.mjs'
import { describeMachine } from './machine.mjs'
import { printTable, writePage } from './report.mjs'
import { startServer } from './server.mjs'
import { readSources } from './sources.mjs'
import { prepareVerification } from './verify.mjs'

const works = {
  version: measureVersion,
  drift: measureDrift,
  prove: measureProve,
  rotate: measureRotate,
  lint: measureLint,
  backfill: measureBackfill,
  'sample-db': measureSampleDb,
  'registry-status': measureRegistryStatus,
  'provision-schema': measureProvisionSchema,
  'provision-database': measureProvisionDatabase,
  apply: measureApply,
  target: measureTarget,
  delayed: measureDelayed,
  nothing: measureNothing,
  databases: measureDatabases,
  large: measureLarge,
  'knex-code': measureKnexCode,
  fingerprint: measureFingerprint,
  'sequelize-code': measureSequelizeCode,
  'native-loops': measureNativeLoops,
  'sqlite-files': measureSqliteFiles,
  mariadb: measureMariadb,
}

/**
 * Runs what was asked for, prints the table and writes the figures.
 * @returns {Promise<number>} exit code: 1 if a tool did not do its work; a figure that is not reached is no failure
 */
export async function runBench(options) {
  setFlagsFromString('--expose_gc')
  globalThis.gc = runInNewContext('gc')
  // Costs 30 ms per start on Node 20 and has nothing to do with what is measured.
  delete process.env.NODE_EXTRA_CA_CERTS

  const started = new Date()
  const temp = await mkdtemp(path.join(tmpdir(), 'tenantry-bench-'))
  // The server ends with this process, but only if it ends in the regular way.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => process.exit(code))
  }
  process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
  const server = await startServer()
  const rows = []
  let failures = 0
  try {
    const context = await prepare(options, server, temp)
    for (const name of options.works) {
      context.log(`\n${name} …`)
      const before = Date.now()
      try {
        for (const row of await works[name](context)) rows.push(row)
      } catch (error) {
        failures++
        rows.push({ work: name, target: '', measured: `failed: ${error.message}`, reached: false })
        console.error(error)
      }
      context.log(`${name}: ${((Date.now() - before) / 1000).toFixed(0)} s`)
    }
  } finally {
    await server.stop()
  }
  const machine = await describeMachine(server)
  const figures = { date: started.toISOString(), durationS: (Date.now() - started) / 1000, machine, options, rows }
  console.log(`\n${printTable(rows)}`)
  const file = options.json ?? path.join(import.meta.dirname, '..', 'results', `${fileTime(started)}.json`)
  await mkdir(path.dirname(path.resolve(file)), { recursive: true })
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`)
  console.log(`\nTook ${Math.round(figures.durationS)} s. Figures: ${path.relative(process.cwd(), path.resolve(file))}`)
  if (options.writeDocs) console.log(`Page: ${await writePage(figures)}`)
  return failures === 0 ? 0 : 1
}

/** Every tool's own folder with the same migrations, and the reference that each run is checked against. */
async function prepare(options, server, temp) {
  const sources = await readSources()
  const reference = await prepareVerification(server, sources)
  tenantry.dist = path.resolve(options.dist ?? path.join(import.meta.dirname, '..', '..', 'dist'))
  const runners = {}
  const migrations = {}
  for (const runner of [tenantry, floor, knex, umzug, nodePgMigrate, drizzleMultitenant]) {
    const dir = path.join(temp, runner.name)
    await mkdir(dir)
    runners[runner.name] = runner
    migrations[runner.name] = await runner.prepare({ sources, dir })
  }
  return { options, server, temp, reference, runners, migrations, log: (text) => console.log(text) }
}

function fileTime(date) {
  return date.toISOString().slice(0, 19).replaceAll(':', '-')
}
