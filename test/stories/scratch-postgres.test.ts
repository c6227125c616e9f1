import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { connect } from '../../src/dialects/postgres/connection.ts'
import { scratch } from '../../src/dialects/postgres/scratch.ts'
import { Secret } from '../../src/model/secret.ts'
import { freshDatabase } from '../servers/shared.ts'

test('databases and schemas for trying things out are made, listed and removed, whoever is in them', async () => {
  const database = await freshDatabase('scratch')
  const { hostname, port, username, password } = new URL(database.url)
  const open = (name: string) =>
    connect(
      {
        name: 'main',
        dialect: 'postgres',
        host: hostname,
        port: Number(port),
        user: username,
        password: new Secret(decodeURIComponent(password)),
        tls: null,
        maxConcurrency: 1,
        maxConcurrencyPerDatabase: 1,
      },
      name,
      { applicationName: 'tenantry-test', connectTimeoutMs: 10_000 },
    )
  const connection = await open(scratch.home)
  // No wildcard of LIKE may match anything else.
  const prefix = `try"${randomBytes(4).toString('hex')}_%`
  const [first, second, other] = [`${prefix}1`, `${prefix}2`, prefix.replace('_', 'x')] as const
  for (const name of [second, first, other]) await scratch.createDatabase(connection, name)
  expect(await scratch.listDatabases(connection, prefix)).toEqual([first, second])

  expect(await scratch.isInUse(connection, first)).toBe(false)
  const inside = await open(first)
  expect(await scratch.isInUse(connection, first)).toBe(true)
  await scratch.createSchema(inside, `we"ird`)
  await inside.run('CREATE TABLE "we""ird".x (id int)')
  await scratch.dropSchema(inside, `we"ird`)
  await scratch.dropSchema(inside, `we"ird`)
  expect(await inside.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'we%'")).toEqual([])

  for (const name of [first, second, other]) await scratch.dropDatabase(connection, name)
  await scratch.dropDatabase(connection, first)
  expect(await scratch.listDatabases(connection, prefix)).toEqual([])
  await expect(inside.query('SELECT 1')).rejects.toThrow()
  await inside.close().catch(() => undefined)
  await connection.close()
  await database.drop()
})
