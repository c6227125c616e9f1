/** `down --rollout`: exactly what one rollout applied, and nothing that somebody else did since. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project
let first: string

const slugs = ['a', 'b', 'c']

beforeAll(async () => {
  database = await freshDatabase('undo rollout')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(slugs.map((name) => `drop schema if exists ${name} cascade; create schema ${name}`).join(';'))
  project = makeProject()
  writeMigrations('001_one', '002_two')
  configure(slugs)
  first = rolloutOf(await project.up())
})
afterEach(() => project?.remove())

function configure(tenants: readonly string[], more: object = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: tenants.map((slug) => ({ slug, topology: 'schema', schema: slug, ...more })),
  })
}

function writeMigrations(...ids: string[]): void {
  for (const id of ids) {
    const table = id.slice(4)
    project.write({
      [`migrations/${id}.sql`]: `create table ${table} (id int);\n`,
      [`migrations/rollbacks/${id}.sql`]: `drop table ${table};\n`,
    })
  }
}

function rolloutOf({ rollout }: FleetReport): string {
  if (rollout === null) throw new Error('There is no rollout.')
  return rollout
}

const down = (rollout: string, options: DownOptions = {}) =>
  project.use((tenantry) => tenantry.down({ rollout, unproven: true, ...options }))
const only = (...tenants: string[]) => ({ selectors: { tenants } })
const history = async (schema: string) =>
  (await database.query(`select version from ${schema}.schema_migrations order by id`)).map(({ version }) => version)
const histories = () => Promise.all(slugs.map(history))
const store = () => join(project.dir, '.tenantry/rollouts')

test('those migrations, in those targets, newest first', async () => {
  writeMigrations('003_three', '004_four')
  const second = rolloutOf(await project.use((tenantry) => tenantry.up({ ...only('a', 'b') })))
  writeMigrations('005_five')
  await project.up()
  const report = await down(second)
  expect(report.targets.map(({ tenants, undone }) => [tenants[0], undone])).toEqual([
    ['a', ['004_four', '003_three']],
    ['b', ['004_four', '003_three']],
  ])
  const rest = ['001_one', '002_two', '005_five']
  expect(await histories()).toEqual([rest, rest, ['001_one', '002_two', '003_three', '004_four', '005_five']])
  // Again there is nothing left of it.
  const again = await down(second)
  expect(countResults(again)).toEqual({ 'up-to-date': 2 })
  expect(again.notices).toContainEqual(
    expect.objectContaining({
      rule: 'rollout-left-alone',
      message: `004_four was undone since by rollout ${report.rollout}, so it is left alone in ${['a', 'b'].map((name) => `main/${database.name}/${name}`).join(', ')}.`,
    }),
  )
})

test('a killed runner has recorded less than it did: the ledgers have the rest', async () => {
  const file = join(store(), `${first}.jsonl`)
  const lines = readFileSync(file, 'utf8').split('\n')
  // The results of all but one target, and the end, never reached the disk.
  const results = lines.filter((line) => line.includes('"type":"result"'))
  const kept = lines
    .filter((line) => line.includes('"type":"rollout"'))
    .map((line) => line.replace(/"pid":\d+/, '"pid":0'))
  expect(results).toHaveLength(3)
  writeFileSync(file, `${[...kept, results[0]].join('\n')}\n`)
  expect(countResults(await down(first))).toEqual({ undone: 3 })
  expect(await histories()).toEqual([[], [], []])
})

test('on a machine that has no record of it', async () => {
  writeMigrations('003_three')
  const second = rolloutOf(await project.up())
  rmSync(store(), { recursive: true })
  expect(countResults(await down(second, only('b')))).toEqual({ undone: 1 })
  const whole = ['001_one', '002_two', '003_three']
  expect(await histories()).toEqual([whole, whole.slice(0, 2), whole])
  expect(countResults(await down(second))).toEqual({ undone: 2, 'up-to-date': 1 })
  // All that it applied is undone: nobody knows it any more.
  rmSync(store(), { recursive: true })
  const ended = await project.run(['down', '--rollout', second, '--json'])
  expect(ended.code).toBe(2)
  expect(JSON.parse(ended.stdout).error).toMatchObject({
    code: 'ROLLOUT_UNKNOWN',
    hint: expect.stringContaining('forgets'),
  })
})

test('what was applied again by another rollout is not its own any more', async () => {
  await project.use((tenantry) => tenantry.down(only('a')))
  const again = rolloutOf(await project.up())
  const report = await down(first)
  expect(resultOf(report, 'a').undone).toEqual(['001_one'])
  expect(resultOf(report, 'b').undone).toEqual(['002_two', '001_one'])
  expect(report.notices.map(({ message }) => message)).toContain(
    `002_two was applied again since by rollout ${again}, so it is left alone in main/${database.name}/a.`,
  )
  expect(await histories()).toEqual([['002_two'], [], []])
})

test('targets that are no longer in the fleet are named, and suspended ones', async () => {
  configure(['a', 'b'])
  const gone = await down(first, only('a'))
  expect(gone.notices.map(({ message }) => message)).toEqual([
    `main/${database.name}/c: no longer in the fleet, so what rollout ${first} applied there is not undone.`,
  ])
  expect(countResults(gone)).toEqual({ undone: 1 })
  configure(slugs, { state: 'suspended' })
  const asleep = await down(first)
  expect(asleep.notices.map(({ message }) => message)).toContainEqual(expect.stringContaining('no tenant is active'))
  expect(await histories()).toEqual([[], ['001_one', '002_two'], ['001_one', '002_two']])
})

test('refusals: an unknown one, an undo, a lost file, something half-done', async () => {
  const unknown = await project.run(['down', '--rollout', 'r_01JC0PXJ2M3V9A6QK4W8E5T7BN'])
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('is not recorded in')])
  const undone = rolloutOf(await project.use((tenantry) => tenantry.down(only('a'))))
  const undo = await project.run(['down', '--rollout', undone])
  expect([undo.code, undo.stderr]).toEqual([2, expect.stringContaining('is an undo itself')])
  const two = await project.run(['down', '--rollout', first, '--steps', '2'])
  expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('two different things')])
  rmSync(join(project.dir, 'migrations/002_two.sql'))
  rmSync(join(project.dir, 'migrations/rollbacks/002_two.sql'))
  const lost = await project.run(['down', '--rollout', first, '--json'])
  expect(JSON.parse(lost.stdout).error).toMatchObject({
    code: 'UNDO_MISSING',
    message: expect.stringContaining('002_two'),
  })
  expect(await histories()).toEqual([['001_one'], ['001_one', '002_two'], ['001_one', '002_two']])
})

test('an undo that fails half-way goes on when it is asked for again', async () => {
  project.write({
    'migrations/003_three.sql': 'create table three (id int);\n',
    'migrations/rollbacks/003_three.sql':
      '-- tenantry:no-transaction\ndrop table three;\nselect * from trouble;\nselect 1;\n',
  })
  const second = rolloutOf(await project.use((tenantry) => tenantry.up(only('a'))))
  expect(resultOf(await down(second), 'a')).toMatchObject({
    error: { code: 'MIGRATION_FAILED', context: { migration: '003_three', statement: 2 } },
  })
  // Another rollout's undo must not begin beside it.
  expect(resultOf(await down(first, only('a')), 'a').error).toMatchObject({
    code: 'MIGRATION_HALF_APPLIED',
    hint: expect.stringContaining('down 003_three'),
  })
  await database.query('create table a.trouble ()')
  expect(resultOf(await down(second), 'a')).toMatchObject({ result: 'undone', undone: ['003_three'] })
  expect(await history('a')).toEqual(['001_one', '002_two'])
})

test('the rollout of an undo is recorded as every other', async () => {
  const before = readdirSync(store()).length
  const report = await down(first)
  expect(readdirSync(store())).toHaveLength(before + 1)
  const shown = await project.use((tenantry) => tenantry.rollout(rolloutOf(report)))
  expect(shown).toMatchObject({ command: 'down', state: 'done', summary: { undone: 3 } })
})
