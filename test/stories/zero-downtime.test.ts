/** The walk-through of docs/zero-downtime.md, carried out as it is written, while an application writes all along. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

const text = readFileSync(new URL('../../docs/zero-downtime.md', import.meta.url), 'utf8')

/** Files, commands and what the application does, in the order of the page. */
const steps = [...text.matchAll(/(?:^`([^`\n]+)`\n\n)?^```(sql|sh)\n([\s\S]*?)^```$/gm)].map(
  ([, name, language, body = '']) => ({ name: name ?? null, language, body }),
)

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('zero_downtime')
})

afterAll(() => database?.drop())

beforeEach(() => {
  project = makeProject()
  project.configure({
    servers: { main: { url: database.url } },
    tenants: [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
  })
})

afterEach(() => project?.remove())

/** Writes as fast as it can, with the statements of the version that is released; a failed write is kept. */
function startApplication() {
  let statements: string[] = []
  let running = true
  const failures: string[] = []
  let writes = 0
  let longestMs = 0
  const work = async () => {
    const client = new pg.Client(database.url)
    client.on('error', () => {})
    await client.connect()
    while (running) {
      for (const statement of statements) {
        const startedAt = performance.now()
        try {
          await client.query(statement)
          writes++
        } catch (error) {
          failures.push(`${statement}: ${error instanceof Error ? error.message : error}`)
        }
        longestMs = Math.max(longestMs, performance.now() - startedAt)
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await client.end()
  }
  const workers = [work(), work()]
  return {
    failures,
    release: (body: string) => {
      statements = body
        .split(';')
        .map((statement) => statement.trim())
        .filter((statement) => statement !== '')
    },
    writes: () => writes,
    longestMs: () => longestMs,
    stop: async () => {
      running = false
      await Promise.all(workers)
    },
  }
}

test('no write fails from the first step to the last, and no row is lost', async () => {
  expect(steps.filter(({ name }) => name?.startsWith('application'))).toHaveLength(2)
  expect(steps.filter(({ name }) => name?.startsWith('migrations/'))).toHaveLength(5)
  const application = startApplication()
  let commands = 0
  try {
    for (const { name, language, body } of steps) {
      if (language === 'sh') {
        for (const line of body.trim().split('\n')) {
          const before = application.writes()
          const { code, stdout, stderr } = await project.run(line.split(/\s+/).slice(1))
          expect(code, `${line}\n${stdout}${stderr}`).toBe(0)
          // It went on writing meanwhile.
          await expect.poll(() => application.writes(), { timeout: 15_000 }).toBeGreaterThan(before)
          commands++
        }
      } else if (name?.startsWith('application')) {
        application.release(body)
        if (name === 'application 1') {
          await database.query("INSERT INTO person (name) SELECT 'Person ' || i FROM generate_series(1, 20000) i")
        }
        const before = application.writes()
        await expect.poll(() => application.writes(), { timeout: 15_000 }).toBeGreaterThan(before + 20)
      } else if (name !== null) {
        project.write({ [name]: body })
        if (name === 'migrations/001_person.sql') expect((await project.up()).ok).toBe(true)
      }
    }
  } finally {
    await application.stop()
  }
  expect(application.failures).toEqual([])
  expect(commands).toBe(9)
  const [row] = await database.query(
    'SELECT count(*)::int AS n, count(*) FILTER (WHERE full_name IS NULL)::int AS empty FROM person',
  )
  expect(row?.empty).toBe(0)
  expect(Number(row?.n)).toBeGreaterThan(20_000)
  const columns = await database.query(
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'person' ORDER BY 1",
  )
  expect(columns.map(({ column_name }) => column_name)).toEqual(['full_name', 'id'])
}, 180_000)
