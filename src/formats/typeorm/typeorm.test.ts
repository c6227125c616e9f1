import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { listGlob, readGlob } from './glob.ts'
import { timestampOf } from './migration-name.ts'
import { readClasses } from './read-classes.ts'
import { typeorm } from './typeorm.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-typeorm-'))
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
const load = async (more: Partial<FormatOptions> = {}) => (await typeorm.load(options(more))).migrations
const ids = async () => (await load()).map(({ id }) => id)
const names = (text: string) => readClasses(text)?.map(({ name }) => name) ?? null
const a = 'A1700000000000'
const b = 'B1700000000001'

describe('names of classes in a text', () => {
  it.each<[string, string, string[]]>([
    ['TypeScript', `import { X } from 'typeorm'\nexport class ${a} implements MigrationInterface {\n}`, [a]],
    ['a default', `export default class ${a} {}`, [a]],
    ['a default told later', `class ${a} {}\nexport default ${a};\n`, [a]],
    ['a list', `class ${a} {}\nclass ${b} {}\nexport { ${a}, ${b} }`, [a, b]],
    ['CommonJS', `module.exports = class ${a} {}`, [a]],
    ['CommonJS with names', `class ${a} {}\nclass ${b} {}\nmodule.exports = { ${a}, ${b} }`, [a, b]],
    [
      'what tsc writes',
      `exports.${a} = void 0;\nclass ${a} {\n constructor() { this.name = '${a}'; }\n}\nexports.${a} = ${a};`,
      [a],
    ],
    ['a name of its own', `export class Odd {\n  name = '${a}'\n}`, [a]],
    ['a typed name', `export class Odd {\n  public readonly name: string = "${a}";\n}`, [a]],
    [
      'comments and texts with classes',
      `// class Old1600000000000 {}\n/* class X1600000000000 {} */\nexport class ${a} { x = 'class Y1 {}' }`,
      [a],
    ],
    ['a class that is not exported', `class Helper {}\nexport class ${a} extends Helper {}`, [a]],
    ['a local variable called name', `export class ${a} { async up() { const name = 'x' } }`, [a]],
    ['a generic base', `export class ${a} extends Base<User> {}`, [a]],
  ])('%s', (_, text, expected) => {
    expect(names(text)).toEqual(expected)
  })

  it.each([
    ['a name that is worked out', `export class ${a} { name = 'A' + time }`],
    ['what is passed on', `export * from './${a}'`],
    ['what another file holds', `module.exports = require('./${a}')`],
    ['a function that makes it', `export const ${a} = make('a')`],
    ['a default that is made', `class ${a} {}\nexport default wrap(${a})`],
    ['a base that is exported', `export abstract class Base {}\nexport class ${a} extends Base {}`],
    ['a class without a time', 'export class Helper {}'],
    ['another export', `exports.${a} = class ${a} {}\nexports.helper = () => {}`],
    [
      'functions for old targets',
      `var ${a} = (function () { function ${a}() {} return ${a}; }());\nexports.${a} = ${a};`,
    ],
    ['nothing', '// later\n'],
  ])('are not told by %s', (_, text) => {
    expect(names(text)).toBeNull()
  })

  it('end in the last 13 characters as TypeORM reads them', () => {
    expect([
      timestampOf(a),
      timestampOf('X20240101120000'),
      timestampOf('Init1'),
      timestampOf('X170000000000'),
    ]).toEqual([1_700_000_000_000, 240_101_120_000, null, null])
  })
})

describe('a folder', () => {
  it('is ordered by the numbers of its classes over all of its files', async () => {
    await write({
      'migrations/z.js': `exports.C1600000000003 = class C1600000000003 {}\nexports.A1600000000001 = class A1600000000001 {}`,
      'migrations/a.ts': 'export class B1600000000002 {}',
      'migrations/types.d.ts': 'export class D1600000000004 {}',
    })
    expect(await ids()).toEqual(['A1600000000001', 'B1600000000002', 'C1600000000003'])
  })

  it('is imported only where the text does not tell, and then says what it exports', async () => {
    await write({
      'migrations/made.cjs': `const make = (name) => ({ [name]: class { constructor() { this.name = name } } })[name]\nmodule.exports = ['${b}', '${a}'].map(make)`,
      'migrations/broken.js': `exports.Z1800000000000 = class Z1800000000000 {}\nthrow new Error('not needed')`,
    })
    expect(await ids()).toEqual([a, b, 'Z1800000000000'])
  })

  it('refuses what TypeORM refuses: exports without a time, and one name twice', async () => {
    await write({
      'migrations/a.cjs': 'exports.helper = function helper() {}',
      'migrations/b.ts': `export class ${a} {}`,
      'migrations/b.js': `exports.${a} = class ${a} {}`,
    })
    await expect(load()).rejects.toMatchObject({
      context: {
        problems: [
          { message: expect.stringMatching(/a\.cjs exports helper, which does not end in a time/) },
          {
            code: 'MIGRATION_DUPLICATE',
            files: ['migrations/b.js', 'migrations/b.ts'],
            hint: expect.stringContaining('migrations.ignore'),
          },
        ],
      },
    })
  })

  it('lets a class be added to a file without changing those that are there', async () => {
    const head = `const { Table } = require('typeorm')\n`
    const one = `${head}exports.${a} = class ${a} { up() { 1 } }\n`
    await write({ 'migrations/x.js': one })
    const [before] = await load()
    await write({ 'migrations/x.js': `${one}\n/** Another. */\nexports.${b} = class ${b} {}\n` })
    const [first, second] = await load()
    expect(first?.checksum).toBe(before?.checksum)
    expect(second?.checksum).not.toBe(first?.checksum)
    await write({ 'migrations/x.js': `${one.replace('1 }', '2 }')}\nexports.${b} = class ${b} {}\n` })
    expect((await load())[0]?.checksum).not.toBe(before?.checksum)
  })

  it('knows a class again that got another name or time; what a home-made table holds counts, too', async () => {
    const text = (name: string, body: string) => `exports.${name} = class ${name} { async up(q) { ${body} } }\n`
    await write({ 'migrations/x.js': text(a, '1'), 'migrations/y.js': text(b, '2') })
    const [first, second] = await load()
    expect(first?.otherChecksums).toContain(createHash('sha256').update(text(a, '1')).digest('hex'))
    await write({ 'migrations/x.js': text('Later1800000000000', '1'), 'migrations/y.js': text(b, '3') })
    const [edited, renamed] = await load()
    expect(renamed).toMatchObject({ id: 'Later1800000000000', checksum: first?.checksum })
    expect(edited?.checksum).not.toBe(second?.checksum)
  })
})

