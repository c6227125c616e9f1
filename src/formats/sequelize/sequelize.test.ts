import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { knex } from '../knex/knex.ts'
import { openingSettings } from './opening-settings.ts'
import { sequelize } from './sequelize.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-sequelize-'))
  await write({
    'migrations/20240101-users.js': 'module.exports = { up: (queryInterface) => queryInterface.createTable("a", {}) }',
  })
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}
const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
  root,
  dirs: [join(root, 'migrations')],
  ignore: null,
  placeholders: {},
  ...more,
})
const load = (more: Partial<FormatOptions> = {}) => sequelize.load(options(more))
const json = (value: unknown) => JSON.stringify(value)

describe('the folder', () => {
  it('is read in the order of sequelize-cli and umzug, with every spelling of a name', async () => {
    await write({
      'migrations/20240101-Users.cjs.map': '',
      'migrations/20240101-types.d.ts': '',
      'migrations/readme.md': '',
      'migrations/older/20230101-below.js': '',
      'migrations/2024.01.02T10.00.00.a.mjs': '',
      'migrations/20240102-b.ts': '',
      'migrations/10-c.cjs': '',
    })
    const { migrations } = await load()
    expect(migrations.map(({ id }) => id)).toEqual(['10-c', '2024.01.02T10.00.00.a', '20240101-users', '20240102-b'])
    expect(migrations[3]).toMatchObject({
      number: '20240102',
      keys: [
        '20240102-b.ts',
        '20240102-b',
        '20240102-b.js',
        '20240102-b.cjs',
        '20240102-b.mjs',
        '20240102-b.cts',
        '20240102-b.mts',
      ],
    })
  })

  it('refuses two files of one name, also where only letter case tells them apart', async () => {
    await write({ 'migrations/20240101-users.ts': '', 'migrations/20240102-A.js': '', 'migrations/20240102-a.js': '' })
    await expect(load()).rejects.toMatchObject({
      code: 'MIGRATION_DUPLICATE',
      message: expect.stringMatching(/20240101-users\.js.*20240101-users\.ts[\s\S]*20240102-A\.js/),
      hint: expect.stringContaining('migrations.ignore'),
    })
    expect((await load({ ignore: /\.ts$|-A/ })).migrations).toHaveLength(2)
  })

  it.each([
    ['sequelize-cli', `module.exports = { up: async (queryInterface, Sequelize) => {} }`, 0.95],
    ['short names', `module.exports = { up: (q, S) => q.addColumn('users', 'a', S.INTEGER), down: (q) => 1 }`, 0.6],
    ['types', `import { QueryInterface } from 'sequelize'\nexport async function up(q: QueryInterface) {}`, 0.95],
    ['umzug', `exports.up = async ({ context }) => { await context.doIt() }`, 0.7],
    ['Knex', `exports.up = (knex) => knex.schema.createTable('a', (t) => t.increments())`, 0],
    [
      'Knex with another name',
      `exports.up = async (db) => { await db.schema.createTable('a', (t) => t.increments()) }`,
      0,
    ],
    ['Knex, commented', `// not sequelize's\nexports.up = (knex) => knex.schema.dropTable('a')`, 0],
    [
      'TypeORM',
      `export class A implements MigrationInterface { async up(queryRunner: QueryRunner) { await queryRunner.createTable('a') } }`,
      0,
    ],
    ['node-pg-migrate', `exports.up = (pgm) => { pgm.createTable('a', {}) }`, 0],
    ['no migration', `module.exports = 1`, 0],
  ])('of %s is told apart', async (_, text, certainty) => {
    await write({ 'migrations/20240101-users.js': text })
    expect(await sequelize.detect(join(root, 'migrations'))).toBe(certainty)
    if (certainty > 0) expect(await knex.detect(join(root, 'migrations'))).toBeLessThan(certainty)
  })
})

