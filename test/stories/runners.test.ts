import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

const tenants = 20

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('runners')
  await database.query(createSchemas(tenants))
  project = makeProject()
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(tenants, database.name) })
  project.write({
    'migrations/001_marks.sql': "CREATE TABLE marks (name text);\nINSERT INTO marks VALUES ('1');",
    'migrations/002_slow.sql': "SELECT pg_sleep(0.02);\nINSERT INTO marks VALUES ('2');",
    'migrations/003_index.sql':
      "INSERT INTO marks VALUES ('3a');\nCREATE INDEX CONCURRENTLY marks_name ON marks (name);\nINSERT INTO marks VALUES ('3b');",
    'migrations/004_more.sql': "CREATE TABLE more (id int);\nINSERT INTO marks VALUES ('4');",
  })
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

test.each([2, 5])('%i runners at once: each migration runs once per target, and nobody fails', async (count) => {
  const runs = await Promise.all(Array.from({ length: count }, () => project.run(['up', '--json'])))
  const reports = runs.map(({ stdout }) => JSON.parse(stdout))
  expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0))
  expect(reports.map(({ summary }) => summary.failed)).toEqual(runs.map(() => 0))
  const applied = reports.flatMap(({ targets }) =>
    targets.flatMap((one: { target: string; applied: string[] }) => one.applied.map((id) => `${one.target} ${id}`)),
  )
  expect(applied).toHaveLength(tenants * 4)
  expect(new Set(applied).size).toBe(tenants * 4)
  const marks = Array.from(
    { length: tenants },
    (_, i) =>
      `SELECT '${i}' AS t, string_agg(name, ' ' ORDER BY name) AS m, (SELECT count(*)::int FROM t_${i + 1}.schema_migrations) AS h FROM t_${i + 1}.marks`,
  )
  const rows = await database.query(marks.join(' UNION ALL '))
  for (const row of rows) expect(row).toMatchObject({ m: '1 2 3a 3b 4', h: 4 })

  const later = JSON.parse((await project.run(['up', '--json'])).stdout)
  expect(later.summary).toMatchObject({ upToDate: tenants, applied: 0, failed: 0 })
})
