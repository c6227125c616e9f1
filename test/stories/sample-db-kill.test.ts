/** A reset that dies in the middle: every row is still there, and the next one does all of it. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { freshDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject } from './project.ts'

interface Place {
  url: string
  name: string
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** @param slowDown SQL after which a row of `a` takes its time to go; @param isInside tells from beside that one is going */
async function killInTheMiddle(
  database: Place,
  fill: string,
  slowDown: string,
  isInside: () => Promise<boolean>,
  speedUp: string,
): Promise<void> {
  const project = makeProject()
  try {
    project.write({
      'migrations/001_shop.sql':
        'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES a (id)); CREATE TABLE kept (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES a (id)); CREATE TABLE plain (id int PRIMARY KEY);',
    })
    project.configure({
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
      sampleDb: { keep: ['kept'] },
    })
    expect((await project.up()).ok).toBe(true)
    await database.query(fill)
    await database.query(slowDown)
    const child = project.start(['sample-db', '--confirm'])
    const ended = once(child, 'exit')
    await expect.poll(isInside, { timeout: 60_000, interval: 20 }).toBe(true)
    child.kill('SIGKILL')
    await ended
    // The server notices that the session is gone when its statement ends, or earlier.
    const isOver = async () => !(await isInside())
    await expect.poll(isOver, { timeout: 60_000, interval: 100 }).toBe(true)
    const counts = async () => {
      const parts = ['a', 'b', 'plain'].map((name) => `SELECT '${name}' AS t, count(*) AS n FROM ${name}`)
      return (await database.query(parts.join(' UNION ALL '))).map(({ n }) => Number(n))
    }
    await expect.poll(counts, { timeout: 60_000, interval: 100 }).toEqual([200, 200, 200])
    await database.query(speedUp)
    const report = await project.use((tenantry) => tenantry.sampleDb({ confirm: true }))
    expect(report.error).toBeNull()
    expect(report).toMatchObject({ ok: true, removed: 600 })
    expect(await counts()).toEqual([0, 0, 0])
  } finally {
    project.remove()
    await database.drop()
  }
}

test('PostgreSQL: after the first tables were emptied', { timeout: 200_000 }, async () => {
  const database = await freshDatabase('sample_kill')
  const fill = ['a', 'b', 'plain'].map((name) => `INSERT INTO ${name} (id) SELECT generate_series(1, 200)`).join('; ')
  const inside =
    "SELECT 1 FROM pg_locks l JOIN pg_stat_activity s USING (pid) WHERE l.locktype = 'advisory' AND l.objid = 4711 AND s.datname = current_database()"
  await killInTheMiddle(
    database,
    fill,
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); PERFORM pg_sleep(0.1); RETURN OLD; END $$;
     CREATE TRIGGER slow AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION slow()`,
    async () => (await database.query(inside)).length > 0,
    'DROP TRIGGER slow ON a',
  )
})

withMariadb('MariaDB', () => {
  test('after the first tables were emptied', { timeout: 200_000 }, async () => {
    const database = await freshMariadb('sample_kill')
    const fill = ['a', 'b', 'plain'].map((name) => `INSERT INTO ${name} (id) SELECT seq FROM seq_1_to_200`).join('; ')
    await killInTheMiddle(
      database,
      fill,
      'CREATE TRIGGER slow AFTER DELETE ON a FOR EACH ROW SET @nap = SLEEP(0.05)',
      async () =>
        (
          await database.query(
            `SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = '${database.name}' AND STATE = 'User sleep'`,
          )
        ).length > 0,
      'DROP TRIGGER slow',
    )
  })
})
