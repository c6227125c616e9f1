import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('large')
  await database.query(createSchemas(2))
  project = makeProject()
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(2, database.name) })
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

test('a migration of 5,000 statements', async () => {
  const lines = Array.from({ length: 4998 }, (_, i) => `INSERT INTO many VALUES (${i}, 'row ${i}; it''s');`)
  project.write({
    'migrations/001_many.sql': ['CREATE TABLE many (id int, name text);', ...lines, 'CREATE INDEX ON many (id);'].join(
      '\n',
    ),
  })
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect(await database.query('SELECT count(*)::int AS n, count(DISTINCT id)::int AS ids FROM t_2.many')).toEqual([
    { n: 4998, ids: 4998 },
  ])

  project.write({
    'migrations/002_last.sql': [...lines, 'SELECT 1 / 0;', "INSERT INTO many VALUES (-1, 'x');"].join('\n'),
  })
  const { error } = resultOf(await project.up(), 't1')
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', context: { statement: 4999, line: 4999, column: 1 } })
  expect(await database.query('SELECT count(*)::int AS n FROM t_1.many')).toEqual([{ n: 4998 }])
})

test('a file of 10 MB', async () => {
  const row = `('${'ä'.repeat(500)}')`
  const insert = `INSERT INTO big VALUES ${Array(100).fill(row).join(',\n')};\n`
  project.write({ 'migrations/001_big.sql': `CREATE TABLE big (text text);\n${insert.repeat(100)}` })
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect(await database.query('SELECT count(*)::int AS n, min(length(text)) AS l FROM t_2.big')).toEqual([
    { n: 10_000, l: 500 },
  ])
  expect(countResults(await project.up())).toEqual({ 'up-to-date': 2 })
})

test('a syntax error in the ninth of ten pending files: eight stay, and the error says where', async () => {
  for (let i = 1; i <= 10; i++) {
    const bad = i === 9 ? '\n-- ü 🐘\nALTER TABLE t_9 ADD COLUM name text;' : ''
    project.write({ [`migrations/${String(i).padStart(3, '0')}_x.sql`]: `CREATE TABLE t_${i} (id int);${bad}` })
  }
  const report = await project.up()
  expect(countResults(report)).toEqual({ 'failed MIGRATION_FAILED': 2 })
  for (const slug of ['t1', 't2']) {
    const { applied, pending, failed, error } = resultOf(report, slug)
    expect([applied.length, pending, failed]).toEqual([8, ['009_x', '010_x'], ['009_x']])
    expect(error).toMatchObject({ context: { migration: '009_x', file: 'migrations/009_x.sql', line: 3, column: 32 } })
    expect(error?.message).toContain('syntax error')
  }
  expect(
    await database.query(
      "SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = 't_1'::regnamespace AND relname ~ '^t_'",
    ),
  ).toEqual([{ n: 8 }])
  project.write({ 'migrations/009_x.sql': 'CREATE TABLE t_9 (id int);' })
  expect(countResults(await project.up())).toEqual({ applied: 2 })
})
