import { expect, test } from 'vitest'
import { killLoop } from '../../scripts/lib/kill-loop.mjs'
import { freshDatabase } from '../servers/shared.ts'

test('a runner that is killed at thirty random moments loses nothing and repeats nothing', {
  timeout: 240_000,
}, async () => {
  const database = await freshDatabase('kill')
  const { url, name, query } = database
  const { kills, migrations, wrong } = await killLoop({ url, database: name, query: (sql) => query(sql), kills: 30 })
  expect(wrong).toEqual([])
  expect(kills).toBe(30)
  expect(migrations).toBeGreaterThan(35)
  await database.drop()
})