describe('patterns', () => {
  it.each<[string, string[]]>([
    ['src/m/*.ts', ['src/m/a.ts', 'src/m/b.spec.ts']],
    ['./src/m/*{.ts,.js}', ['src/m/a.js', 'src/m/a.ts', 'src/m/b.spec.ts']],
    ['src/**/*.js', ['src/m/a.js', 'src/m/in/c.js']],
    ['src/**/[ab].@(js|ts)', ['src/m/a.js', 'src/m/a.ts']],
    ['src/m/?.ts', ['src/m/a.ts']],
    ['src/m/a.ts', ['src/m/a.ts']],
  ])('%s', async (pattern, expected) => {
    for (const name of ['src/m/a.ts', 'src/m/a.js', 'src/m/b.spec.ts', 'src/m/in/c.js', 'src/m/node_modules/x/d.js'])
      await write({ [name]: '' })
    const found = await listGlob(readGlob(pattern, root))
    expect(found.map((path) => path.slice(root.length + 1))).toEqual(expected)
  })
})

describe('a data source', () => {
  it.each<[string, string, string]>([
    [
      'CommonJS',
      'data-source.js',
      `// typeorm\nmodule.exports = { AppDataSource: { initialize() {}, options: OPTIONS } }`,
    ],
    ['ES modules', 'src/data-source.mjs', '/* typeorm */ export default { type: "postgres", ...OPTIONS }'],
    ['a function', 'ormconfig.cjs', 'module.exports = async () => ({ type: "postgres", ...OPTIONS })'],
    ['JSON', 'ormconfig.json', 'JSON'],
  ])('as %s names folders, table and schema', async (_, name, text) => {
    const said = {
      migrations: ['db/steps/*.js'],
      migrationsTableName: 'changes',
      schema: 'app',
      password: 'secret-value',
    }
    await write({
      [name]:
        text === 'JSON'
          ? JSON.stringify([{ type: 'postgres', ...said }])
          : text.replace('OPTIONS', JSON.stringify(said)),
      'db/steps/1.js': `exports.${a} = class ${a} {}`,
    })
    const dirs = await typeorm.findDirs?.(options())
    expect(dirs).toEqual([join(root, 'db/steps')])
    const loaded = await typeorm.load(options({ dirs: dirs ?? [] }))
    expect(loaded).toMatchObject({
      history: { table: 'changes', schema: 'app' },
      migrations: [{ id: a, number: '1700000000000' }],
    })
  })

  it('of something else is not run', async () => {
    await write({ 'src/data-source.js': 'throw new Error("not for you")' })
    expect(await typeorm.findDirs?.(options())).toBeNull()
  })

  it('that cannot be read is named with what to do', async () => {
    await write({ 'data-source.cjs': 'exports.typeorm = 1' })
    await expect(typeorm.findDirs?.(options())).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining('data-source.cjs exports no data source'),
      hint: expect.stringContaining('migrations.dataSource'),
    })
  })
})

describe('a new file', () => {
  const make = async (name: string) => {
    const [file] = await typeorm.template(options(), name, { description: null, now: new Date(1_800_000_000_000) })
    return { path: file?.path.slice(root.length + 1), text: file?.text }
  }

  it('is what `typeorm migration:create` writes, as the folder has it', async () => {
    expect(await make('add-users')).toMatchObject({
      path: 'migrations/1800000000000-add-users.ts',
      text: expect.stringContaining('export class AddUsers1800000000000 implements MigrationInterface {'),
    })
    await write({ 'migrations/1900000000000-Late.js': 'module.exports = class Late1900000000000 {}' })
    expect(await make('AddUsers')).toMatchObject({
      path: 'migrations/1900000000001-AddUsers.js',
      text: expect.stringContaining('module.exports = class AddUsers1900000000001 {'),
    })
    await write({ 'migrations/1950000000000-Module.js': 'export class Module1950000000000 {}' })
    expect((await make('x')).text).toContain('export class X1950000000001 {')
  })
})
