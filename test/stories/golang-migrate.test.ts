/**
 * A history of golang-migrate: its one row, dirty or not, as `database/postgres`, `mysql` and `sqlite3` of version 4 write
 * it, on each kind of server.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BaselineOptions, DownOptions, FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { statements } from './native-parity.ts'
import { makePair, type NativePair, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const table: Record<PlaceKind, string> = {
  postgres: 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)',
  schema: 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)',
  mariadb: 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)',
  sqlite: 'CREATE TABLE schema_migrations (version uint64,dirty bool)',
}

const ids = ['1_customers', '2_index', '10_own_history', '11_orders']

function filesOf(kind: PlaceKind): Record<string, string> {
  const { concurrently, onTable, grant } = statements[kind]
  return {
    'migrations/1_customers.up.sql': 'CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);',
    'migrations/1_customers.down.sql': 'DROP TABLE customers;',
    'migrations/2_index.up.sql': `CREATE INDEX ${concurrently} customers_name ON customers (name);`,
    'migrations/2_index.down.sql': `DROP INDEX ${concurrently} customers_name ${onTable};`,
    'migrations/10_own_history.up.sql': `CREATE TABLE seen (version bigint NOT NULL);
INSERT INTO seen SELECT max(version) FROM schema_migrations;
ALTER TABLE schema_migrations ADD COLUMN note varchar(20);
${grant('schema_migrations')}`,
    'migrations/10_own_history.down.sql': 'ALTER TABLE schema_migrations DROP COLUMN note;\nDROP TABLE seen;',
    'migrations/11_orders.up.sql':
      'CREATE TABLE orders (id int PRIMARY KEY);\nCREATE TABLE items (id int PRIMARY KEY);',
    'migrations/11_orders.down.sql': 'DROP TABLE items;\nDROP TABLE orders;',
  }
}

function describeMark(kind: PlaceKind): void {
  describe(`golang-migrate, ${kind}`, () => {
    let project: Project
    let pair: NativePair
    beforeEach(async () => {
      project = makeProject()
      pair = await makePair(kind)
      project.write(filesOf(kind))
      project.configure({ migrations: { dir: './migrations', format: 'golang-migrate' }, ...pair.config })
    })
    afterEach(async () => {
      project.remove()
      await pair.drop()
    })
    const query = (sql: string) => pair.ours.query(sql)
    const mark = async () =>
      (await query('SELECT version, dirty FROM schema_migrations')).map(
        ({ version, dirty }) => `${version}${[true, 1].includes(dirty as number) ? ' dirty' : ''}`,
      )
    /** As its `SetVersion` does. */
    const setVersion = async (version: number, dirty = false) => {
      await query('DELETE FROM schema_migrations')
      await query(`INSERT INTO schema_migrations (version, dirty) VALUES (${version}, ${dirty})`)
    }
    const ours = (report: FleetReport) => resultOf(report, 'ours')
    const up = async (to?: string) => ours(await project.use((tenantry) => tenantry.up(to === undefined ? {} : { to })))
    const down = async (options: DownOptions) =>
      ours(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })))
    const baseline = async (options: BaselineOptions) =>
      ours(await project.use((tenantry) => tenantry.baseline(options)))

    test('one row goes along with what is applied and undone', async () => {
      expect((await up('2_index')).applied).toEqual(ids.slice(0, 2))
      expect(await mark()).toEqual(['2'])
      expect(await up()).toMatchObject({ error: null, applied: ids.slice(2) })
      expect(await mark()).toEqual(['11'])
      // Where a migration is one transaction its row comes at its end; else the tool must see it as dirty meanwhile.
      const seen = kind === 'mariadb' ? 10 : 2
      expect((await query('SELECT version FROM seen')).map((row) => Number(row.version))).toEqual([seen])
      expect((await up()).result).toBe('up-to-date')
      expect(await down({ steps: 2 })).toMatchObject({ error: null, undone: ['11_orders', '10_own_history'] })
      expect(await mark()).toEqual(['2'])
      expect(await down({ to: '1_customers' })).toMatchObject({ error: null, undone: ['2_index'] })
      expect(await mark()).toEqual(['1'])
      expect((await down({ migration: '1_customers' })).undone).toEqual(['1_customers'])
      expect(await mark()).toEqual([])
      expect((await up()).applied).toEqual(ids)
      expect((await down({ migration: '2_index' })).error).toMatchObject({ code: 'OUT_OF_ORDER' })
      expect(await mark()).toEqual(['11'])
    })

    test('goes on from the mark, lets the tool go on, and refuses what comes late', async () => {
      await query(table[kind])
      await query('CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL)')
      await setVersion(1)
      expect((await up('2_index')).applied).toEqual(['2_index'])
      // The tool applies the next one.
      await query('CREATE TABLE seen (version bigint NOT NULL)')
      await setVersion(10)
      expect((await up()).applied).toEqual(['11_orders'])
      project.write({ 'migrations/3_late.up.sql': 'CREATE TABLE late (id int);' })
      const late = await up()
      expect(late.error).toMatchObject({ code: 'OUT_OF_ORDER', message: expect.stringContaining('3_late') })
      expect(await mark()).toEqual(['11'])
      // It is there all the same: recorded, and the mark stays.
      expect((await baseline({ migration: '3_late' })).error).toMatchObject({ code: 'BASELINE_UNPROVEN' })
      await query('CREATE TABLE late (id int)')
      expect((await baseline({ migration: '3_late' })).applied).toEqual(['3_late'])
      expect(await mark()).toEqual(['11'])
      expect((await up()).result).toBe('up-to-date')
    })

    test('a dirty row is explained, and resolved after a look at what is there', async () => {
      await up('10_own_history')
      await setVersion(11, true)
      await query('CREATE TABLE orders (id int PRIMARY KEY)')
      expect(ours(await project.use((tenantry) => tenantry.status())).failed).toEqual(['11_orders'])
      expect((await up()).error).toMatchObject({
        code: 'MIGRATION_HALF_APPLIED',
        message: expect.stringContaining('dirty at 11_orders'),
        hint: expect.stringContaining('baseline --rolled-back 11_orders'),
      })
      // Half of it is there: neither answer is true.
      expect((await baseline({ migration: '11_orders' })).error?.code).toBe('BASELINE_UNPROVEN')
      expect((await baseline({ rolledBack: '11_orders' })).error?.code).toBe('BASELINE_UNPROVEN')
      expect(await mark()).toEqual(['11 dirty'])
      await query('DROP TABLE orders')
      expect(await baseline({ rolledBack: '11_orders' })).toMatchObject({ error: null, undone: ['11_orders'] })
      expect(await mark()).toEqual(['10'])
      // A down from it that failed leaves the row at the one before.
      await up()
      await query('DROP TABLE items')
      await setVersion(10, true)
      expect((await baseline({ migration: '10_own_history' })).error?.message).toContain('11_orders')
      await query('DROP TABLE orders')
      expect(await baseline({ migration: '10_own_history' })).toMatchObject({ error: null })
      expect(await mark()).toEqual(['10'])
      expect(await up()).toMatchObject({ error: null, applied: ['11_orders'] })
      // All of it is there.
      await setVersion(11, true)
      expect(await baseline({ migration: '11_orders' })).toMatchObject({ error: null, applied: ['11_orders'] })
      expect(await mark()).toEqual(['11'])
    })

    test('what stops half-way is dirty for the tool, and goes on where it stopped', async () => {
      await up('1_customers')
      const file = 'migrations/2_index.up.sql'
      project.write({
        [file]: `-- tenantry:no-transaction\nCREATE TABLE half (id int);\nCREATE TABLE customers (id int);`,
      })
      expect((await up('2_index')).error).not.toBeNull()
      expect(await mark()).toEqual(['2 dirty'])
      project.write({ [file]: `-- tenantry:no-transaction\nCREATE TABLE half (id int);\nCREATE TABLE whole (id int);` })
      expect(await up('2_index')).toMatchObject({ error: null, applied: ['2_index'] })
      expect(await mark()).toEqual(['2'])
    })

    test('everything pending in one transaction', async () => {
      const migrations = { dir: './migrations', format: 'golang-migrate', transaction: 'target' }
      project.configure({ migrations, ...pair.config })
      for (const name of ['1_customers.up', '2_index.up', '2_index.down'])
        project.write({ [`migrations/${name}.sql`]: `CREATE TABLE t_${name.replaceAll(/\W/g, '_')} (id int);` })
      expect(await up('2_index')).toMatchObject({ error: null, applied: ids.slice(0, 2) })
      expect(await mark()).toEqual(['2'])
    })

    test('plain SQL keeps off this table, and a gap is not marked', async () => {
      await query(table[kind])
      await setVersion(2)
      project.configure({ migrations: { dir: './migrations', format: 'sql' }, ...pair.config })
      expect((await up()).error).toMatchObject({
        code: 'HISTORY_UNUSABLE',
        hint: expect.stringContaining("'golang-migrate'"),
      })
      project.configure({ migrations: { dir: './migrations', format: 'golang-migrate' }, ...pair.config })
      expect((await baseline({ migration: '11_orders', force: true })).error?.code).toBe('USAGE')
      rmSync(join(project.dir, 'migrations/2_index.up.sql'))
      rmSync(join(project.dir, 'migrations/2_index.down.sql'))
      expect(ours(await project.use((tenantry) => tenantry.status())).missing).toEqual(['2'])
    })
  })
}

describeMark('postgres')
describeMark('schema')
describeMark('sqlite')
withMariadb('MariaDB', () => describeMark('mariadb'))
