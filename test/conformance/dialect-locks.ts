import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createTablesSql } from '../../src/engine/history-sql.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import type { TransactionMark } from '../../src/model/phrases.ts'
import { type DialectSample, unlessSkipped, useSessions } from './dialect.ts'

const settings = {
  schema: null,
  sharedSchema: 'public',
  lockTimeoutMs: 2000,
  statementTimeoutMs: 0,
  idleInTransactionTimeoutMs: 60_000,
  session: [],
}
const mark = (lockKey: string | null): TransactionMark => ({ lockKey, token: 'one' })
const nothing = { columns: null, entries: [], hasLedger: false, ledger: [] }

export function describeLocks(sample: DialectSample): void {
  const { dialect } = sample
  const { phrases } = dialect

  describe('locks', () => {
    const sessions = useSessions(sample)
    const another = () => sessions.open()

    it('keep a second session out, name who holds them, and can be given back', async () => {
      const [one, two] = [await sessions.open(), await sessions.open()]
      const lock = await dialect.lockTarget(one, 'a', another)
      expect(lock).not.toBeNull()
      expect(await dialect.lockTarget(two, 'a', another)).toBeNull()
      expect(await two.pipeline(phrases.begin(settings, mark('a'), two.version))).toMatchObject({
        failure: { kind: 'locked' },
      })
      expect(await dialect.lockHolder(two, 'a')).toMatchObject({ sessionId: one.sessionId })
      expect(await dialect.lockHolder(two, 'b')).toBeNull()
      expect(await dialect.lockTarget(two, 'b', another)).not.toBeNull()
      await lock?.release()
      expect(await dialect.lockTarget(two, 'a', another)).not.toBeNull()
    })

    unlessSkipped(sample)('are freed when the session dies', async () => {
      const [one, two] = [await sessions.open(), await sessions.open()]
      await dialect.lockTarget(one, 'a', another)
      await sessions.database.query(sample.kill(one.sessionId ?? 0))
      let lock = null
      for (let tries = 0; lock === null && tries < 50; tries++) {
        lock = await dialect.lockTarget(two, 'a', another)
        if (lock === null) await sleep(50)
      }
      expect(lock).not.toBeNull()
    })

    it('of one database do not hold up another', async () => {
      const elsewhere = await sample.fresh()
      const [one, two] = [await sessions.open(), await sessions.open({}, elsewhere.name)]
      expect(await dialect.lockTarget(one, 'a', another)).not.toBeNull()
      expect(await dialect.lockTarget(two, 'a', another)).not.toBeNull()
      await two.close()
      await elsewhere.drop()
    })

    it('taken with a transaction are freed by its reset', async () => {
      const [one, two] = [await sessions.open(), await sessions.open()]
      const begin = phrases.begin(settings, mark('a'), one.version)
      expect(await one.pipeline([...begin, phrases.commit, ...begin, phrases.commit])).toMatchObject({ failure: null })
      expect(await one.pipeline(phrases.reset)).toMatchObject({ failure: null })
      expect(await dialect.lockTarget(two, 'a', another)).not.toBeNull()
    })

    unlessSkipped(sample)('that a row waits for are traced to who holds it', async () => {
      await sessions.database.query('CREATE TABLE t (a int PRIMARY KEY)')
      await sessions.database.query('INSERT INTO t VALUES (1)')
      const [holder, waiter, side] = [await sessions.open(), await sessions.open(), await sessions.open()]
      await holder.run('BEGIN; UPDATE t SET a = 2')
      const work = waiter.pipeline(['BEGIN', 'UPDATE t SET a = 3', 'ROLLBACK'])
      let found: readonly unknown[] = []
      const until = Date.now() + 15_000
      while (found.length === 0 && Date.now() < until) {
        await sleep(50)
        found = await dialect.blockers(side, waiter.sessionId ?? 0)
      }
      expect(found).toEqual([
        expect.objectContaining({ sessionId: holder.sessionId, since: expect.stringMatching(/^\d{4}-.*T.*Z$/) }),
      ])
      const [first] = found as { since: string }[]
      expect(Math.abs(Date.now() - Date.parse(first?.since ?? ''))).toBeLessThan(60_000)
      await holder.run('ROLLBACK')
      expect(await work).toMatchObject({ failure: null })
    })
  })

  describe('phrases', () => {
    const sessions = useSessions(sample)
    const shape = historyShape('knex')
    const place = () => ({ shape, schema: sessions.database.schema, table: 'odd`na"me\'s' })

    it('refuse a history that changed', async () => {
      const connection = await sessions.open()
      const name = dialect.quoteIdentifier(place().table)
      await connection.pipeline(createTablesSql(dialect, place(), nothing))
      await connection.query(
        `INSERT INTO ${name} (name, batch) VALUES (${dialect.quoteLiteral("a\\b'c😀".slice(0, 5))}, 1)`,
      )
      await connection.query(
        `INSERT INTO tenantry_ledger VALUES (${dialect.quoteLiteral(place().table)}, 'half', 'c', 'running', 1, 2, 'p', 'r', 0, 'me', ${phrases.now})`,
      )
      const guard = async (expect: 'absent' | 'present', keys: string[], notHalfDone: string[] = []) => {
        const text = phrases.guard({ expect, history: { ...place(), keys }, notHalfDone })
        const begin = phrases.begin(settings, mark(null), connection.version)
        const { failure } = await connection.pipeline([...begin, text, phrases.commit])
        return failure?.kind ?? null
      }
      const key = "a\\b'c"
      expect(await guard('absent', ['x', key])).toBe('already-applied')
      expect(await guard('absent', ['x', 'y'])).toBeNull()
      // Whatever a collation takes for equal.
      expect(await guard('absent', [key.toUpperCase()])).toBeNull()
      expect(await guard('present', ['x', key])).toBeNull()
      expect(await guard('present', ['x'])).toBe('already-applied')
      expect(await guard('absent', ['x'], ['half'])).toBe('already-applied')
      expect(await guard('absent', ['x'], ['other'])).toBeNull()
    })

    it('notice that our transaction has ended', async () => {
      const connection = await sessions.open()
      const own = mark(null)
      const begin = phrases.begin(settings, own, connection.version)
      const value = `SELECT ${phrases.checked(own, 5)} AS v`
      expect(await connection.pipeline([...begin, value, phrases.commit])).toMatchObject({ failure: null })
      expect(await connection.pipeline([...begin, 'COMMIT', value])).toMatchObject({
        done: begin.length + 1,
        failure: { kind: 'left-transaction' },
      })
    })

    it("take the tool's lock row, make it where it is missing, and leave it to the tool where that has it", async () => {
      const connection = await sessions.open()
      const lock = { key: 'index', column: 'is_locked' }
      const { schema } = sessions.database
      const take = () => connection.pipeline(phrases.takeNativeLock(schema, 'k_lock', lock))
      const read = () => dialect.readNativeLock(connection, null, 'k_lock', lock)
      expect(await read()).toBeNull()
      expect(await take()).toMatchObject({ failure: null })
      expect(await read()).toMatchObject({ held: 'own' })
      expect(await take()).toMatchObject({ failure: null })
      expect(await connection.pipeline(phrases.releaseNativeLock(schema, 'k_lock', lock))).toMatchObject({
        failure: null,
      })
      expect(await read()).toEqual({ held: 'free', since: null })
      await connection.query('UPDATE k_lock SET is_locked = 1')
      expect(await take()).toMatchObject({ failure: { kind: 'native-locked' } })
      expect(await read()).toMatchObject({ held: 'tool' })
      expect(await connection.pipeline(phrases.releaseNativeLock(schema, 'k_lock', lock))).toMatchObject({
        failure: null,
      })
      expect(await read()).toMatchObject({ held: 'tool' })
      expect(await connection.query('SELECT is_locked FROM k_lock')).toEqual([{ is_locked: 1 }])
    })

    it('tell how long a transaction has run', async () => {
      const connection = await sessions.open()
      await connection.pipeline(phrases.begin(settings, mark(null), connection.version))
      await sleep(120)
      const [row] = await connection.query(`SELECT ${phrases.elapsedMs} AS ms`)
      expect(Number(row?.ms)).toBeGreaterThanOrEqual(100)
      expect(Number(row?.ms)).toBeLessThan(10_000)
      const [id] = await connection.query(`SELECT ${phrases.uuid} AS id`)
      expect(String(id?.id)).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
    })
  })
}
