/** What node-pg-migrate's migrations meet in a fleet: schemas, failures, late files, locks. */
import { rmSync } from 'node:fs'
import { runner } from 'node-pg-migrate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project, resultOf } from './project.ts'
import { openClient } from './raw-client.ts'

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('node pg migrate')
  project = makeProject()
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The tool itself; the names of what it did. */
async function native(schema: string | null, more: object = {}): Promise<string[]> {
  const done = await runner({
    databaseUrl: database.url,
    dir: `${project.dir}/migrations`,
    direction: 'up',
    migrationsTable: 'pgmigrations',
    ...(schema === null ? {} : { schema, migrationsSchema: schema }),
    singleTransaction: true,
    logger: silent,
    ...more,
  })
  return done.map(({ name }) => name)
}

function remove(name: string): void {
  rmSync(`${project.dir}/migrations/${name}`)
}

function write(files: Readonly<Record<string, string>>): void {
  project.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])))
}

describe('a fleet of schemas', () => {
  beforeEach(async () => {
    await database.query('CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA c')
    project.configure({
      servers: { main: { url: database.url } },
      scratch: { server: 'main' },
      tenants: ['a', 'b', 'c'].map((slug) => ({ slug, topology: 'schema', database: database.name, schema: slug })),
    })
  })

  test('what is written for `public` is made in each; what asks or differs is built for each; all of it can be proved', async () => {
    write({
      '001_customers.js': `exports.shorthands = { id: { type: 'serial', primaryKey: true } }
exports.up = (pgm) => {
  pgm.createTable({ schema: 'public', name: 'customers' }, { id: 'id', name: { type: 'text', notNull: true } })
  pgm.createType('kind', ['one', 'two'])
}
`,
      '002_orders.sql': `-- Up Migration
CREATE TABLE public.orders (id int PRIMARY KEY, customer int REFERENCES public.customers (id));
-- Down Migration
DROP TABLE public.orders;
`,
      '003_places.js': `exports.up = async (pgm) => {
  const [{ place }] = await pgm.db.select('SELECT current_schema()::text AS place')
  pgm.createTable('places', { id: 'id', place: 'text', stamp: 'text' })
  pgm.sql("INSERT INTO places (place) VALUES ('" + place + "')")
}
exports.down = (pgm) => pgm.dropTable('places')
`,
      '004_stamp.js': `const { randomUUID } = require('node:crypto')
exports.up = (pgm) => pgm.sql(\`UPDATE places SET stamp = '\${randomUUID()}'\`)
exports.down = (pgm) => pgm.sql('UPDATE places SET stamp = NULL')
`,
      '005_view.ts': `import type { MigrationBuilder } from 'node-pg-migrate'
export const up = (pgm: MigrationBuilder) => {
  pgm.addColumn('orders', { kind: { type: 'kind', default: 'one' } })
  pgm.createView('big', {}, 'SELECT id FROM public.orders')
}
`,
    })
    const plan = await project.use((tenantry) => tenantry.plan())
    expect(plan.migrations.map(({ mode, statements, undo }) => [mode, statements, undo])).toEqual([
      ['transaction', 2, 'present'],
      ['transaction', 1, 'present'],
      ['code', 0, 'present'],
      ['code', 0, 'present'],
      ['transaction', 2, 'present'],
    ])
    const report = await project.up()
    expect(report.targets.map(({ applied, error }) => [applied.length, error])).toEqual([
      [5, null],
      [5, null],
      [5, null],
    ])
    const places = await database.query(
      'SELECT place, stamp FROM a.places UNION ALL SELECT place, stamp FROM b.places UNION ALL SELECT place, stamp FROM c.places ORDER BY 1',
    )
    expect(places.map(({ place }) => place)).toEqual(['a', 'b', 'c'])
    expect(new Set(places.map(({ stamp }) => stamp)).size).toBe(3)
    for (const schema of ['b', 'c']) expect(await native(schema)).toEqual([])
    expect(
      await database.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')",
      ),
    ).toEqual([])
    await database.query('ALTER TABLE c.orders ADD COLUMN extra int')
    const drift = await project.use((tenantry) => tenantry.drift())
    expect([drift.clusters.map(({ targets, reference }) => [targets, reference]), drift.failures]).toEqual([
      [
        [2, true],
        [1, false],
      ],
      [],
    ])
    await database.query('ALTER TABLE c.orders DROP COLUMN extra')
    const proof = await project.use((tenantry) => tenantry.prove())
    expect(proof.migrations.map(({ migration, verdict }) => [migration, verdict])).toEqual([
      ['001_customers', 'reversible'],
      ['002_orders', 'reversible'],
      ['003_places', 'reversible'],
      // It writes another value each time.
      ['004_stamp', 'lossy'],
      ['005_view', 'reversible'],
    ])
  })

  test('what the tool marked without running is applied, and found out by verify', async () => {
    write({ '001_a.js': "exports.up = (pgm) => pgm.createTable('one', { id: 'int' })\n" })
    expect(await native('a', { fake: true })).toEqual(['001_a'])
    const mark = (force: boolean) =>
      project.use((tenantry) => tenantry.baseline({ to: '001_a', force, selectors: { tenants: ['b'] } }))
    expect((await mark(false)).targets[0]?.error?.code).toBe('BASELINE_UNPROVEN')
    expect((await mark(true)).targets[0]?.error).toBeNull()
    const rows = (schema: string) =>
      database.query(`SELECT id, name, run_on IS NOT NULL AS run FROM ${schema}.pgmigrations`)
    expect(await rows('b')).toEqual(await rows('a'))
    expect(await native('b')).toEqual([])
    const adopted = await project.use((tenantry) => tenantry.adopt())
    expect(adopted.sets).toMatchObject([{ format: 'node-pg-migrate' }])
    const report = await project.up()
    expect(report.targets.map(({ applied }) => applied)).toEqual([[], [], ['001_a']])
    const verified = await project.use((tenantry) => tenantry.verify())
    expect(verified.targets.map(({ findings }) => findings.length > 0)).toEqual([true, true, false])
  })

  test('a killed run loses nothing and repeats nothing', async () => {
    write({
      '1_a.js':
        "exports.up = (pgm) => { pgm.createTable('one', { id: 'int' }); pgm.sql('INSERT INTO one VALUES (1)') }\n",
      '2_b.js': `exports.up = (pgm) => {
  pgm.noTransaction()
  pgm.sql('INSERT INTO one VALUES (2)')
  pgm.createIndex('one', 'id', { name: 'one_id', concurrently: true })
  pgm.sql('SELECT pg_sleep(0.6)')
}
`,
      '3_c.js':
        "exports.up = async (pgm) => { await pgm.db.query('SELECT pg_sleep(0.5)'); pgm.sql('INSERT INTO one VALUES (3)') }\n",
    })
    const child = project.start(['up'])
    const begun = async () => (await database.query("SELECT 1 FROM pg_class WHERE relname = 'one_id'")).length
    await expect.poll(begun).toBeGreaterThan(0)
    child.kill('SIGKILL')
    const finish = async () => (await project.up()).targets.map(({ error }) => error?.code ?? null)
    // What was sent may still be at work, and holds its lock for a moment.
    await expect.poll(finish).toEqual([null, null, null])
    for (const schema of ['a', 'b', 'c']) {
      expect(await database.query(`SELECT array_agg(id ORDER BY id) AS ids FROM ${schema}.one`)).toEqual([
        { ids: [1, 2, 3] },
      ])
      expect(await native(schema)).toEqual([])
    }
  })
})

