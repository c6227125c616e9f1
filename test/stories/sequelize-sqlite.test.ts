/**
 * umzug over Sequelize and tenantry on the same SQLite files: whoever migrates, both agree on what is there. Sequelize
 * wants the `sqlite3` package, which is compiled or downloaded when it is installed; here its interface is there over
 * another driver.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { makePair, type NativePair, type NativePlace } from './native-places.ts'
import { type Project, resultOf } from './project.ts'
import { makeSequelizeProject } from './sequelize.ts'
import { sqlite3Package } from './sqlite3-package.ts'

const ids = [
  '20250101090000-create-users',
  '20250102090000-rows',
  '20250103090000-columns',
  '20250104090000-transactions',
  '20250105090000-constraints',
]
const files = ids.map((id) => `${id}.js`)

let project: Project
let pair: NativePair
beforeEach(async () => {
  project = makeSequelizeProject('sequelize-files')
  pair = await makePair('sqlite')
  project.configure({ migrations: {}, ...pair.config })
})
afterEach(async () => {
  project.remove()
  await pair.drop()
})

interface Umzug {
  up(options?: object): Promise<unknown>
  down(options?: object): Promise<unknown>
  pending(): Promise<{ name: string }[]>
  executed(): Promise<{ name: string }[]>
}

/** With what its documentation proposes for the files of sequelize-cli. */
async function native<T>(place: NativePlace, work: (umzug: Umzug) => Promise<T>): Promise<T> {
  const require = createRequire(join(project.dir, 'package.json'))
  const { Sequelize } = require('sequelize')
  const { Umzug, SequelizeStorage } = require('umzug')
  const sequelize = new Sequelize({
    dialect: 'sqlite',
    storage: place.url,
    dialectModule: sqlite3Package,
    logging: false,
  })
  const umzug: Umzug = new Umzug({
    migrations: {
      glob: ['migrations/*.js', { cwd: project.dir }],
      resolve: ({ name, path, context }: { name: string; path: string; context: unknown }) => {
        const { up, down } = require(path)
        return { name, up: () => up(context, Sequelize), down: () => down(context, Sequelize) }
      },
    },
    context: sequelize.getQueryInterface(),
    storage: new SequelizeStorage({ sequelize }),
    logger: undefined,
  })
  try {
    return await work(umzug)
  } finally {
    await sequelize.close()
  }
}
const up = async (to?: string) =>
  mustSucceed(await project.use((tenantry) => tenantry.up(to === undefined ? {} : { to })))
const down = async () =>
  mustSucceed(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true })))
function mustSucceed(report: FleetReport): FleetReport {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  return report
}

async function expectTwins() {
  const inspect = async (place: NativePlace) => {
    const tables = await place.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    const rows: Record<string, unknown> = {}
    for (const name of tables.map((row) => String(row.name))) {
      if (/^tenantry_|^sqlite_/.test(name)) continue
      rows[name] = (await place.query(`SELECT * FROM ${name} ORDER BY 1`)).map((row) => ({ ...row, created_at: null }))
    }
    const [executed, pending] = await native(place, async (umzug) => [await umzug.executed(), await umzug.pending()])
    return { catalog: await place.catalog(), rows, executed, pending }
  }
  const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
  expect(plain(found)).toEqual(plain(expected))
  return found
}

test('each begins and the other goes on, and each undoes what the other did', async () => {
  await native(pair.ours, (umzug) => umzug.up({ to: files[1] }))
  expect(resultOf(await up(), 'ours').applied).toEqual(ids.slice(2))
  await native(pair.twin, (umzug) => umzug.up())
  const found = await expectTwins()
  expect(found.executed.map(({ name }) => name)).toEqual(files)
  expect(found.rows.orders).toHaveLength(3)
  expect(found.catalog.objects?.length).toBeGreaterThan(6)
  expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
  for (const [index] of ids.entries()) {
    if (index % 2 === 0) await native(pair.ours, (umzug) => umzug.down())
    else await down()
    await native(pair.twin, (umzug) => umzug.down())
    await expectTwins()
  }
  await up(ids[2])
  await native(pair.ours, (umzug) => umzug.up())
  await native(pair.twin, (umzug) => umzug.up())
  await expectTwins()
})
