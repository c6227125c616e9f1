/**
 * A fleet of 60 tenants on a real PostgreSQL, and the real command line at work on it. What it prints is what happens:
 * every step is checked, and the first one that does not do what it should ends the demo with exit code 1.
 *
 *   node demo/run.mjs [--dir <folder>]    default: demo/fleet
 */
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startPostgres } from '../scripts/lib/postgres.mjs'
import { addRows, findComplete, makePlaces, queryTenant } from './lib/fleet.mjs'
import { fillFolder, prepareFolder, readTenants } from './lib/folder.mjs'
import { expect, runTenantry, saySql, sayTitle } from './lib/steps.mjs'

const { values } = parseArgs({ options: { dir: { type: 'string' } } })
const dir = values.dir === undefined ? fileURLToPath(new URL('fleet', import.meta.url)) : path.resolve(values.dir)
const fromHere = path.relative(process.cwd(), dir)
const shownDir = fromHere === '' || fromHere.startsWith('..') ? dir : fromHere

/** The last migration that tenants of each age have. */
const ages = { 2023: '005', 2024: '004', 2025: '002' }
const broken = 'hazel'
const undone = 'acorn'

/** @param {import('../scripts/lib/postgres.mjs').PostgresServer} server */
async function tellStory(server) {
  fillFolder(dir, server)
  const tenants = readTenants(dir)
  const find = (slug) => tenants.find((tenant) => tenant.slug === slug)
  const countOf = (layout) => tenants.filter((tenant) => tenant.layout === layout).length
  const run = (line, expected) => runTenantry(dir, line.split(' '), expected, interrupt.signal)

  sayTitle(
    `A fleet of ${tenants.length} tenants: ${countOf('schema')} schemas, ${countOf('database')} databases, ` +
      `${countOf('dedicated')} dedicated, ${countOf('shared')} with shared tables`,
  )
  console.log('They are not all at the same version: some joined in 2023, some in 2024 or 2025, some are new.')
  await makePlaces(server, tenants)
  for (const [year, migration] of Object.entries(ages))
    await run(`up --label since=${year} --set tenant --to ${migration} --quiet`, 0)
  await run('up market --to 20250110 --quiet', 0)
  await addRows(server, tenants)

  const duplicate = `INSERT INTO customers (name, email) VALUES ('Ada again', 'ADA@example.com');`
  sayTitle(`One tenant is broken on purpose: ${broken} gets a row that will break a unique index`)
  saySql(duplicate)
  await queryTenant(server, find(broken), duplicate)

  sayTitle('What would run?')
  await run('plan', 0)

  sayTitle(`Everywhere at once. ${broken} fails alone, so this ends with exit code 1`)
  await run('up', 1)
  const before = await findComplete(server, tenants, dir)
  console.log(`\nThe databases say: ${before.complete.length} of ${tenants.length} tenants have every migration.`)
  expect(before.behind.join() === broken, `Behind are ${before.behind.join(', ')}; it should be ${broken} alone.`)

  const repair = `DELETE FROM customers WHERE name = 'Ada again';`
  sayTitle(`Repair ${broken}, and again`)
  saySql(repair)
  await queryTenant(server, find(broken), repair)
  await run('up', 0)
  const after = await findComplete(server, tenants, dir)
  console.log(`\nThe databases say: ${after.complete.length} of ${tenants.length} tenants have every migration.`)
  expect(after.behind.length === 0, `Behind are ${after.behind.join(', ')}; nobody should be.`)

  sayTitle('The fleet on a page')
  await run('status', 0)

  sayTitle(`Undo the last migration of one tenant. It would drop a column with data: refused with exit code 2`)
  await run(`down ${undone}`, 2)
  sayTitle('Said on purpose, it is done')
  await run(`down ${undone} --allow-data-loss`, 0)
  await run(`status ${undone}`, 0)
  const end = await findComplete(server, tenants, dir)
  expect(end.behind.join() === undone, `Behind are ${end.behind.join(', ')}; it should be ${undone} alone.`)

  sayTitle('Go on with it')
  console.log(`The fleet is in ${shownDir}, and its PostgreSQL runs on port ${server.port}:

  cd ${shownDir}
  ./tenantry up                            # ${undone} has something pending
  ./tenantry make add_phone --set tenant   # a new migration; then plan, up
  ./tenantry explain ${broken}                 # what happened to it
  node server.mjs stop                     # start brings it back, remove deletes its data`)
}

/** @type {import('../scripts/lib/postgres.mjs').PostgresServer | undefined} */
let server
const interrupt = new AbortController()
// The server would outlive us: it is to be left running by a whole demo only.
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort())
try {
  const home = await prepareFolder(dir)
  server = await startPostgres({ dir: home, keep: true })
  await tellStory(server)
  interrupt.signal.throwIfAborted()
  server.unref()
} catch (error) {
  const message = error instanceof Error ? error.message : error
  console.error(interrupt.signal.aborted ? '\nInterrupted.' : `\nThe demo failed: ${message}`)
  await server?.stop()
  process.exitCode = interrupt.signal.aborted ? 130 : 1
}