describe('one database', () => {
  const up = async () => resultOf(await project.up(), 'ours')
  const down = async (migration?: string) =>
    resultOf(
      await project.use((tenantry) =>
        tenantry.down({ unproven: true, allowDataLoss: true, ...(migration === undefined ? {} : { migration }) }),
      ),
      'ours',
    )
  beforeEach(() => {
    project.configure({
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'ours', topology: 'database', database: database.name }],
    })
  })

  test('a failure is undone, or gone on from at its statement; what throws, exits or hangs back fails by itself', async () => {
    write({
      '1_a.js': "exports.up = (pgm) => pgm.createTable('a', { id: 'int', name: 'text' })\n",
      '2_b.js': "exports.up = (pgm) => {\n  pgm.createTable('b', { id: 'int' })\n  pgm.sql('SELECT nothing')\n}\n",
    })
    const failed = await up()
    expect(failed).toMatchObject({ applied: ['1_a'], error: { code: 'MIGRATION_FAILED' } })
    expect(failed.error?.message).toMatch(/2_b failed in .* at its statement 2: column "nothing" does not exist/)
    expect(failed.error?.context).toMatchObject({ file: 'migrations/2_b.js', statement: 2 })
    expect(failed.error?.context).not.toHaveProperty('line')
    expect(await database.query("SELECT to_regclass('b') AS b, (SELECT count(*)::int FROM pgmigrations) AS n")).toEqual(
      [{ b: null, n: 1 }],
    )

    // The third statement fails; the second stays.
    remove('2_b.js')
    write({
      '2_fixed.js': "exports.up = (pgm) => pgm.sql('INSERT INTO a VALUES (1), (1)')\n",
      '3_c.js': `exports.up = (pgm) => {
  pgm.noTransaction()
  pgm.addColumn('a', { more: 'int' })
  pgm.createIndex('a', 'id', { name: 'a_id', unique: true, concurrently: true })
}
`,
    })
    const half = await up()
    expect(half).toMatchObject({ applied: ['2_fixed'], error: { context: { migration: '3_c', statement: 2 } } })
    await database.query('DELETE FROM a')
    expect(await up()).toMatchObject({ applied: ['3_c'], error: null })
    expect(
      await database.query('SELECT indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = $1', [
        'a_id',
      ]),
    ).toEqual([{ indisvalid: true }])

    for (const [index, [text, message]] of [
      ["exports.up = (pgm) => {\n  throw new Error('no good')\n}\n", /4_d0\.js failed at line 2.*no good/] as const,
      ['exports.up = (pgm) => process.exit(3)\n', /process\.exit/] as const,
      ["exports.up = (pgm) => { pgm.createTable('d', { id: 'unknown_type' }) }\n", /unknown_type/] as const,
      [
        "exports.up = async (pgm) => { await pgm.db.query('CREATE TABLE d (id int)'); throw new Error('after it') }\n",
        /after it/,
      ] as const,
    ].entries()) {
      // A module is imported once per process: each is a file of its own.
      write({ [`4_d${index}.js`]: text })
      expect((await up()).error?.message).toMatch(message)
      expect(await database.query("SELECT to_regclass('d') AS d")).toEqual([{ d: null }])
      remove(`4_d${index}.js`)
    }
    write({ '4_d.js': "exports.up = (pgm) => pgm.createTable('d', { id: 'int' })\n" })
    expect(await up()).toMatchObject({ applied: ['4_d'], error: null })
    expect(await native(null)).toEqual([])
  })

  test('what comes late or was changed is refused, as the tool refuses it; undos are inferred where they can be', async () => {
    write({
      'migrations.json': '{}',
      '1_a.js': "exports.up = (pgm) => pgm.createTable('a', { id: 'int' })\n",
      '3_c.js': "exports.up = (pgm) => pgm.sql('CREATE TABLE c (id int)')\n",
      '4_d.sql': 'CREATE TABLE d (id int);\n',
      '5_e.js':
        "exports.up = (pgm) => { pgm.createTable('e', { id: 'int' }); pgm.addColumns('e', { n: 'int' }) }\nexports.down = false\n",
    })
    expect(await native(null, { ignorePattern: '.*json' })).toHaveLength(4)
    write({ '2_b.js': "exports.up = (pgm) => pgm.createTable('b', { id: 'int' })\n" })
    expect((await up()).error).toMatchObject({ code: 'OUT_OF_ORDER', hint: expect.stringContaining('check-order') })
    await expect(native(null, { ignorePattern: '.*json' })).rejects.toThrow(
      'Not run migration 2_b is preceding already run migration 3_c',
    )
    // As the team says it to the tool.
    project.write({
      'package.json': '{ "scripts": { "migrate": "node-pg-migrate up -t pgmigrations --no-check-order" } }',
    })
    expect(await up()).toMatchObject({ applied: ['2_b'], error: null })

    expect((await down('5_e')).error?.code).toBe('UNDO_MISSING')
    expect((await down('4_d')).error?.code).toBe('UNDO_MISSING')
    const inferred = await down('3_c')
    expect(inferred.error?.message).toMatch(/3_c\.js exports no `down`, and none can be inferred/)
    expect(await down('2_b')).toMatchObject({ undone: ['2_b'], error: null })
    expect(await database.query("SELECT to_regclass('b') AS b")).toEqual([{ b: null }])
    expect(await native(null, { direction: 'down', file: '1_a', checkOrder: false, ignorePattern: '.*json' })).toEqual([
      '1_a',
    ])
    expect(await up()).toMatchObject({ applied: ['1_a', '2_b'], error: null })

    write({ '2_b.js': "exports.up = (pgm) => pgm.createTable('other', { id: 'int' })\n" })
    expect((await up()).error?.code).toBe('MIGRATION_CHANGED')
  })

  test('the tool and a run keep each other out', async () => {
    write({
      '1_a.js': "exports.up = (pgm) => { pgm.createTable('a', { id: 'int' }); pgm.sql('SELECT pg_sleep(2)') }\n",
    })
    const tool = await openClient(`${database.url}?application_name=node-pg-migrate`)
    try {
      await tool.query('SELECT pg_try_advisory_lock(7241865325823964)')
      const { error } = await up()
      expect(error).toMatchObject({ code: 'NATIVE_LOCKED', message: expect.stringContaining('node-pg-migrate') })
      await tool.query('SELECT pg_advisory_unlock(7241865325823964)')
      const running = up()
      const holds = async () => {
        const { rows } = await tool.query(
          "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND (classid::bigint << 32) + objid::bigint = 7241865325823964",
        )
        return rows.length
      }
      await expect.poll(holds).toBeGreaterThan(0)
      await expect(native(null)).rejects.toThrow('Another migration is already running')
      expect(await running).toMatchObject({ applied: ['1_a'], error: null })
      expect(await native(null)).toEqual([])
    } finally {
      await tool.end()
    }
  })
})
