/** Namespaces of a remote libSQL server as targets, on a real server. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Sqld, startSqld, withSqld } from '../servers/sqld.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

withSqld('a remote libSQL server', () => {
  let server: Sqld
  let project: Project
  let made = 0
  beforeAll(async () => {
    server = await startSqld()
  })
  afterAll(() => server.remove())
  beforeEach(() => {
    project = makeProject()
  })
  afterEach(() => project.remove())

  /** Tenants with an empty namespace each. */
  async function fleet(count: number, more: Record<string, unknown> = {}): Promise<string[]> {
    const names = Array.from({ length: count }, () => `n${++made}`)
    await server.create(...names)
    project.configure({
      servers: { far: { url: server.url } },
      tenants: names.map((slug) => ({ slug, database: slug })),
      ...more,
    })
    return names
  }

  test('up, status, down', async () => {
    await fleet(3)
    project.write({
      'migrations/001_users.sql': 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);',
      'migrations/002_log.sql': `CREATE TABLE log (what TEXT);
CREATE TRIGGER users_log AFTER INSERT ON users BEGIN INSERT INTO log VALUES ('new; ' || NEW.email); END;
INSERT INTO users (email) VALUES ('a@x.org');`,
      'migrations/rollbacks/002_log.sql': 'DROP TRIGGER users_log;\nDROP TABLE log;\nDELETE FROM users;',
    })
    const report = await project.up()
    expect(countResults(report), JSON.stringify(report.targets[0]?.error)).toEqual({ applied: 3 })
    expect(countResults(await project.up())).toEqual({ 'up-to-date': 3 })
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(countResults(down)).toEqual({ undone: 3 })
    resultOf(down, 'n1')
  })
})
