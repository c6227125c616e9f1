import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project } from './project.ts'

const names = [
  'we"ird',
  'SELECT',
  'my-db',
  'Capitals',
  'x'.repeat(63),
  '🐘🐘🐘',
  'with spaces ',
  'a.b',
  "'; DROP SCHEMA x; --",
  '"; DROP SCHEMA x; --',
  '$$',
  '$tenantry$',
  'back\\slash',
  "quote'd",
  '%I %s',
  '{}',
  'line-- comment /*',
]

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('names')
  await database.query('CREATE SCHEMA x')
  project = makeProject()
})
afterEach(async () => {
  project.remove()
  expect(await database.query("SELECT count(*)::int AS n FROM pg_namespace WHERE nspname = 'x'")).toEqual([{ n: 1 }])
  await database.drop()
})

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`

const files = {
  'migrations/001 it\'s "first".sql':
    'CREATE TABLE public.one (id int PRIMARY KEY, name text);\nCREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN (SELECT count(*) FROM public.one); END $body$;',
  'migrations/002_$tenantry$ \\ 🐘; --.sql': "INSERT INTO one VALUES (1, '$tenantry$');\nSELECT public.f();",
  'migrations/003_index.sql': 'CREATE INDEX CONCURRENTLY one_name ON one (name);\nINSERT INTO one VALUES (2, NULL);',
  'migrations/rollbacks/001 it\'s "first".sql': 'DROP FUNCTION public.f();\nDROP TABLE public.one;',
  'migrations/rollbacks/002_$tenantry$ \\ 🐘; --.sql': 'DELETE FROM one WHERE id = 1;',
  'migrations/rollbacks/003_index.sql': 'DROP INDEX CONCURRENTLY one_name;\nDELETE FROM one WHERE id = 2;',
}

/** Up, status, a failure, down by one and down by all. */
async function goThrough(count: number): Promise<void> {
  const applied = await project.up()
  expect(applied.targets.map(({ error }) => error)).toEqual(Array(count).fill(null))
  expect(countResults(applied)).toEqual({ applied: count })
  expect(countResults(await project.up())).toEqual({ 'up-to-date': count })
  const status = await project.use((tenantry) => tenantry.status())
  expect(status).toMatchObject({ healthy: count, needsAttention: 0 })

  project.write({ 'migrations/004_bad.sql': 'CREATE TABLE two (id int);\nSELECT nowhere;' })
  const failed = await project.up()
  expect(countResults(failed)).toEqual({ 'failed MIGRATION_FAILED': count })
  expect(failed.targets.map(({ error }) => error?.context.line)).toEqual(Array(count).fill(2))
  for (const { tenants } of failed.targets) {
    const explained = await project.use((tenantry) => tenantry.explain(tenants[0] as string))
    expect(explained.targets.map(({ pending }) => pending)).toEqual([['004_bad']])
  }
  const undone = await project.use((tenantry) => tenantry.down({ unproven: true, steps: 3, allowDataLoss: true }))
  expect(undone.targets.map(({ error }) => error)).toEqual(Array(count).fill(null))
  expect(countResults(undone)).toEqual({ undone: count })
}

test('names of schemas, slugs, labels and files that need quoting', async () => {
  for (const name of names) await database.query(`CREATE SCHEMA ${quote(name)}`)
  project.write(files)
  project.configure({
    servers: { main: { url: database.url } },
    tenants: names.map((name) => ({
      slug: name,
      topology: 'schema',
      server: 'main',
      database: database.name,
      schema: name,
      labels: { [name]: name },
    })),
  })
  await goThrough(names.length)
  expect(await database.query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual([])
  const one = await project.use((tenantry) => tenantry.status({ selectors: { labels: [`we"ird=we"ird`] } }))
  expect(one.targets.map(({ tenants }) => tenants)).toEqual([['we"ird']])
})

test('names of databases, and of the history table and its schema', async () => {
  const own = names.filter((name) => !name.startsWith('x')).map((name) => `${name}${database.name.slice(-8)}`)
  for (const name of own) {
    await database.server.query(`CREATE DATABASE ${quote(name)}`)
    await database.server.query(`CREATE SCHEMA ${quote(name)}`, name)
  }
  try {
    project.write(files)
    for (const name of [`we"ird's`, '$tenantry$', `"'; DROP SCHEMA x; --`, '🐘 \\ %I', 'y'.repeat(63)]) {
      project.configure({
        servers: { main: { url: database.url } },
        migrations: { dir: './migrations', ignore: 'bad', history: { table: name, schema: 'public' } },
        tenants: own.slice(0, 3).map((slug) => ({ slug, topology: 'database', server: 'main', database: slug })),
      })
      expect([name, countResults(await project.up())]).toEqual([name, { applied: 3 }])
      expect(countResults(await project.up())).toEqual({ 'up-to-date': 3 })
      const undone = await project.use((tenantry) => tenantry.down({ unproven: true, steps: 3, allowDataLoss: true }))
      expect(countResults(undone)).toEqual({ undone: 3 })
      const [row] = await database.server.query('SELECT count(*)::int AS n FROM pg_class WHERE relname = $1', own[0], [
        name,
      ])
      expect(row).toEqual({ n: 1 })
    }
    project.configure({
      servers: { main: { url: database.url } },
      tenants: own.map((slug) => ({ slug, topology: 'database', server: 'main', database: slug })),
    })
    await goThrough(own.length)
  } finally {
    for (const name of own) await database.server.query(`DROP DATABASE ${quote(name)} WITH (FORCE)`)
  }
})

test('a history table whose name is too long is refused: the server would cut it off and it would never be found', async () => {
  project.write(files)
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './migrations', history: { table: 'z'.repeat(64) } },
    tenants: [{ slug: 'x', topology: 'schema', server: 'main', database: database.name, schema: 'x' }],
  })
  await expect(project.up()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('63') })
})
