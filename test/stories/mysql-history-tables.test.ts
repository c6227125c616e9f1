/** History tables that we make on MariaDB are what the tools themselves make. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import makeKnex from 'knex'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { createTablesSql } from '../../src/engine/history-sql.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import type { HistoryKind } from '../../src/model/history.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'

withMariadb('history tables', () => {
  let native: MariadbDatabase
  let ours: MariadbDatabase
  beforeEach(async () => {
    ;[native, ours] = await Promise.all([freshMariadb('native'), freshMariadb('ours')])
  })
  afterEach(() => Promise.all([native.drop(), ours.drop()]))

  async function makeOurs(kind: HistoryKind): Promise<void> {
    const shape = historyShape(kind)
    const snapshot = { columns: null, entries: [], hasLedger: true, ledger: [] }
    const place = { shape, schema: ours.name, table: shape.defaultTable }
    for (const sql of createTablesSql(mysql, place, snapshot)) await ours.query(sql)
  }

  async function describeTable(database: MariadbDatabase, table: string): Promise<unknown> {
    const [row] = await database.query(`SHOW CREATE TABLE \`${table}\``)
    // How often a number was drawn says nothing about the table.
    return String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '')
  }

  test('of Knex, with its lock', async () => {
    const knex = makeKnex({ client: 'mysql2', connection: native.url })
    const none = { getMigrations: async () => [], getMigrationName: () => '', getMigration: async () => ({}) }
    await knex.migrate.latest({ migrationSource: none as never }).finally(() => knex.destroy())
    await makeOurs('knex')
    for (const sql of mysql.phrases.takeNativeLock(ours.name, 'knex_migrations_lock', {
      key: 'index',
      column: 'is_locked',
    })) {
      await ours.query(sql)
    }
    expect(await describeTable(ours, 'knex_migrations')).toBe(await describeTable(native, 'knex_migrations'))
    expect(await describeTable(ours, 'knex_migrations_lock')).toBe(await describeTable(native, 'knex_migrations_lock'))
  })

  test('of sequelize-cli', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tenantry-sequelize-'))
    try {
      mkdirSync(join(dir, 'migrations'))
      const cli = createRequire(import.meta.url).resolve('sequelize-cli/lib/sequelize')
      execFileSync(
        process.execPath,
        [cli, 'db:migrate', '--url', native.url, '--migrations-path', join(dir, 'migrations')],
        {
          cwd: dir,
          stdio: 'pipe',
        },
      )
    } finally {
      rmSync(dir, { recursive: true })
    }
    await makeOurs('sequelize')
    expect(await describeTable(ours, 'SequelizeMeta')).toBe(await describeTable(native, 'SequelizeMeta'))
  })
})
