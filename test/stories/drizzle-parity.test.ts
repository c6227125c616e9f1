/** Drizzle, before 1.0 and from it on, and tenantry by turns on the same databases: same rows, order and objects. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { type Generation, historyOf, migrateNatively, missing } from './drizzle-native.ts'
import { statements } from './native-parity.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { catalogOf as postgresCatalog } from './postgres-catalog.ts'
import { makeProject, type Project, resultOf } from './project.ts'

interface File {
  name: string
  when: number
  up: string
  down: string
}

const breakpoint = '--> statement-breakpoint\n'

function filesFor(kind: PlaceKind): File[] {
  const { concurrently, onTable, grant, trigger, dropTrigger } = statements[kind]
  const history = kind === 'postgres' ? '"drizzle"."__drizzle_migrations"' : '__drizzle_migrations'
  const onPostgres = concurrently !== ''
  // On PostgreSQL a piece may hold several statements; elsewhere Drizzle sends one at a time.
  const split = (text: string) =>
    onPostgres ? text : text.replace(/;\n(?=(CREATE|INSERT|DROP|ALTER))/g, `;\n${breakpoint}`)
  return [
    {
      name: 'customers',
      when: Date.UTC(2024, 0, 1, 1, 2, 3),
      up: `CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);\n${breakpoint}INSERT INTO customers VALUES (1, 'Ada'), (2, 'a -- b')`,
      down: 'DROP TABLE customers',
    },
    {
      // What follows a bare COMMIT is in no transaction.
      name: 'index',
      when: Date.UTC(2024, 0, 2),
      up: `${onPostgres ? `COMMIT;${breakpoint}` : ''}CREATE INDEX ${concurrently} customers_name ON customers (name);`,
      down: `DROP INDEX ${concurrently} customers_name ${onTable}`,
    },
    {
      // On the tool's own table: what it holds at that moment, a right on it, a column more.
      name: 'own_history',
      when: Date.UTC(2024, 0, 3),
      up: `CREATE TABLE seen (versions int NOT NULL);\n${breakpoint}INSERT INTO seen SELECT count(*) FROM ${history};\n${breakpoint}ALTER TABLE ${history} ADD COLUMN note varchar(20);\n${onPostgres ? `${breakpoint}${grant(history)}` : ''}`.replace(
        /\n$/,
        '',
      ),
      down: `ALTER TABLE ${history} DROP COLUMN note;\n${breakpoint}DROP TABLE seen`,
    },
    {
      name: 'trigger',
      when: Date.UTC(2024, 0, 4),
      up: `${trigger}\n${breakpoint}INSERT INTO customers VALUES (3, '  Grace ')`,
      down: split(`${dropTrigger}\nDELETE FROM customers WHERE id = 3`),
    },
  ]
}

const stamp = (when: number) => new Date(when).toISOString().slice(0, 19).replaceAll(/\D/g, '')
const idOf = (generation: Generation, { name, when }: File, index: number) =>
  generation === 'journal' ? `000${index}_${name}` : `${stamp(when)}_${name}`

/** A folder as drizzle-kit writes it. */
function write(project: Project, folder: string, generation: Generation, files: readonly File[], kind: PlaceKind) {
  rmSync(join(project.dir, folder), { recursive: true, force: true })
  const dialect = kind === 'mariadb' ? 'mysql' : kind === 'sqlite' ? 'sqlite' : 'postgresql'
  const entries = files.map((file, idx) => ({
    idx,
    version: '7',
    when: file.when,
    tag: idOf('journal', file, idx),
    breakpoints: true,
  }))
  if (generation === 'journal')
    project.write({ [`${folder}/meta/_journal.json`]: JSON.stringify({ version: '7', dialect, entries }, null, 2) })
  for (const [index, file] of files.entries()) {
    const id = idOf(generation, file, index)
    project.write(
      generation === 'journal'
        ? { [`${folder}/${id}.sql`]: file.up, [`${folder}/rollbacks/${id}.sql`]: file.down }
        : { [`${folder}/${id}/migration.sql`]: file.up, [`${folder}/${id}/rollback.sql`]: file.down },
    )
    if (generation === 'folders') project.write({ [`${folder}/${id}/snapshot.json`]: '{}' })
  }
  return join(project.dir, folder)
}

