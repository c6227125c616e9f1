/** Knex and tenantry on the same databases: whoever migrates, both agree on what is there, and it is the same. */
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { inspect, nativeLatest, type Place, shop, withNative } from './knex-native.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const names = [
  '20240101000000_customers.js',
  '20240102000000_orders.cjs',
  '20240103000000_fill_states.js',
  '20240104000000_open_orders.js',
  '20240105000000_order_index.js',
  '20240106000000_touch_customers.js',
  '20240107000000_notes.mjs',
  '20240108000000_tags.js',
]
const half = '20240104000000_open_orders'

let project: Project
beforeEach(() => {
  project = makeProject()
  cpSync(shop, project.dir, { recursive: true })
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
})
afterEach(() => project?.remove())

/** Two places that differ in nothing: `ours` is what tenantry works on, `twin` is only ever touched by Knex. */
interface Pair {
  ours: Place
  twin: Place
  /** Of tenantry's config. */
  config: Record<string, unknown>
}

const up = async (options: { to?: string } = {}) => mustSucceed(await project.use((tenantry) => tenantry.up(options)))
const down = async (options: DownOptions = {}) => {
  return mustSucceed(
    await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })),
  )
}
function mustSucceed(report: FleetReport): FleetReport {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  expect(report.ok).toBe(true)
  return report
}

/** The twin is treated as ours was, by Knex alone; then nothing may tell them apart. */
async function expectTwins({ ours, twin }: Pair): Promise<void> {
  const expected = await inspect(twin)
  const found = await inspect(ours)
  expect(found).toEqual(expected)
  expect(found.timed).toBe(true)
}

function describeParity(title: string, make: () => Promise<Pair>, dropAll: () => Promise<unknown>): void {
  describe(title, () => {
    let pair: Pair
    beforeEach(async () => {
      pair = await make()
      project.configure({ migrations: {}, ...pair.config })
    })
    afterAll(dropAll)
    const both = async (work: (place: Place) => Promise<unknown>) => {
      await work(pair.ours)
      await work(pair.twin)
    }

    test('Knex begins, tenantry goes on', async () => {
      await both((place) => nativeLatest(place, 4))
      const report = await up()
      expect(resultOf(report, 'ours').applied).toHaveLength(4)
      await nativeLatest(pair.twin)
      await expectTwins(pair)
      const { pending, status, completed, batches, customers, catalog } = await inspect(pair.ours)
      expect({ pending, status, completed }).toEqual({ pending: [], status: 0, completed: names })
      expect(batches.map(([, batch]) => batch)).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
      expect(customers).toHaveLength(6)
      // A comparison of nothing with nothing would say that all is well.
      expect(Object.values(catalog).flat().length).toBeGreaterThan(pair.ours.client === 'pg' ? 60 : 8)
      // And neither has anything left to do.
      expect(await withNative(pair.ours, (knex) => knex.migrate.latest())).toEqual([2, []])
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('tenantry begins, Knex goes on', async () => {
      await up({ to: half })
      await nativeLatest(pair.twin, 4)
      await expectTwins(pair)
      await both((place) => nativeLatest(place))
      await expectTwins(pair)
    })

    test('each undoes what the other did', async () => {
      await both((place) => nativeLatest(place, 7))
      await up()
      await nativeLatest(pair.twin)
      // Ours undoes Knex's; Knex undoes ours.
      await both((place) => withNative(place, (knex) => knex.migrate.down()))
      await expectTwins(pair)
      expect(resultOf(await down(), 'ours').undone).toEqual(['20240107000000_notes'])
      await withNative(pair.twin, (knex) => knex.migrate.down())
      await expectTwins(pair)
      await up()
      await nativeLatest(pair.twin)
      await expectTwins(pair)
    })

    test('`down --batch` is the rollback of Knex', async () => {
      await both((place) => nativeLatest(place, 3))
      await up({ to: '20240106000000_touch_customers' })
      await nativeLatest(pair.twin, 6)
      await both((place) => nativeLatest(place))
      // Knex's own batch, then ours, then Knex's: by each of them.
      for (let batch = 3; batch >= 1; batch--) {
        await down({ batch: true })
        await withNative(pair.twin, (knex) => knex.migrate.rollback())
        await expectTwins(pair)
      }
      expect((await inspect(pair.ours)).completed).toEqual([])
    })

    test("the project's own Knex 2 does the same", async () => {
      rmSync(join(project.dir, 'node_modules'))
      mkdirSync(join(project.dir, 'node_modules'))
      symlinkSync(join(process.cwd(), 'node_modules/knex2'), join(project.dir, 'node_modules/knex'))
      await up()
      await down()
      await nativeLatest(pair.twin)
      await withNative(pair.twin, (knex) => knex.migrate.down())
      await expectTwins(pair)
    })

    test('one by one, by turns', async () => {
      for (let index = 0; index < names.length; index++) {
        await withNative(pair.twin, (knex) => knex.migrate.up())
        if (index % 2 === 0) await up({ to: names[index]?.replace(/\.\w+$/, '') ?? '' })
        else await withNative(pair.ours, (knex) => knex.migrate.up())
      }
      await expectTwins(pair)
    })
  })
}

const made: { drop(): Promise<void> }[] = []
const dropMade = async () => {
  for (const one of made.splice(0)) await one.drop()
}

describeParity(
  'a database of PostgreSQL per tenant',
  async () => {
    const [one, two] = [await freshDatabase('knex_ours'), await freshDatabase('knex_twin')]
    made.push(one, two)
    return {
      ours: { client: 'pg', url: one.url },
      twin: { client: 'pg', url: two.url },
      config: {
        servers: { main: { url: sharedServer().url('postgres') } },
        tenants: [{ slug: 'ours', topology: 'database', database: one.name }],
      },
    }
  },
  dropMade,
)

describe('schemas', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await freshDatabase('knex_schemas')
  })

  describeParity(
    'a schema of PostgreSQL per tenant',
    async () => {
      const stem = randomBytes(3).toString('hex')
      const [ours, twin] = [`ours_${stem}`, `twin_${stem}`]
      await database.query(`CREATE SCHEMA ${ours}; CREATE SCHEMA ${twin}`)
      return {
        ours: { client: 'pg', url: database.url, schema: ours },
        twin: { client: 'pg', url: database.url, schema: twin },
        config: {
          servers: { main: { url: database.url } },
          tenants: [{ slug: 'ours', topology: 'schema', schema: ours }],
        },
      }
    },
    () => database.drop(),
  )
})

withMariadb('MariaDB', () => {
  describeParity(
    'a database of MariaDB per tenant',
    async () => {
      const [one, two] = [await freshMariadb('knex_ours'), await freshMariadb('knex_twin')]
      made.push(one, two)
      return {
        ours: { client: 'mysql2', url: one.url },
        twin: { client: 'mysql2', url: two.url },
        config: {
          servers: { main: { url: sharedMariadb().url('mysql') } },
          tenants: [{ slug: 'ours', topology: 'database', database: one.name }],
        },
      }
    },
    dropMade,
  )
})
