/** A session for code on a SQLite file, used as a tool's driver would: transactions that overlap, late calls, resuming. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SqliteCodeClient } from '../../src/dialects/sqlite/code-session.ts'
import type { CodeRequest, CodeSession } from '../../src/model/code.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'

let folder: SqliteFolder
let number = 0
let name: string
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())
beforeEach(async () => {
  name = `s${++number}`
  await folder.make(name, [
    'CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT UNIQUE)',
    'CREATE TABLE count (done, prefix)',
  ])
})

const request: CodeRequest = {
  schema: null,
  sharedSchema: 'public',
  transaction: false,
  resume: null,
  progress: null,
  preview: false,
}
const progress = (done: number, prefix: string) => [
  'DELETE FROM count',
  `INSERT INTO count VALUES (${done}, '${prefix}')`,
]

interface Used {
  session: CodeSession
  one: SqliteCodeClient
  two: SqliteCodeClient
  connection: Connection
}
async function use<T>(more: Partial<CodeRequest>, work: (used: Used) => Promise<T>): Promise<T> {
  return folder.within(name, async (connection) => {
    if (more.transaction === true) await connection.pipeline(['BEGIN IMMEDIATE'])
    const session = connection.openCode({ ...request, ...more })
    const [one, two] = [session.acquire() as SqliteCodeClient, session.acquire() as SqliteCodeClient]
    return work({ session, one, two, connection })
  })
}
const ids = async () => (await folder.run(name, 'SELECT id FROM a ORDER BY id')).map(({ id }) => id)

test('rows, columns, changes and ids, with values by place and by name', () =>
  use({}, async ({ one, session }) => {
    expect(await one.execute('INSERT INTO a (b) VALUES (?), (?)', ['x', 'y'])).toEqual({
      rows: [],
      columns: [],
      changes: 2,
      lastInsertRowid: 2,
    })
    expect(
      await one.execute('UPDATE a SET b = b || $more WHERE b = :b RETURNING id, b', { $more: '!', b: 'x' }),
    ).toMatchObject({
      rows: [{ id: 1, b: 'x!' }],
      columns: ['id', 'b'],
      changes: 1,
    })
    expect(await one.execute('SELECT ?1 AS big, ?2 AS yes, ?1 AS again', [9n, true])).toMatchObject({
      rows: [{ big: 9, yes: 1, again: 9 }],
      changes: 0,
    })
    const refused = await one.execute('INSERT INTO a VALUES (2, NULL)').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY', errno: 19 })
    expect(session.failureOf(new Error('wrapped', { cause: refused }))).toMatchObject({
      failure: { kind: 'statement', sqlstate: '23505' },
      statement: 4,
      kind: 'INSERT',
    })
    expect(session.done).toBe(2)
  }))

test.each([true, false])('transactions that overlap are noticed (in ours: %s)', async (transaction) => {
  await use({ transaction }, async ({ one, two, session, connection }) => {
    await one.execute('BEGIN')
    await one.execute('INSERT INTO a (id) VALUES (1)')
    await two.execute('BEGIN')
    await two.execute('INSERT INTO a (id) VALUES (2)')
    await expect(one.execute('COMMIT')).rejects.toMatchObject({ kind: 'overlapping' })
    await expect(two.execute('SELECT 1')).rejects.toMatchObject({ kind: 'overlapping' })
    await expect(session.finish()).rejects.toMatchObject({ kind: 'overlapping' })
    if (transaction) await connection.pipeline(['ROLLBACK'])
  })
  expect(await ids()).toEqual([])
})

test.each(['BEGIN', 'SAVEPOINT mine'])('what is left open by %s is rolled back, and told', async (begin) => {
  await use({ progress }, async ({ one, session }) => {
    await one.execute('INSERT INTO a (id) VALUES (1)')
    await one.execute(begin)
    await one.execute('INSERT INTO a (id) VALUES (2)')
    await expect(session.finish()).rejects.toMatchObject({ kind: 'left-open' })
    session.close()
    await expect(one.execute('SELECT 1')).rejects.toMatchObject({ kind: 'late' })
    expect(session.done).toBe(1)
  })
  expect(await ids()).toEqual([1])
  expect(await folder.run(name, 'SELECT done FROM count')).toEqual([{ done: 1 }])
})

test('how far it came is in the same transaction as what it did, and what is done is not sent again', async () => {
  const texts = [
    'INSERT INTO a (id) VALUES (1)',
    'BEGIN',
    'INSERT INTO a (id) VALUES (2)',
    'COMMIT',
    'CREATE TABLE made (x)',
  ]
  const prefix = await use({ progress }, async ({ one, session }) => {
    for (const text of texts) await one.execute(text)
    for (const text of [
      'BEGIN',
      'SAVEPOINT s',
      'INSERT INTO a (id) VALUES (3)',
      'ROLLBACK TO s',
      'RELEASE s',
      'ROLLBACK',
    ])
      await one.execute(text)
    await one.execute('INSERT INTO a (id) VALUES (1)').catch(() => {})
    await session.finish()
    expect(session.done).toBe(3)
    return session.prefix
  })
  expect(await folder.run(name, 'SELECT done, prefix FROM count')).toEqual([{ done: 3, prefix }])
  const resume = { done: 3, prefix, mustRun: null }
  await use({ progress, resume }, async ({ one, session }) => {
    for (const text of texts) await one.execute(text)
    const { lastInsertRowid } = await one.execute('INSERT INTO a (id) VALUES (4)')
    expect(lastInsertRowid).toBe(4)
    await session.finish()
    expect(session.done).toBe(4)
  })
  expect(await ids()).toEqual([1, 2, 4])
  // The id of a row that an earlier run inserted is not known any more.
  await use({ progress, resume }, async ({ one }) => {
    const { lastInsertRowid } = await one.execute(texts[0] as string)
    for (const text of texts.slice(1)) await one.execute(text)
    await expect(one.execute('INSERT INTO a (id) VALUES (?)', [lastInsertRowid])).rejects.toMatchObject({
      kind: 'diverged',
    })
  })
  await use({ progress, resume }, async ({ one }) => {
    await one.execute('INSERT INTO a (id) VALUES (9)')
    await one.execute('INSERT INTO a (id) VALUES (10)')
    await expect(one.execute('INSERT INTO a (id) VALUES (11)')).rejects.toMatchObject({ kind: 'diverged' })
  })
})

test('a preview reads, and collects what would be sent', async () => {
  await use({ transaction: true, preview: true }, async ({ one, session, connection }) => {
    await one.execute('PRAGMA foreign_keys = OFF')
    await one.execute('BEGIN')
    await one.execute('DROP TABLE a; CREATE TABLE b (x)')
    expect((await one.execute('SELECT count(*) AS n FROM sqlite_master')).rows).toEqual([{ n: 3 }])
    await one.execute('COMMIT')
    await session.finish()
    expect(session.collected).toEqual(['DROP TABLE a', 'CREATE TABLE b (x)'])
    await connection.pipeline(['ROLLBACK'])
  })
  expect(await ids()).toEqual([])
})
