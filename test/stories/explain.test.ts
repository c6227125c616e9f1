/** `explain`: what happened to a tenant, what is in the way, and what could follow. */
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

interface Database {
  name: string
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

const formats: Record<string, { good: Record<string, string>; next: Record<string, string> }> = {
  SQL: {
    good: { 'migrations/001_users.sql': 'CREATE TABLE users (id INT);\n' },
    next: {
      'migrations/002_orders.sql':
        'CREATE TABLE first (id INT);\nCREATE TABLE orders (id INT);\nCREATE TABLE last (id INT);\n',
    },
  },
  Knex: {
    good: {
      'migrations/001_users.js': `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.integer('id') })
exports.down = (knex) => knex.schema.dropTable('users')`,
    },
    next: {
      'migrations/002_orders.js': `exports.up = async (knex) => {
  await knex.schema.createTable('first', (t) => { t.integer('id') })
  await knex.schema.createTable('orders', (t) => { t.integer('id') })
  await knex.schema.createTable('last', (t) => { t.integer('id') })
}
exports.down = (knex) => knex.schema.dropTable('last').dropTable('orders').dropTable('first')`,
    },
  },
}

function stories(make: () => Promise<Database>, url: () => string, transactional: boolean): void {
  let database: Database
  let project: Project
  beforeEach(async () => {
    database = await make()
    project = makeProject()
    symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
    project.configure({
      servers: { main: { url: url() } },
      tenants: [{ slug: 'acme', topology: 'database', database: database.name }],
    })
  })
  afterEach(async () => {
    project?.remove()
    await database?.drop()
  })
  const explain = async () => (await project.use((tenantry) => tenantry.explain('acme'))).targets[0]
  const commands = (target: Awaited<ReturnType<typeof explain>>) => target?.next.map(({ command }) => command) ?? []

  describe.each(Object.entries(formats))('%s', (_, { good, next }) => {
    test('all is well, and what is pending', async () => {
      project.write(good)
      await project.up()
      expect(await explain()).toMatchObject({ healthy: true, pending: [], inTheWay: null, probe: null, next: [] })
      project.write(next)
      const target = await explain()
      expect(target).toMatchObject({ pending: ['002_orders'], inTheWay: null })
      expect(commands(target)).toEqual(['tenantry plan acme --verbose', 'tenantry up acme'])
    })

    test.each([
      ['equal', 'CREATE TABLE orders (id INT)'],
      ['different', 'CREATE TABLE orders (id INT, note VARCHAR(10))'],
    ])('an object that is in the way and is %s', async (verdict, sql) => {
      project.write({ ...good, ...next })
      await database.query(sql)
      await project.up()
      const target = await explain()
      expect(target).toMatchObject({
        applied: ['001_users'],
        last: { result: 'failed', error: { code: 'ALREADY_EXISTS', message: expect.stringContaining('orders') } },
        inTheWay: { migration: '002_orders', object: 'table orders', verdict },
        halfDone: transactional ? [] : [{ migration: '002_orders', direction: 'up', statementsDone: 1 }],
      })
      const first = commands(target)[0]
      expect(first).toBe(verdict === 'equal' ? 'tenantry baseline --migration 002_orders acme' : 'tenantry up acme')
      const ended = await project.run(['explain', 'acme'])
      expect(ended.code).toBe(0)
      expect(ended.stdout).toMatch(/In the way: table orders, which statement \d of 002_orders makes, is there: it/)
      // On another machine there is no word of the server; what is in the way is seen all the same.
      rmSync(join(project.dir, '.tenantry'), { recursive: true })
      const elsewhere = await explain()
      expect(elsewhere).toMatchObject({ last: null, inTheWay: { object: 'table orders', verdict } })
      if (!transactional) expect(elsewhere?.stoppedIn).toMatch(/^r_/)
      // What it proposes works.
      await database.query('DROP TABLE orders')
      expect(await project.up()).toMatchObject({ ok: true })
      expect(await explain()).toMatchObject({ healthy: true, inTheWay: null })
    })

    test('what somebody made by hand, before any run of ours', async () => {
      project.write({ ...good, ...next })
      await database.query('CREATE TABLE users (id INT)')
      const target = await explain()
      expect(target).toMatchObject({
        last: null,
        inTheWay: { migration: '001_users', object: 'table users', verdict: 'equal' },
      })
      expect(commands(target)[0]).toBe('tenantry baseline --migration 001_users acme')
    })
  })

  test('an undo that stopped half-way: what is left of it, and how to go on', async () => {
    project.write({
      'migrations/001_t.sql': 'CREATE TABLE t (id INT);\nCREATE TABLE u (id INT);\n',
      'migrations/rollbacks/001_t.sql':
        '-- tenantry:no-transaction\nDROP TABLE u;\nDROP TABLE missing;\nDROP TABLE t;\n',
    })
    await project.up()
    await project.use((tenantry) => tenantry.down())
    const target = await explain()
    expect(target).toMatchObject({
      halfDone: [{ migration: '001_t', direction: 'down', statementsDone: 1, statementsTotal: 3 }],
      last: { error: { message: expect.stringContaining('missing') } },
      // Where a statement stands by itself, the ledger notes that the server said no; else the catalog is asked.
      probe: transactional
        ? { statement: 2, reason: 'table missing is gone' }
        : { statement: 2, verdict: 'absent', reason: 'the server refused it when it was sent' },
    })
    expect(commands(target)[0]).toBe('tenantry down 001_t acme')
  })
}

describe('PostgreSQL', () =>
  stories(
    () => freshDatabase('explain'),
    () => sharedServer().url('postgres'),
    true,
  ))
withMariadb('MariaDB', () =>
  stories(
    () => freshMariadb('explain'),
    () => sharedMariadb().url('mysql'),
    false,
  ),
)