describe('the config', () => {
  const rc = `const path = require('path')
    module.exports = { config: path.resolve('db', 'config.js'), 'migrations-path': path.resolve(__dirname, 'db', 'steps') }`

  it('says where the migrations are', async () => {
    expect(await sequelize.findDirs?.(options())).toBeNull()
    await write({ '.sequelizerc': rc, 'db/steps/1-a.js': '' })
    expect(await sequelize.findDirs?.(options())).toEqual([join(root, 'db/steps')])
    await write({ '.sequelizerc': 'module.exports = { modelsPath: "models" }' })
    expect(await sequelize.findDirs?.(options())).toEqual([join(root, 'migrations')])
    await write({ '.sequelizerc': 'module.exports = {' })
    await expect(sequelize.findDirs?.(options())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      context: { file: '.sequelizerc' },
    })
  })

  it('is found by .sequelizerc, wherever the command is run', async () => {
    await write({
      '.sequelizerc': rc,
      'db/steps/1-a.js': '',
      'db/config.js': `module.exports = { development: { migrationStorageTableName: 'steps', migrationStorageTableSchema: 'meta' } }`,
    })
    expect((await load({ dirs: [join(root, 'db/steps')] })).history).toEqual({ table: 'steps', schema: 'meta' })
  })

  it('is looked for above the migrations, and taken where it is named', async () => {
    await write({
      'backend/.sequelizerc': `module.exports = { config: 'settings.json' }`,
      'backend/settings.json': json({ migrationStorageTableName: 'of_backend', dialect: 'postgres' }),
      'backend/migrations/1-a.js': '',
      'other/rc.js': `module.exports = { config: require('path').join(__dirname, 'c.json') }`,
      'other/c.json': json({ migrationStorageTableName: 'of_other', dialect: 'postgres' }),
    })
    const dirs = [join(root, 'backend/migrations')]
    expect((await load({ dirs })).history).toEqual({ table: 'of_backend' })
    expect((await load({ dirs, toolConfig: join(root, 'other/rc.js') })).history).toEqual({ table: 'of_other' })
  })

  it.each([
    ['config/config.js', `module.exports = { production: { migrationStorageTableName: 'p' }, development: {} }`],
    ['config/config.js', `module.exports = async () => ({ production: { migrationStorageTableName: 'p' } })`],
    ['config/config.js', `module.exports = (done) => done(null, { production: { migrationStorageTableName: 'p' } })`],
    [
      'config/config.js',
      `module.exports = Promise.resolve({ migrationStorageTableName: 'p', url: 'postgres://u:p@h/d' })`,
    ],
    [
      'config/config.js',
      `exports.__esModule = true; exports.default = { production: { migrationStorageTableName: 'p' } }`,
    ],
    ['config/config.json', `\uFEFF${json({ production: { migrationStorageTableName: 'p' } })}`],
  ])('%s is read: %s', async (file, text) => {
    await write({ [file]: text })
    expect((await load({ environment: 'production' })).history).toEqual({ table: 'p' })
  })

  it('has a part for each environment; development is the default', async () => {
    await write({
      'config/config.json': json({ development: {}, test: { migrationStorageTableName: 't' } }),
    })
    expect((await load()).history).toBeUndefined()
    expect((await load({ environment: 'test' })).history).toEqual({ table: 't' })
    await expect(load({ environment: 'staging' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/no environment "staging".*development, test/),
      hint: expect.stringContaining('--env'),
    })
    await write({
      'config/config.json': json({
        test: { migrationStorageTableName: 'm' },
        production: { migrationStorageTableName: 'm' },
      }),
    })
    expect((await load({ environment: 'staging' })).history).toEqual({ table: 'm' })
  })

  it('names the file and the line that fail, and no secret', async () => {
    await write({ 'config/config.js': `\nthrow new Error('no postgres://u:geheim@h/d')` })
    await expect(load()).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringMatching(/config\/config\.js.*line 2.*\[url\]/),
    })
    await write({
      '.sequelizerc': `module.exports = { config: 'late.js' }`,
      'late.js': `module.exports = async () => { throw new Error('no postgres://u:geheim@h/d') }`,
    })
    await expect(load()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'late.js cannot be used: no [url].' })
    await write({ '.sequelizerc': `module.exports = { config: 'gone.js' }` })
    await expect(load()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: '.sequelizerc names gone.js, which is not there.',
    })
  })

  it.each(['json', 'none'])('cannot keep the history in %s', async (migrationStorage) => {
    await write({ 'config/config.json': json({ development: {}, production: { migrationStorage } }) })
    await load()
    await expect(load({ environment: 'production' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/config\.json \(production\).*migrationStorage/),
      hint: expect.stringContaining('tenantry baseline'),
    })
  })

  it('that checks no certificate is refused with the way to the CA, in the environment that is used', async () => {
    const production = { dialect: 'postgres', dialectOptions: { ssl: { require: true, rejectUnauthorized: false } } }
    await write({ 'config/config.json': json({ development: { dialect: 'postgres' }, production }) })
    await load()
    await expect(load({ environment: 'production' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('rejectUnauthorized: false'),
      hint: expect.stringMatching(/tls: \{ ca:.*tenantry\.config/),
    })
    await write({
      'config/config.json': json({
        production: { ...production, dialectOptions: { ssl: { require: true, ca: 'PEM' } } },
      }),
    })
    await load({ environment: 'production' })
  })

  it('for another kind of server is pointed out', async () => {
    await write({ 'config/config.json': json({ development: { dialect: 'mariadb' } }) })
    expect((await load({ dialects: ['mysql'] })).notices).toEqual([])
    expect((await load({ dialects: ['postgres'], placeholders: { '%a%': 'b' } })).notices).toMatchObject([
      { rule: 'sequelize-dialect', file: 'config/config.json' },
      { rule: 'placeholders-unused' },
    ])
  })
})

