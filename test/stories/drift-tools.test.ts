/** The reference is built by whatever the migrations are written for: Knex, Sequelize, Prisma; on MariaDB, too. */
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratchPrefix } from '../../src/checks/scratch.ts'
import type { DriftReport } from '../../src/model/check-report.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { shop } from './knex-native.ts'
import { makeProject, type Project } from './project.ts'
import { makeSequelizeProject } from './sequelize.ts'

interface Place {
  name: string
  url: string
  query(sql: string): Promise<unknown>
  drop(): Promise<unknown>
}

let project: Project
let places: Place[]
beforeEach(() => {
  places = []
})
afterEach(async () => {
  project?.remove()
  for (const { drop } of places) await drop()
})

const drift = (options = {}): Promise<DriftReport> => project.use((tenantry) => tenantry.drift(options))
const told = ({ clusters }: DriftReport) =>
  clusters
    .filter(({ reference }) => !reference)
    .map(({ targets, differences }) =>
      [targets, ...differences.map(({ change, kind, object }) => `${change} ${kind} ${object}`)].join(' '),
    )
const ownScratch = (names: readonly unknown[]) =>
  names.map(String).filter((name) => name.startsWith(scratchPrefix) && name.includes(`_${process.pid.toString(36)}_`))

/** Three databases, one tenant each, with everything applied. */
async function fleet(make: (label: string) => Promise<Place>, migrations: Record<string, unknown>): Promise<void> {
  for (let i = 0; i < 3; i++) places.push(await make(`drift tools ${i}`))
  project.configure({
    servers: { main: { url: places[0]?.url } },
    scratch: { server: 'main' },
    migrations,
    tenants: places.map(({ name }, i) => ({ slug: `t${i + 1}`, server: 'main', database: name })),
  })
  const report = await project.up()
  expect(report.targets.map(({ error }) => error)).toEqual([null, null, null])
}

/** All equal; then something is done by hand in the second one, and is named; nothing of the building is left. */
async function expectNamed(change: string, named: string): Promise<void> {
  const before = await drift()
  expect(told(before)).toEqual([])
  expect(before).toMatchObject({ ok: true, clusters: [{ targets: 3, reference: true }], failures: [] })
  await places[1]?.query(change)
  expect(told(await drift())).toEqual([named])
  expect(told(await drift({ between: true }))).toEqual([named])
}

const knexProject = () => {
  project = makeProject()
  cpSync(shop, project.dir, { recursive: true })
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
}

describe('on PostgreSQL', () => {
  afterEach(async () => {
    const rows = await sharedServer().query('SELECT datname FROM pg_database')
    expect(ownScratch(rows.map(({ datname }) => datname))).toEqual([])
  })

  test('Knex', async () => {
    knexProject()
    await fleet(freshDatabase, {})
    await expectNamed('ALTER TABLE orders ADD COLUMN by_hand int', '1 extra column orders.by_hand')
  })

  test('Knex, in schemas', async () => {
    knexProject()
    const database = await freshDatabase('drift knex schemas')
    places.push(database)
    project.configure({
      servers: { main: { url: database.url } },
      scratch: { server: 'main' },
      migrations: {},
      tenants: ['a', 'b'].map((slug) => ({ slug, server: 'main', database: database.name, schema: `t_${slug}` })),
    })
    await database.query('CREATE SCHEMA t_a; CREATE SCHEMA t_b')
    expect((await project.up()).targets.map(({ error }) => error)).toEqual([null, null])
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 2, reference: true }] })
    await database.query('ALTER TABLE t_b.orders ADD COLUMN by_hand int')
    expect(told(await drift())).toEqual(['1 extra column orders.by_hand'])
  })

  test('Sequelize', async () => {
    project = makeSequelizeProject()
    await fleet(freshDatabase, { dir: './migrations' })
    await expectNamed('ALTER TABLE orders ADD COLUMN by_hand int', '1 extra column orders.by_hand')
  })

  test('Prisma', async () => {
    project = makeProject()
    cpSync('test/fixtures/prisma-folders', join(project.dir, 'prisma/migrations'), { recursive: true })
    await fleet(freshDatabase, { dir: './prisma/migrations', format: 'prisma' })
    await expectNamed('CREATE TABLE by_hand (id int)', '1 extra table by_hand')
  })

  test('up --verify', async () => {
    project = makeSequelizeProject()
    await fleet(freshDatabase, { dir: './migrations' })
    project.write({
      'migrations/20250101000000-noted-by.js':
        "module.exports = { up: (q, S) => q.addColumn('orders', 'noted_by', { type: S.STRING }), down: async () => {} }\n",
    })
    await places[2]?.query('ALTER TABLE orders ADD COLUMN by_hand int')
    const report = await project.use((tenantry) => tenantry.up({ verify: true }))
    expect(report.targets.map(({ result, error }) => [result, error?.code])).toEqual([
      ['applied', undefined],
      ['applied', undefined],
      ['failed', 'VERIFY_FAILED'],
    ])
  })
})

withMariadb('on MariaDB', () => {
  afterEach(async () => {
    const rows = await sharedMariadb().query('SHOW DATABASES')
    expect(ownScratch(rows.flatMap((row) => Object.values(row)))).toEqual([])
  })

  test('SQL files', async () => {
    project = makeProject()
    project.write({
      'migrations/001_users.sql': `CREATE TABLE users (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, email varchar(190) NOT NULL, UNIQUE KEY users_email (email)) ENGINE=InnoDB;
CREATE TABLE \`or\`\`ders\` (id int PRIMARY KEY, user_id int unsigned, state varchar(10) DEFAULT 'new', CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id));
CREATE VIEW open_orders AS SELECT id FROM \`or\`\`ders\` WHERE state = 'new';`,
    })
    await fleet(freshMariadb, { dir: './migrations' })
    await expectNamed("ALTER TABLE `or``ders` ALTER COLUMN state SET DEFAULT 'old'", '1 changed column or`ders.state')
  })

  test('Knex', async () => {
    knexProject()
    await fleet(freshMariadb, {})
    await expectNamed('ALTER TABLE orders ADD COLUMN by_hand int', '1 extra column orders.by_hand')
  })

  test('Sequelize', async () => {
    project = makeSequelizeProject()
    await fleet(freshMariadb, { dir: './migrations' })
    await expectNamed('ALTER TABLE orders ADD COLUMN by_hand int', '1 extra column orders.by_hand')
  })
})
