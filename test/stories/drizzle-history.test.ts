/** What Drizzle's histories make of late, edited and broken files, of upgrades, and of databases and schemas in one fleet. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { migrateNatively, missing } from './drizzle-native.ts'
import type { NativePlace } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

let project: Project
let database: TestDatabase
beforeEach(async () => {
  project = makeProject()
  database = await freshDatabase('drizzle')
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

interface Entry {
  tag: string
  when: number
  sql: string
  undo?: string
}

const first = Date.UTC(2024, 0, 1, 0, 0, 0, 123)
const base: Entry[] = [
  { tag: '0000_users', when: first, sql: 'CREATE TABLE users (id int PRIMARY KEY)', undo: 'DROP TABLE users' },
  { tag: '0001_posts', when: first + 5000, sql: 'CREATE TABLE posts (id int)', undo: 'DROP TABLE posts' },
]

function write(entries: readonly Entry[]): string {
  project.write({
    'drizzle/meta/_journal.json': JSON.stringify({
      version: '7',
      dialect: 'postgresql',
      entries: entries.map(({ tag, when }, idx) => ({ idx, version: '7', when, tag, breakpoints: true })),
    }),
  })
  for (const { tag, sql, undo } of entries) {
    project.write({ [`drizzle/${tag}.sql`]: sql })
    if (undo !== undefined) project.write({ [`drizzle/rollbacks/${tag}.sql`]: undo })
  }
  return join(project.dir, 'drizzle')
}
function configure(tenants: readonly Record<string, string>[] = [{ slug: 'one', topology: 'database' }]) {
  project.configure({
    servers: { main: { url: database.url } },
    scratch: { server: 'main' },
    migrations: { dir: './drizzle' },
    tenants: tenants.map((tenant) => ({ database: database.name, ...tenant })),
  })
}
const placeOf = (schema: string | null = null): NativePlace => ({
  kind: schema === null ? 'postgres' : 'schema',
  url: database.url,
  schema,
  query: (sql) => database.query(sql),
  catalog: async () => ({}),
})
const rows = (schema = 'drizzle') =>
  database.query(`SELECT created_at::text, hash FROM ${schema}.__drizzle_migrations ORDER BY id`)
const ok = (report: FleetReport) => {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  return report
}

describe('before 1.0', () => {
  test('a late file, which Drizzle passes over, is applied; an edited one, which it never notices, is told', async () => {
    configure()
    const dir = write(base)
    await migrateNatively('journal', placeOf(), dir)
    const late = { tag: '0002_late', when: first + 1000, sql: 'CREATE TABLE late (id int)', undo: 'DROP TABLE late' }
    write([base[0] as Entry, late, base[1] as Entry])
    await migrateNatively('journal', placeOf(), dir)
    expect(await rows()).toHaveLength(2)
    const before = await project.use((tenantry) => tenantry.status())
    expect(before.targets[0]).toMatchObject({ pending: ['0002_late'], outOfOrder: ['0002_late'] })
    const strict = await project.use((tenantry) => tenantry.up({ strictOrder: true }))
    expect(strict.targets[0]?.error).toMatchObject({ code: 'OUT_OF_ORDER' })
    expect(resultOf(ok(await project.up()), 'one').applied).toEqual(['0002_late'])
    await migrateNatively('journal', placeOf(), dir)
    expect((await rows()).map((row) => Number(row.created_at) - first)).toEqual([0, 5000, 1000])

    project.write({ 'drizzle/0001_posts.sql': 'CREATE TABLE posts (id bigint)' })
    const refused = await project.use((tenantry) => tenantry.up())
    expect(refused.targets[0]).toMatchObject({ changed: ['0001_posts'], error: { code: 'MIGRATION_CHANGED' } })
    // A `when` that was raised by hand, as is done so that Drizzle sees a late file: its row has the old one.
    write([base[0] as Entry, { ...late, when: first + 6000 }, base[1] as Entry])
    const told = JSON.stringify(await project.use((tenantry) => tenantry.explain('one')))
    expect(told).toContain(`baseline --rename ${first + 1000} 0002_late`)
    expect((await project.use((tenantry) => tenantry.status())).targets[0]?.pending).toEqual([])
    const rename = { from: String(first + 1000), to: '0002_late' }
    ok(await project.use((tenantry) => tenantry.baseline({ rename })))
    expect((await rows()).map((row) => Number(row.created_at) - first)).toEqual([0, 5000, 6000])
    const after = await project.use((tenantry) => tenantry.status())
    expect(after.targets[0]).toMatchObject({ pending: [], missing: [] })
  })

  test('what drizzle-kit writes of a database that is there is one comment: nothing is run', async () => {
    configure()
    const text =
      '-- Current sql file was generated\n/*\nCREATE TABLE a (id int);\n--> statement-breakpoint\nCREATE TABLE b (id int);\n*/'
    write([
      { tag: '0000_introspected', when: first, sql: text },
      ...base.map((one) => ({ ...one, when: one.when + 9 })),
    ])
    expect(resultOf(ok(await project.up()), 'one').applied).toHaveLength(3)
    expect(await rows()).toHaveLength(3)
    expect((await database.query("SELECT to_regclass('public.a') AS a"))[0]).toEqual({ a: null })
  })

  test('what fails leaves nothing; behind a COMMIT it goes on where it stopped; Drizzle agrees', async () => {
    configure()
    const dir = write([
      ...base,
      { tag: '0002_broken', when: first + 6000, sql: 'CREATE TABLE c (id int);--> statement-breakpoint\nSELECT 1/0' },
    ])
    const failed = await project.use((tenantry) => tenantry.up())
    expect(failed.targets[0]).toMatchObject({ applied: ['0000_users', '0001_posts'] })
    expect(failed.targets[0]?.error).toMatchObject({
      code: 'MIGRATION_FAILED',
      context: { migration: '0002_broken', statement: 2, line: 2 },
    })
    expect((await database.query("SELECT to_regclass('public.c') AS c"))[0]).toEqual({ c: null })
    // The same with a COMMIT between: what is above it stays.
    const split = (end: string) =>
      `CREATE TABLE c (id int);\n--> statement-breakpoint\nCOMMIT;--> statement-breakpoint\n${end}`
    write([
      ...base,
      { tag: '0002_broken', when: first + 6000, sql: split('CREATE INDEX CONCURRENTLY c_x ON c (nope)') },
    ])
    const halfway = await project.use((tenantry) => tenantry.up())
    expect(halfway.targets[0]?.error).toMatchObject({ code: 'MIGRATION_FAILED' })
    expect((await database.query("SELECT to_regclass('public.c')::text AS c"))[0]).toEqual({ c: 'c' })
    expect(await rows()).toHaveLength(2)
    write([...base, { tag: '0002_broken', when: first + 6000, sql: split('CREATE INDEX CONCURRENTLY c_x ON c (id)') }])
    expect(resultOf(ok(await project.up()), 'one').applied).toEqual(['0002_broken'])
    await migrateNatively('journal', placeOf(), dir)
    expect(await rows()).toHaveLength(3)
  })

  test('whole databases have it in the schema drizzle, tenants in schemas in their own; make, drift, verify, prove', async () => {
    const dir = write(base)
    await database.query('CREATE SCHEMA t_1; CREATE SCHEMA t_2')
    configure([
      { slug: 'one', topology: 'database' },
      { slug: 'a', topology: 'schema', schema: 't_1' },
      { slug: 'b', topology: 'schema', schema: 't_2' },
    ])
    await migrateNatively('journal', placeOf(), dir)
    await migrateNatively('journal', placeOf('t_1'), dir)
    const adopted = await project.use((tenantry) => tenantry.adopt())
    expect(adopted.sets[0]).toMatchObject({
      format: 'drizzle',
      history: { kind: 'drizzle', table: '__drizzle_migrations' },
    })
    expect(adopted.sets[0]?.targets.map(({ applied }) => applied)).toEqual([2, 2, 0])
    const made = await project.use((tenantry) => tenantry.make('add email'))
    expect([...made.files].sort()).toEqual([
      'drizzle/0002_add_email.sql',
      'drizzle/meta/_journal.json',
      'drizzle/rollbacks/0002_add_email.sql',
    ])
    project.write({
      'drizzle/0002_add_email.sql':
        'ALTER TABLE users ADD COLUMN email text; --> statement-breakpoint\nALTER TABLE "posts" ADD COLUMN author int REFERENCES "public"."users"("id")',
      'drizzle/rollbacks/0002_add_email.sql':
        'ALTER TABLE posts DROP COLUMN author;\nALTER TABLE users DROP COLUMN email',
    })
    const report = ok(await project.use((tenantry) => tenantry.up({ verify: true })))
    expect(report.targets.map(({ applied }) => applied.length)).toEqual([1, 1, 3])
    for (const schema of ['drizzle', 't_1', 't_2']) expect(await rows(schema)).toHaveLength(3)
    await migrateNatively('journal', placeOf(), dir)
    for (const schema of ['t_1', 't_2']) await migrateNatively('journal', placeOf(schema), dir)
    for (const schema of ['drizzle', 't_1', 't_2']) expect(await rows(schema)).toHaveLength(3)
    expect(await project.use((tenantry) => tenantry.drift())).toMatchObject({ ok: true })
    expect(await project.use((tenantry) => tenantry.verify())).toMatchObject({ ok: true })
    const proof = await project.use((tenantry) => tenantry.prove())
    // As a whole database, and as a schema.
    expect(proof.migrations.map(({ verdict }) => verdict)).toEqual(Array(6).fill('reversible'))
    const undone = ok(await project.use((tenantry) => tenantry.down({ steps: 3, allowDataLoss: true })))
    expect(undone.targets.map((target) => target.undone.length)).toEqual([3, 3, 3])
    // A column that somebody added by hand is told.
    ok(await project.up())
    await database.query('ALTER TABLE t_2.users ADD COLUMN stray int')
    const drift = await project.use((tenantry) => tenantry.drift())
    expect(drift.clusters.flatMap(({ differences }) => differences)).toMatchObject([
      { change: 'extra', object: 'users.stray' },
    ])
  })
})

