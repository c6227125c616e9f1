import { expect, test } from 'vitest'
import { needs } from './need.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { freshDatabase } from './shared.ts'

needs('pgbouncer')('PgBouncer', () => {
  test('stands in front of every database, in transaction mode', async () => {
    const database = await freshDatabase('bouncer')
    const pooler = await startPgBouncer(database.server)
    try {
      expect(await pooler.query('select current_database() as name', database.name)).toEqual([{ name: database.name }])
      const pools = await pooler.query('show pools', 'pgbouncer')
      expect(pools.find((pool) => pool.database === database.name)).toMatchObject({ pool_mode: 'transaction' })
    } finally {
      await pooler.stop()
    }
    await expect(pooler.query('select 1', database.name)).rejects.toThrow(/ECONNREFUSED/)
    await database.drop()
  })
})