describe('what Sequelize sets when it connects', () => {
  it('is set by us', () => {
    expect(openingSettings('postgres', {})).toEqual([
      'SET standard_conforming_strings=on',
      'SET client_min_messages TO warning',
      "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE",
    ])
    expect(openingSettings('mysql', {})).toEqual(["SET time_zone = '+00:00'"])
  })

  it('follows the config', () => {
    const settings = {
      timezone: 'Asia/Kolkata',
      standardConformingStrings: false,
      dialectOptions: { clientMinMessages: 'ignore' },
    }
    expect(openingSettings('postgres', settings)).toEqual(["SET TIME ZONE 'Asia/Kolkata'"])
    expect(openingSettings('mysql', settings)).toEqual(["SET time_zone = '+05:30'"])
    expect(openingSettings('mysql', { keepDefaultTimezone: true })).toEqual([])
    expect(openingSettings('postgres', { clientMinMessages: false, timezone: '-03:00' })).toEqual([
      'SET standard_conforming_strings=on',
      "SET TIME ZONE INTERVAL '-03:00' HOUR TO MINUTE",
    ])
  })
})

describe('the package', () => {
  const packageOf = (name: string, version: string) =>
    write({
      [`node_modules/${name}/package.json`]: json({ name, version, main: 'index.js' }),
      [`node_modules/${name}/index.js`]: 'module.exports = class Sequelize { static addHook() {} }',
    })
  const loadUp = async () => {
    const [first] = (await load()).migrations
    if (first?.up.kind !== 'code') throw new Error('it is not code')
    return first.up.load()
  }

  it('is the one of the project', async () => {
    await packageOf('sequelize', '6.99.0')
    expect(await loadUp()).toMatchObject({ run: expect.any(Function), transaction: true })
  })

  it.each(['5.22.5', '7.0.0-next.1'])('of version %s is refused', async (version) => {
    await packageOf('sequelize', version)
    await expect(loadUp()).rejects.toMatchObject({
      code: 'MIGRATION_UNSUPPORTED',
      message: `The project has sequelize ${version}; version 6 is needed to run its migrations.`,
      hint: expect.stringContaining('npm install sequelize@6'),
    })
  })
})
