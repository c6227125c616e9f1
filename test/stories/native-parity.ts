/** A tool's own program and tenantry by turns on the same databases: both agree on what is there, and it is the same. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

export interface NativeTool {
  name: string
  /** A reason not to run; null: it is installed. */
  missing: string | null
  /** Table and column of its history. */
  history: { table: string; key: string }
  /** Four files by name, in their order; the third makes `seen`, and all of them `customers`. */
  files(kind: PlaceKind): Record<string, string>
  /** Applies all that is in a folder. */
  up(place: NativePlace, dir: string): unknown
  /** Undoes the last one. */
  down(place: NativePlace, dir: string): unknown
  /** What it says of a place. */
  status(place: NativePlace, dir: string): string | Promise<string>
}

/** What the four files of a tool share, without its marks. */
export const statements: Record<
  PlaceKind,
  { concurrently: string; onTable: string; grant(table: string): string; trigger: string; dropTrigger: string }
> = {
  postgres: {
    concurrently: 'CONCURRENTLY',
    onTable: '',
    grant: (table) => `GRANT SELECT ON ${table} TO PUBLIC;`,
    trigger: `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.name := trim(NEW.name); -- nothing; really
  RETURN NEW;
END $$;
CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION tidy();`,
    dropTrigger: 'DROP TRIGGER tidied ON customers;\nDROP FUNCTION tidy();',
  },
  get schema() {
    return this.postgres
  },
  mariadb: {
    concurrently: '',
    onTable: 'ON customers',
    grant: () => '',
    trigger: `CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW BEGIN
  SET NEW.name = TRIM(NEW.name);
END;`,
    dropTrigger: 'DROP TRIGGER tidied;',
  },
  sqlite: {
    concurrently: '',
    onTable: '',
    grant: () => '',
    trigger: `CREATE TRIGGER tidied AFTER INSERT ON customers BEGIN
  UPDATE customers SET name = trim(name) WHERE id = NEW.id;
END;`,
    dropTrigger: 'DROP TRIGGER tidied;',
  },
}

export function describeNativeParity(tool: NativeTool, kind: PlaceKind): void {
  describe.skipIf(tool.missing !== null)(`${tool.name}, ${kind}`, () => {
    let project: Project
    let pair: NativePair
    const files = tool.files(kind)
    const names = Object.keys(files)
    const ids = names.map((name) => name.replace(/\.\w+$/, ''))
    beforeEach(async () => {
      project = makeProject()
      pair = await makePair(kind)
      project.write(Object.fromEntries(names.map((name) => [`db/migrations/${name}`, files[name] as string])))
      project.configure({ migrations: { dir: './db/migrations' }, ...pair.config })
    })
    afterEach(async () => {
      project.remove()
      await pair.drop()
    })

    /** A folder with the first files only, as it was when there were no more. */
    function folder(first = names.length): string {
      const dir = join(project.dir, 'native')
      rmSync(dir, { recursive: true, force: true })
      mkdirSync(dir)
      for (const name of names.slice(0, first)) project.write({ [`native/${name}`]: files[name] as string })
      expect(readdirSync(dir)).toHaveLength(first)
      return dir
    }
    const up = async (to?: string) =>
      mustSucceed(await project.use((tenantry) => tenantry.up(to === undefined ? {} : { to })))
    const down = async (options: DownOptions = {}) =>
      mustSucceed(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })))
    function mustSucceed(report: FleetReport): FleetReport {
      expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
      return report
    }
    async function inspect(place: NativePlace) {
      const catalog = await place.catalog()
      const has = Object.values(catalog).some((texts) => texts.some((text) => /customers/.test(text)))
      const { table, key } = tool.history
      return {
        catalog,
        status: await tool.status(place, folder()),
        rows: (await place.query(`SELECT ${key} AS key_of FROM ${table} ORDER BY 1`)).map((row) => String(row.key_of)),
        customers: has ? await place.query('SELECT id, name FROM customers ORDER BY id') : null,
      }
    }
    /** The twin is treated as ours was, by the tool alone; then nothing may tell them apart. */
    async function expectTwins() {
      const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
      expect(found).toEqual(expected)
      return found
    }

    test('the tool begins, tenantry goes on', async () => {
      await tool.up(pair.ours, folder(2))
      expect(resultOf(await up(), 'ours').applied).toEqual(ids.slice(2))
      await tool.up(pair.twin, folder())
      const found = await expectTwins()
      expect(found.customers).toHaveLength(3)
      // What the third file saw of the history while it ran.
      const [seen] = await pair.ours.query('SELECT versions FROM seen')
      const [twin] = await pair.twin.query('SELECT versions FROM seen')
      expect(seen).toEqual(twin)
      // And neither has anything left to do.
      await tool.up(pair.ours, folder())
      expect(await inspect(pair.ours)).toEqual(found)
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('tenantry begins, the tool goes on', async () => {
      await up(ids[1])
      await tool.up(pair.twin, folder(2))
      await expectTwins()
      await tool.up(pair.ours, folder())
      await tool.up(pair.twin, folder())
      await expectTwins()
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('each undoes what the other did', async () => {
      await up()
      await tool.up(pair.twin, folder())
      for (const [index] of ids.entries()) {
        if (index % 2 === 0) await tool.down(pair.ours, folder())
        else await down()
        await tool.down(pair.twin, folder())
        await expectTwins()
      }
      expect((await inspect(pair.ours)).customers).toBeNull()
      await tool.up(pair.ours, folder(3))
      await up()
      await tool.up(pair.twin, folder())
      await expectTwins()
    })
  })
}
