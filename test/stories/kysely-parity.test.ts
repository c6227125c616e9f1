/** Kysely's Migrator and tenantry by turns on the same databases: both agree on what is there, and it is the same. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { afterEach, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { files, mustSucceed, withMigrator } from './kysely-native.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const names = Object.keys(files)
const ids = names.map((name) => name.replace(/\.\w+$/, ''))

/** A session that holds a lock until it is told to go. */
async function holdLock(url: string, lock: string): Promise<{ held: number; done(): void }> {
  const connection = await mysql.createConnection(url)
  const [rows] = await connection.query(`SELECT ${lock} AS held`)
  return { held: (rows as { held: number }[])[0]?.held ?? 0, done: () => connection.destroy() }
}

let project: Project
let pair: NativePair
afterEach(async () => {
  project?.remove()
  await pair?.drop()
})

/** A folder with the first files only, as it was when there were no more. */
function folder(first = names.length): string {
  const dir = join(project.dir, 'native')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir)
  for (const name of names.slice(0, first)) project.write({ [`native/${name}`]: files[name] as string })
  return dir
}
const toolUp = (place: NativePlace, first?: number) =>
  withMigrator(place, folder(first), async (migrator) => mustSucceed(await migrator.migrateToLatest()))
const toolDown = (place: NativePlace) =>
  withMigrator(place, folder(), async (migrator) => mustSucceed(await migrator.migrateDown()))

function allWell(report: FleetReport): FleetReport {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  return report
}
const up = async (to?: string) =>
  resultOf(allWell(await project.use((tenantry) => tenantry.up(to === undefined ? {} : { to }))), 'ours')
const down = async () =>
  resultOf(allWell(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))), 'ours')

async function inspect(place: NativePlace) {
  const catalog = await place.catalog()
  if (place.kind === 'sqlite') {
    // There the text is kept in which each of them writes its own tables.
    catalog.objects = catalog.objects?.filter((text) => !text.includes('kysely_migration')) ?? []
    for (const table of ['kysely_migration', 'kysely_migration_lock']) {
      const columns = await place.query(`PRAGMA table_info(${table})`)
      catalog[table] = columns.map(({ name, type, notnull, dflt_value, pk }) =>
        [name, String(type).toLowerCase(), notnull, dflt_value, pk].join(' '),
      )
    }
  }
  const has = Object.values(catalog).some((texts) => texts.some((text) => /customers/.test(text)))
  const rows = await place.query('SELECT * FROM kysely_migration ORDER BY name')
  for (const { timestamp } of rows) expect(new Date(String(timestamp)).toISOString()).toBe(timestamp)
  const said = await withMigrator(place, folder(), (migrator) => migrator.getMigrations())
  return {
    catalog,
    said: said.map(({ name, executedAt }) => [name, executedAt !== undefined]),
    rows: rows.map(({ name }) => name),
    lock: await place.query('SELECT * FROM kysely_migration_lock'),
    customers: has ? await place.query('SELECT id, name FROM customers ORDER BY id') : null,
  }
}
/** The twin is treated as ours was, by the tool alone; then nothing may tell them apart. */
async function expectTwins() {
  const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
  expect(found).toEqual(expected)
  return found
}

async function byTurns(kind: PlaceKind): Promise<void> {
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  pair = await makePair(kind)
  project.write(Object.fromEntries(names.map((name) => [`db/migrations/${name}`, files[name] as string])))
  project.configure({ migrations: { dir: './db/migrations' }, ...pair.config })

  // The tool begins, tenantry goes on; and neither has anything left to do.
  await toolUp(pair.ours, 2)
  const adopted = await project.use((tenantry) => tenantry.adopt())
  expect(JSON.stringify(adopted)).toContain('kysely')
  expect((await up()).applied).toEqual(ids.slice(2))
  await toolUp(pair.twin)
  const whole = await expectTwins()
  expect(whole.customers).toHaveLength(3)
  expect(await pair.ours.query('SELECT * FROM seen')).toEqual(await pair.twin.query('SELECT * FROM seen'))
  expect(await toolUp(pair.ours)).toEqual([])
  expect((await up()).result).toBe('up-to-date')

  // Each undoes what the other did.
  for (const [index, id] of [...ids].reverse().entries()) {
    if (index % 2 === 0) expect(await toolDown(pair.ours)).toEqual([id])
    else expect((await down()).undone).toEqual([id])
    await toolDown(pair.twin)
    await expectTwins()
  }
  expect((await inspect(pair.ours)).customers).toBeNull()

  // tenantry begins, the tool goes on; its clock being behind, even.
  await up(ids[1])
  await toolUp(pair.twin, 2)
  await expectTwins()
  expect(await toolUp(pair.ours, 3)).toEqual([ids[2]])
  const ahead = new Date(Date.now() + 60_000).toISOString()
  for (const place of [pair.ours, pair.twin])
    await place.query(`UPDATE kysely_migration SET timestamp = '${ahead}' WHERE name LIKE '%seen'`)
  expect((await up()).applied).toEqual([ids[3]])
  expect(await toolUp(pair.ours)).toEqual([])
}

test.each<PlaceKind>(['postgres', 'schema', 'sqlite'])('by turns: %s', byTurns)
withMariadb('MariaDB', () => {
  test('by turns', () => byTurns('mariadb'))

  test('what fails in the middle goes on there, and a run of Kysely on the server is waited for', async () => {
    project = makeProject()
    symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
    pair = await makePair('mariadb')
    project.configure({ ...pair.config, targetLockWaitMs: 500 })
    project.write({
      'migrations/001_a.mjs': `import { sql } from 'kysely'
export async function up(db) {
  await db.schema.createTable('a').addColumn('id', 'integer').execute()
  await db.insertInto('a').values({ id: 1 }).execute()
  await db.transaction().execute((trx) => trx.insertInto('a').values([{ id: 2 }, { id: 3 }]).execute())
  await sql\`insert into later values (1)\`.execute(db)
  await db.insertInto('a').values({ id: 4 }).execute()
}
`,
    })
    const failed = resultOf(await project.up(), 'ours')
    expect(failed.error).toMatchObject({ code: 'MIGRATION_FAILED', context: { migration: '001_a', statement: 4 } })
    expect(await pair.ours.query('SELECT name FROM kysely_migration')).toEqual([])
    await pair.ours.query('CREATE TABLE later (id int)')
    const lock = "GET_LOCK('ea586330-2c93-47c8-908d-981d9d270f9d', 0)"
    const { held, done } = await holdLock(pair.ours.url, lock)
    expect(held).toBe(1)
    expect(resultOf(await project.up(), 'ours').error).toMatchObject({ code: 'NATIVE_LOCKED' })
    done()
    expect((await up()).applied).toEqual(['001_a'])
    expect(await pair.ours.query('SELECT id FROM a ORDER BY id')).toEqual([1, 2, 3, 4].map((id) => ({ id })))
    expect(await pair.ours.query('SELECT id FROM later')).toEqual([{ id: 1 }])
  })
})
