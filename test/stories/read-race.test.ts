import { expect, test } from 'vitest'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import { freshDatabase } from '../servers/shared.ts'
import { createSchemas } from './project.ts'

test('what another run does between two questions is believed of the one target it was done to', async () => {
  const tenants = 60
  const database = await freshDatabase('read race')
  await database.query(createSchemas(tenants))
  for (let i = 1; i <= tenants; i++) {
    await database.query(
      `CREATE TABLE t_${i}.schema_migrations (version text); INSERT INTO t_${i}.schema_migrations VALUES ('001_a')`,
    )
  }
  const { host, port, user, password } = database.server
  const limits = { maxConcurrency: 2, maxConcurrencyPerDatabase: 2 }
  const server = {
    name: 'main',
    dialect: 'postgres' as const,
    host,
    port,
    user,
    password: new Secret(password),
    tls: null,
    ...limits,
  }
  const connection = await postgres.connect(server, database.name, { connectTimeoutMs: 5000, applicationName: 'race' })
  // Before each question but the first, the next two targets move on, and one goes away.
  let questions = 0
  const overtaken: Connection = Object.create(connection, {
    run: {
      value: async (text: string) => {
        const [a, b] = [questions * 2 - 1, questions * 2]
        if (questions > 0) {
          await database.query(
            `INSERT INTO t_${a}.schema_migrations VALUES ('002_b'); INSERT INTO t_${b}.schema_migrations VALUES ('002_b')`,
          )
        }
        if (questions === 1) await database.query('DROP SCHEMA t_1 CASCADE')
        questions++
        return connection.run(text)
      },
    },
    server: { value: connection.server },
    // Private to the real one.
    answeredBy: { value: () => {} },
  })
  const reading = await postgres.readHistories(overtaken, {
    shape: historyShape('schema_migrations'),
    table: 'schema_migrations',
    schema: null,
    targets: Array.from({ length: tenants }, (_, i) => `t_${i + 1}`),
    ledger: false,
    requiredTables: [],
    lockTimeoutMs: 1000,
  })
  const keys = [...reading.of].map((at) => reading.snapshots[at]?.entries.map(({ key }) => key).join(' ') ?? 'missing')
  expect(keys[0]).toBe('missing')
  expect(keys.slice(20)).toEqual(Array(tenants - 20).fill('001_a'))
  for (const seen of keys.slice(1, 20)) expect(['001_a', '001_a 002_b']).toContain(seen)
  await connection.close()
  await database.drop()
})
