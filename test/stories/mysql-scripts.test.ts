/** Compiled scripts on MariaDB: as the engine runs them, and with a session of its own for every segment. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compileMigrations } from '../../src/dialects/mysql/compile.ts'
import { countRows } from '../../src/dialects/mysql/count-rows.ts'
import type { Migration } from '../../src/model/migration.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { dumpDatabase } from './mariadb-client.ts'
import { openMysql } from './mysql-connection.ts'
import { makeProject, type Project } from './project.ts'

const folder = 'test/fixtures/mysql-sql'
const names = readdirSync(folder).sort()
const own = ['schema_migrations', 'tenantry_ledger']
const compileOptions = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }

function migration(file: string): Migration {
  const text = readFileSync(`${folder}/${file}`, 'utf8')
  const up = { kind: 'sql' as const, text, file }
  return {
    id: file,
    number: null,
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [],
    up,
    down: null,
    transaction: 'auto',
  }
}

/** The server reads it whole: DELIMITER, which only the client knows, is taken out by hand. */
const forServer = (file: string) =>
  readFileSync(`${folder}/${file}`, 'utf8')
    .replace(/^delimiter.*$/gim, '')
    .replace(/^\/\/$/gm, '')
    .replace(/\$\$$/gm, ';')
    .replace(/;;$/gm, ';')

let project: Project
let expected: MariadbDatabase
let database: MariadbDatabase

withMariadb('scripts on MariaDB', () => {
  beforeEach(async () => {
    expected = await freshMariadb('scripts expected')
    database = await freshMariadb('scripts')
    project = makeProject()
    for (const file of names) await expected.query(forServer(file))
  })
  afterEach(async () => {
    project.remove()
    await expected.drop()
    await database.drop()
  })

  test('`up` makes what the server makes of the files', async () => {
    project.write(
      Object.fromEntries(names.map((file) => [`migrations/${file}`, readFileSync(`${folder}/${file}`, 'utf8')])),
    )
    project.configure({
      servers: { main: { url: database.server.url() } },
      tenants: [{ slug: 'a', topology: 'database', server: 'main', database: database.name }],
    })
    const report = await project.up()
    expect(report.targets.map(({ result, error }) => [result, error])).toEqual([['applied', null]])
    expect(dumpDatabase(database, own)).toBe(dumpDatabase(expected))
  })

  test('a session of its own for every segment: what is carried on is enough', async () => {
    for (const file of names) {
      const script = await compileMigrations([], compileOptions).up(migration(file))
      expect(script.problems).toEqual([])
      for (const { kind, settings, statements } of script.segments) {
        const connection = await openMysql(database.server, database.name)
        const texts = [...settings, ...statements].map((statement) => statement.text(null))
        const wrapped = kind === 'transaction' ? ['START TRANSACTION', ...texts, 'COMMIT'] : texts
        for (const text of wrapped) await connection.query(text)
        await connection.close()
      }
    }
    expect(dumpDatabase(database)).toBe(dumpDatabase(expected))
  })

  test('rows that an undo would take away are counted', async () => {
    const connection = await openMysql(database.server, expected.name)
    const step = { schema: null, column: null, statement: 1 }
    const counts = await countRows(connection, null, [
      { ...step, kind: 'drop-table', object: 'orders' },
      { ...step, kind: 'drop-table', object: 'missing' },
      { ...step, kind: 'drop-table', object: 'open_orders' },
      { ...step, kind: 'drop-column', object: 'audit_log', column: 'who' },
      { ...step, kind: 'drop-column', object: 'audit_log', column: 'what' },
      { ...step, kind: 'drop-column', object: 'audit_log', column: 'missing' },
      { ...step, kind: 'truncate', object: 'visits', schema: expected.name },
      { ...step, kind: 'drop-other', object: 'open_orders' },
      { ...step, kind: 'drop-other', object: 'numbers' },
      { ...step, kind: 'drop-schema', object: 'no_such_database' },
      { ...step, kind: 'delete', object: 'orders' },
      { ...step, kind: 'change-type', object: 'orders', column: 'amount' },
    ])
    await connection.close()
    expect(counts).toEqual([4, 0, 0, 0, 6, 0, 2, 0, 0, 0, null, null])
  })

  test('what may not be read is not counted as nothing', async () => {
    await expected.query(`CREATE USER 'reader_${expected.name}'@'%' IDENTIFIED BY 'x'`)
    await expected.query(`GRANT SELECT ON ${expected.name}.visits TO 'reader_${expected.name}'@'%'`)
    await expected.query(`GRANT INSERT ON ${expected.name}.orders TO 'reader_${expected.name}'@'%'`)
    const { host, port } = expected.server
    const connection = await openMysql({ host, port, user: `reader_${expected.name}`, password: 'x' }, expected.name)
    const step = { schema: null, column: null, statement: 1, kind: 'drop-table' as const }
    const counts = await countRows(connection, null, [
      { ...step, object: 'visits' },
      { ...step, object: 'orders' },
      { ...step, kind: 'drop-schema', object: expected.name },
    ])
    await connection.close()
    await expected.query(`DROP USER 'reader_${expected.name}'@'%'`)
    expect(counts).toEqual([2, null, null])
  })
})