const isPast = (value: unknown) => typeof value === 'string' && value <= new Date().toISOString()

async function rowsOf(place: NativePlace, withIds: boolean) {
  const rows = await place.query(`SELECT * FROM ${historyOf(place)} ORDER BY created_at`)
  return rows.map(({ id, applied_at: appliedAt, ...row }) => ({
    ...row,
    created_at: Number(row.created_at),
    ...(withIds && { id }),
    ...(place.kind === 'sqlite' && appliedAt !== undefined
      ? { appliedAt: isPast(appliedAt) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(appliedAt)) }
      : { applied: appliedAt === undefined ? null : appliedAt !== null }),
  }))
}

/** `withIds`: numbers that count tries are told, too: of rows, and of columns. */
async function inspect(place: NativePlace, withIds = true) {
  const catalog = await place.catalog()
  const asks = { raw: async (sql: string) => ({ rows: await place.query(sql) }) }
  return {
    catalog: withIds ? catalog : JSON.parse(JSON.stringify(catalog).replaceAll(/\\"attnum\\":\d+/g, '')),
    own: place.kind === 'postgres' && withIds ? await postgresCatalog(asks, 'drizzle') : null,
    rows: await rowsOf(place, withIds),
    customers: await place.query('SELECT id, name FROM customers ORDER BY id'),
  }
}

function describeParity(generation: Generation, kind: PlaceKind): void {
  describe.skipIf(missing(generation) !== null)(`Drizzle with ${generation}, ${kind}`, () => {
    let project: Project
    let pair: NativePair
    const files = filesFor(kind)
    const ids = files.map((file, index) => idOf(generation, file, index))
    beforeEach(async () => {
      project = makeProject()
      pair = await makePair(kind)
      write(project, 'drizzle', generation, files, kind)
      project.configure({ migrations: { dir: './drizzle' }, ...pair.config })
    })
    afterEach(async () => {
      project.remove()
      await pair.drop()
    })
    const mustSucceed = (report: FleetReport) => {
      expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
      return resultOf(report, 'ours')
    }
    const tool = (place: NativePlace, first = files.length) =>
      migrateNatively(generation, place, write(project, 'native', generation, files.slice(0, first), kind))
    const ours = async (to = files.length) =>
      mustSucceed(await project.use((tenantry) => tenantry.up({ to: ids[to - 1] as string })))
    const expectTwins = async (withIds = true) =>
      expect(await inspect(pair.ours, withIds)).toEqual(await inspect(pair.twin, withIds))

    const orders = [
      ['tenantry', 'tool', 'tenantry', 'tool'],
      ['tool', 'tenantry', 'tool', 'tenantry'],
    ]
    // Between the two generations only the rows differ: one order is enough there.
    test.each(orders.slice(0, generation === 'journal' ? 2 : 1))('by turns: %s, %s, %s, %s', async (...turns) => {
      for (const [index, turn] of turns.entries()) {
        if (turn === 'tool') await tool(pair.ours, index + 1)
        else expect((await ours(index + 1)).applied).toEqual([ids[index]])
        await tool(pair.twin, index + 1)
        await expectTwins()
      }
      const [seen] = await pair.ours.query('SELECT versions FROM seen')
      expect(Number(seen?.versions)).toBe(2)
      expect((await ours()).result).toBe('up-to-date')
      await tool(pair.ours)
      await expectTwins()
    })

    test.skipIf(generation === 'folders' && kind === 'schema')(
      'what tenantry undoes is as never applied, for the tool, too',
      async () => {
        await tool(pair.ours)
        for (let steps = files.length; steps > 1; steps--) {
          const report = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
          expect(mustSucceed(report).undone).toEqual([ids[steps - 1]])
        }
        await tool(pair.twin, 1)
        await expectTwins()
        await tool(pair.ours, 3)
        await ours()
        await tool(pair.twin)
        await expectTwins(false)
      },
    )
  })
}

for (const generation of ['journal', 'folders'] as const) {
  describeParity(generation, 'postgres')
  describeParity(generation, 'schema')
  describeParity(generation, 'sqlite')
  withMariadb('MariaDB', () => describeParity(generation, 'mariadb'))
}

test.skipIf(missing('folders') === null || process.env.CI === undefined)('Drizzle 1 is installed', () => {
  throw new Error(missing('folders') ?? '')
})
