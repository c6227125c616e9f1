/** TypeORM and tenantry on the same databases: whoever migrates, both agree on what is there, and it is the same. */
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'
import { inspect, nativeDown, nativeUp, shop, withNative } from './typeorm-native.ts'

const ids = [
  'Customers1704067200000',
  'Orders1704153600000',
  'Placed1704240000000',
  'Fill1704326400000',
  'OrderIndex1704412800000',
  'Seen1704499200000',
]

function describeParity(kind: PlaceKind): void {
  describe(kind, () => {
    let project: Project
    let pair: NativePair
    beforeEach(async () => {
      project = makeProject()
      cpSync(shop, project.dir, { recursive: true })
      symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
      pair = await makePair(kind)
      // Folder and table come from data-source.js.
      project.configure({ migrations: {}, ...pair.config })
    })
    afterEach(async () => {
      project?.remove()
      await pair?.drop()
    })

    const up = async (options: { to?: string } = {}) =>
      mustSucceed(await project.use((tenantry) => tenantry.up(options)))
    const down = async (options: DownOptions = {}) =>
      mustSucceed(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })))
    function mustSucceed(report: FleetReport): FleetReport {
      expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
      return report
    }
    const both = async (work: (place: NativePlace) => Promise<unknown>) => {
      await work(pair.ours)
      await work(pair.twin)
    }
    async function expectTwins() {
      const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
      expect(found).toEqual(expected)
      return found
    }

    test('TypeORM begins, tenantry goes on', async () => {
      await both((place) => nativeUp(place, 2))
      expect(resultOf(await up(), 'ours').applied).toEqual(ids.slice(2))
      await nativeUp(pair.twin)
      const found = await expectTwins()
      expect(found).toMatchObject({ isPending: false, orders: [{ state: 'paid' }, { state: 'sent' }] })
      expect(found.rows.map(([name]) => name)).toEqual(ids)
      expect(found.seen).toHaveLength(5)
      // A comparison of nothing with nothing would say that all is well.
      expect(Object.values(found.catalog).flat().length).toBeGreaterThan(kind === 'mariadb' ? 3 : 30)
      expect(await withNative(pair.ours, (source) => source.runMigrations())).toEqual([])
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('tenantry begins with a table like that of TypeORM, which goes on and undoes', async () => {
      await up({ to: '1704240000000' })
      await nativeUp(pair.twin, 3)
      await expectTwins()
      await both((place) => nativeUp(place))
      await expectTwins()
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
      // Each undoes what the other did.
      for (const [index] of ids.entries()) {
        if (index % 2 === 0) await down()
        else await nativeDown(pair.ours)
        await nativeDown(pair.twin)
        if (index % 3 === 2) await expectTwins()
      }
      expect((await inspect(pair.ours)).rows).toEqual([])
      await up()
      await nativeUp(pair.twin)
      await expectTwins()
      await both(nativeDown)
      await expectTwins()
    })
  })
}

describeParity('postgres')
describeParity('schema')
withMariadb('MariaDB', () => describeParity('mariadb'))
