/** Knex and tenantry on the same SQLite files: whoever migrates, both agree on what is there, and it is the same. */
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { makePair, type NativePair, type NativePlace } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const fixture = fileURLToPath(new URL('../fixtures/knex-files', import.meta.url))
const require = createRequire(import.meta.url)
const names = [
  '20250101000000_customers.js',
  '20250102000000_orders.cjs',
  '20250103000000_rows.js',
  '20250104000000_rebuild.js',
  '20250105000000_index.js',
  '20250106000000_keys.mjs',
  '20250107000000_within.js',
  '20250108000000_trigger.js',
]
const ids = names.map((name) => name.replace(/\.\w+$/, ''))

let project: Project
let pair: NativePair
beforeEach(async () => {
  project = makeProject()
  cpSync(fixture, project.dir, { recursive: true })
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  pair = await makePair('sqlite')
  project.configure({ migrations: {}, ...pair.config })
})
afterEach(async () => {
  project.remove()
  await pair.drop()
})

/**
 * Knex itself, as a team runs it. `libsql` is the driver of its client for `better-sqlite3`, whose interface it has;
 * foreign keys are off, as with the `sqlite3` package, since Knex would lose rows that refer to a table it rebuilds.
 */
async function native<T>(place: NativePlace, work: (knex: Knex) => Promise<T>, from = 'knex'): Promise<T> {
  const makeKnex = require(from)
  const Base = makeKnex({ client: 'better-sqlite3', useNullAsDefault: true }).client.constructor
  const knex = makeKnex({
    client: class extends Base {
      _driver() {
        return require('libsql')
      }
    },
    connection: { filename: place.url },
    pool: {
      min: 0,
      max: 1,
      afterCreate(connection: { exec(text: string): void }, done: (error: unknown, connection: unknown) => void) {
        connection.exec('PRAGMA foreign_keys = OFF')
        done(null, connection)
      },
    },
    useNullAsDefault: true,
    migrations: { directory: `${fixture}/migrations`, loadExtensions: ['.js', '.cjs', '.mjs'] },
    log: { warn() {}, error() {}, debug() {}, deprecate() {} },
  })
  try {
    return await work(knex)
  } finally {
    await knex.destroy()
  }
}

const latest = (place: NativePlace) => native(place, (knex) => knex.migrate.latest())
async function forward(place: NativePlace, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await native(place, (knex) => knex.migrate.up())
}
const up = async (options: { to?: string } = {}) => mustSucceed(await project.use((tenantry) => tenantry.up(options)))
const down = async (options: DownOptions = {}) =>
  mustSucceed(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })))
function mustSucceed(report: FleetReport): FleetReport {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  return report
}

async function inspect(place: NativePlace) {
  const tables = await place.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  const rows: Record<string, unknown> = {}
  for (const name of tables.map((row) => String(row.name))) {
    if (/^knex_|^tenantry_|^sqlite_/.test(name)) continue
    // Clocks differ.
    rows[name] = (await place.query(`SELECT * FROM ${name} ORDER BY 1`)).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !/_at$/.test(column))),
    )
  }
  const history = await place.query(
    'SELECT name, batch, typeof(migration_time) AS type FROM knex_migrations ORDER BY id',
  )
  const [list, status] = await native(place, async (knex) => [await knex.migrate.list(), await knex.migrate.status()])
  const [completed, pending] = list as [{ name: string }[], { file: string }[]]
  return {
    catalog: await place.catalog(),
    rows,
    history: history.map(({ name }) => name),
    lock: await place.query('SELECT is_locked FROM knex_migrations_lock'),
    completed: completed.map(({ name }) => name),
    pending: pending.map(({ file }) => file),
    status,
  }
}

async function expectTwins() {
  const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
  expect(found).toEqual(expected)
  return found
}

describe.each(['knex', 'knex2'])('%s', (from) => {
  test('begins, tenantry goes on; tenantry begins, it goes on; each undoes what the other did', async () => {
    if (from === 'knex2') {
      rmSync(join(project.dir, 'node_modules'))
      mkdirSync(join(project.dir, 'node_modules'))
      symlinkSync(join(process.cwd(), 'node_modules/knex2'), join(project.dir, 'node_modules/knex'))
    }
    await forward(pair.ours, 2)
    expect(resultOf(await up(), 'ours').applied).toEqual(ids.slice(2))
    await forward(pair.twin, 8)
    const found = await expectTwins()
    expect(found.completed).toEqual(names)
    expect(found.pending).toEqual([])
    expect(found.lock).toEqual([{ is_locked: 0 }])
    expect(found.catalog.objects?.length).toBeGreaterThan(12)
    expect(found.rows.orders).toHaveLength(3)
    // Neither has anything left to do.
    expect((await latest(pair.ours))[1]).toEqual([])
    expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    // By turns, all the way back.
    for (const [index] of ids.entries()) {
      if (index % 2 === 0) await native(pair.ours, (knex) => knex.migrate.down())
      else await down()
      await native(pair.twin, (knex) => knex.migrate.down())
      if (index % 2 === 1) await expectTwins()
      // The older one is proven by its rebuilds: the rest is the same.
      if (from === 'knex2' && index === 5) return
    }
    // And forward again, ours first.
    await up({ to: ids[3] as string })
    await forward(pair.twin, 4)
    await expectTwins()
    await latest(pair.ours)
    await latest(pair.twin)
    await expectTwins()
    expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
  })
})
