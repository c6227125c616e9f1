import { describe, expect, it } from 'vitest'
import { createTablesSql } from '../../src/engine/history-sql.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import type { Connection, HistoryRequest } from '../../src/model/dialect.ts'
import type { HistoryKind } from '../../src/model/history.ts'
import { type DialectSample, useSessions } from './dialect.ts'

const nothing = { columns: null, entries: [], hasLedger: false, ledger: [] }

export function describeHistories(sample: DialectSample): void {
  const { dialect } = sample

  describe('histories', () => {
    const sessions = useSessions(sample)

    const request = (kind: HistoryKind, more: Partial<HistoryRequest> = {}): HistoryRequest => ({
      shape: historyShape(kind),
      table: historyShape(kind).defaultTable,
      schema: null,
      targets: [null],
      ledger: true,
      requiredTables: [],
      lockTimeoutMs: 2000,
      ...more,
    })

    async function read(connection: Connection, kind: HistoryKind, more: Partial<HistoryRequest> = {}) {
      const reading = await dialect.readHistories(connection, request(kind, more))
      return { reading, snapshot: reading.snapshots[reading.of[0] ?? -1] }
    }

    async function make(connection: Connection, kind: HistoryKind): Promise<void> {
      const shape = historyShape(kind)
      const place = { shape, schema: sessions.database.schema, table: shape.defaultTable }
      const { failure } = await connection.pipeline(createTablesSql(dialect, place, nothing))
      expect(failure).toBeNull()
    }

    it('say that there is none', async () => {
      const connection = await sessions.open()
      const { reading, snapshot } = await read(connection, 'knex', { requiredTables: ['here', 'not_here'] })
      expect(snapshot).toEqual(nothing)
      expect(reading.defaultSchema).toBe(sessions.database.schema)
      expect([...reading.missingTables]).toEqual([[0, ['here', 'not_here']]])
      await sessions.database.query('CREATE TABLE here (a int)')
      const again = await read(connection, 'knex', { requiredTables: ['here', 'not_here'] })
      expect([...again.reading.missingTables]).toEqual([[0, ['not_here']]])
      expect([...(await read(connection, 'knex', { requiredTables: ['here'] })).reading.missingTables]).toEqual([])
    })

    it.each(['schema_migrations', 'prisma', 'knex', 'sequelize'] as const)('are made and read: %s', async (kind) => {
      const connection = await sessions.open()
      await make(connection, kind)
      const { snapshot } = await read(connection, kind)
      expect(snapshot).toMatchObject({ entries: [], hasLedger: true, ledger: [] })
      expect(snapshot?.columns?.map(({ name }) => name)).toEqual(historyShape(kind).columns.map(({ name }) => name))
    })

    it('keep order, batches and keys as they are', async () => {
      const connection = await sessions.open()
      await make(connection, 'knex')
      const table = dialect.quoteIdentifier('knex_migrations')
      for (const [id, name, batch] of [
        [10, "b\\'s.js", 2],
        [9, 'z.js', 1],
        [11, 'Ä😀.js', 'NULL'],
      ] as const) {
        await connection.query(
          `INSERT INTO ${table} (id, name, batch) VALUES (${id}, ${dialect.quoteLiteral(name)}, ${batch})`,
        )
      }
      const { snapshot } = await read(connection, 'knex')
      expect(snapshot?.entries).toEqual([
        { key: 'z.js', checksum: null, state: 'applied', batch: 1 },
        { key: "b\\'s.js", checksum: null, state: 'applied', batch: 2 },
        { key: 'Ä😀.js', checksum: null, state: 'applied' },
      ])
      expect(Object.isFrozen(snapshot)).toBe(true)
    })

    it('are read from a table with other columns than ours', async () => {
      await sessions.database.query(
        'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, note varchar(20) NOT NULL, done_by varchar(20) DEFAULT NULL)',
      )
      await sessions.database.query("INSERT INTO schema_migrations VALUES (20250102, 'b', NULL), (9, 'a', 'x')")
      const { snapshot } = await read(await sessions.open(), 'schema_migrations')
      expect(snapshot?.entries.map(({ key }) => key)).toEqual(['9', '20250102'])
      expect(snapshot?.columns).toMatchObject([
        { name: 'version', type: 'integer', notNull: true },
        { name: 'note', type: 'other', notNull: true, hasDefault: false },
        { name: 'done_by', type: 'other', notNull: false },
      ])
      expect(snapshot?.hasLedger).toBe(false)
    })

    it('tell a failed row from an applied one, with what the tool noted, and leave out what was rolled back', async () => {
      const connection = await sessions.open()
      await make(connection, 'prisma')
      const table = dialect.quoteIdentifier('_prisma_migrations')
      const row = (id: number, finished: string, logs: string, rolledBack: string) =>
        `INSERT INTO ${table} (id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at) VALUES ('${id}', 'c${id}', ${finished}, 'm${id}', ${logs}, ${rolledBack}, '2025-01-0${id} 00:00:00')`
      await connection.query(row(3, 'NULL', "'it broke'", 'NULL'))
      await connection.query(row(1, "'2025-01-01 00:00:00'", 'NULL', 'NULL'))
      await connection.query(row(2, 'NULL', "'x'", "'2025-01-01 00:00:00'"))
      const { snapshot } = await read(connection, 'prisma')
      expect(snapshot?.entries).toEqual([
        { key: 'm1', checksum: 'c1', state: 'applied' },
        { key: 'm3', checksum: 'c3', state: 'failed', logs: 'it broke' },
      ])
    })

    it("bring the ledger's rows of this history only", async () => {
      const connection = await sessions.open()
      await make(connection, 'knex')
      for (const [history, migration, state] of [
        ['knex_migrations', 'b', 'running'],
        ['knex_migrations', 'a', 'applied'],
        ['other', 'c', 'applied'],
      ]) {
        await connection.query(
          `INSERT INTO tenantry_ledger VALUES ('${history}', '${migration}', 'sum', '${state}', 2, 5, 'prefix', 'r_1', 10, 'me', ${dialect.phrases.now})`,
        )
      }
      const { snapshot } = await read(connection, 'knex')
      const common = { checksum: 'sum', statementsDone: 2, statementsTotal: 5, prefix: 'prefix', rollout: 'r_1' }
      expect(snapshot?.ledger).toEqual([
        { migration: 'a', state: 'applied', ...common },
        { migration: 'b', state: 'running', ...common },
      ])
    })

    it('that cannot be read are a failure of their target, and the session goes on', async () => {
      await sessions.database.query('CREATE TABLE knex_migrations (a int)')
      const connection = await sessions.open()
      const { reading } = await read(connection, 'knex')
      expect(reading.of[0]).toBe(-1)
      expect(reading.failures.get(0)?.message).toMatch(/history.* has no column name/)
      expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    })
  })
}