describe.skipIf(missing('folders') !== null)('an upgrade to Drizzle 1', () => {
  /** As `drizzle-kit up` does: names with the second of `when`, contents as they were. */
  function upgradeFolder(dir: string, entries: readonly Entry[]): string {
    const to = join(project.dir, 'folders')
    for (const { tag, when } of entries) {
      const stamp = new Date(when).toISOString().slice(0, 19).replaceAll(/\D/g, '')
      const folder = join(to, `${stamp}_${tag.slice(5)}`)
      mkdirSync(folder, { recursive: true })
      renameSync(join(dir, `${tag}.sql`), join(folder, 'migration.sql'))
      project.write({ [`folders/${stamp}_${tag.slice(5)}/snapshot.json`]: '{}' })
    }
    return to
  }
  const names = () => database.query('SELECT name, created_at::text FROM drizzle.__drizzle_migrations ORDER BY id')

  test('rows without names are the same migrations, before the table is upgraded and after', async () => {
    configure()
    const dir = write(base)
    await migrateNatively('journal', placeOf(), dir)
    const folders = upgradeFolder(dir, base)
    expect(readdirSync(folders)).toEqual(['20240101000000_users', '20240101000005_posts'])
    const use = (migrations: string) =>
      project.configure({
        servers: { main: { url: database.url } },
        migrations: { dir: migrations },
        tenants: [{ slug: 'one', topology: 'database', database: database.name }],
      })
    use('./folders')
    expect(resultOf(ok(await project.up()), 'one').result).toBe('up-to-date')
    // Into the old table: Drizzle 1 names this row, too, when it upgrades the table.
    project.write({
      'folders/20240102000000_more/migration.sql': 'CREATE TABLE more (id int)',
      'folders/20240102000000_more/rollback.sql': 'DROP TABLE more',
      'folders/20240101000005_posts/rollback.sql': 'DROP TABLE posts',
    })
    expect(resultOf(ok(await project.up()), 'one').applied).toEqual(['20240102000000_more'])
    await migrateNatively('folders', placeOf(), folders)
    expect((await names()).map(({ name }) => name)).toEqual([
      '20240101000000_users',
      '20240101000005_posts',
      '20240102000000_more',
    ])
    expect(resultOf(ok(await project.up()), 'one').result).toBe('up-to-date')
    // A checkout from before the upgrade sees its migrations there, and what it adds has the name that it will have.
    const added = { tag: '0002_other', when: first + 9000, sql: 'CREATE TABLE other (id int)' }
    write([...base, added])
    use('./drizzle')
    const old = await project.use((tenantry) => tenantry.up())
    expect(old.targets[0]).toMatchObject({ applied: ['0002_other'], missing: ['20240102000000_more'] })
    upgradeFolder(dir, [...base, added])
    await migrateNatively('folders', placeOf(), folders)
    expect(await names()).toHaveLength(4)
    use('./folders')
    const undone = await project.use((tenantry) =>
      tenantry.down({ migration: '20240101000005_posts', unproven: true, allowDataLoss: true }),
    )
    expect(resultOf(ok(undone), 'one').undone).toEqual(['20240101000005_posts'])
    expect((await names()).map(({ name }) => name)).toEqual([
      '20240101000000_users',
      '20240102000000_more',
      '20240101000009_other',
    ])
  })

  test('two of one second: each has its own row', async () => {
    configure()
    project.write({
      'drizzle/20240101000000_a/migration.sql': 'CREATE TABLE a (id int)',
      'drizzle/20240101000000_a/snapshot.json': '{}',
      'drizzle/20240101000000_b/migration.sql': 'CREATE TABLE b (id int)',
      'drizzle/20240101000000_b/rollback.sql': 'DROP TABLE b',
    })
    ok(await project.use((tenantry) => tenantry.up({ to: '20240101000000_a' })))
    expect(resultOf(ok(await project.up()), 'one').applied).toEqual(['20240101000000_b'])
    await migrateNatively('folders', placeOf(), join(project.dir, 'drizzle'))
    expect(await names()).toHaveLength(2)
    ok(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true })))
    expect((await names()).map(({ name }) => name)).toEqual(['20240101000000_a'])
  })
})
