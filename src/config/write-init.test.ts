import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { detectProject } from './detect.ts'
import { loadConfig } from './load.ts'
import { writeInit } from './write-init.ts'

function makeProject(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-init-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

const knexFile = 'exports.up = (knex) => knex.schema.createTable("a", () => {})'
const sequelizeFile = 'module.exports = { up: async (queryInterface, Sequelize) => {} }'

const projects: Record<
  string,
  { files: Record<string, string>; found: string[]; dir: string; format?: string; toolConfig?: string }
> = {
  empty: { files: {}, found: [], dir: 'migrations' },
  sql: {
    files: { 'migrations/001_init.sql': 'select 1', 'migrations/rollbacks/001_init.sql': '' },
    found: ['migrations sql'],
    dir: 'migrations',
  },
  'sql in db/migrations of a folder': {
    files: { 'backend/db/migrations/1_a.up.sql': '' },
    found: ['backend/db/migrations sql'],
    dir: 'backend/db/migrations',
  },
  prisma: {
    files: {
      'prisma/schema.prisma': '',
      'prisma/migrations/20250101000000_init/migration.sql': '',
      'prisma/migrations/migration_lock.toml': '',
    },
    found: ['prisma/migrations prisma'],
    dir: 'prisma/migrations',
  },
  'prisma and sql': {
    files: { 'prisma/migrations/1_a/migration.sql': '', 'db/migrations/1.sql': '' },
    found: ['prisma/migrations prisma', 'db/migrations sql'],
    dir: 'prisma/migrations',
  },
  knex: {
    files: {
      'package.json': '{"dependencies":{"knex":"3","pg":"8","left-pad":"1"}}',
      'knexfile.js': "module.exports = { migrations: { directory: './data/changes' } }",
      'data/changes/20250101_a.js': knexFile,
      'migrations/20250101_b.js': knexFile,
    },
    found: ['data/changes knex', 'migrations knex'],
    // Which folders, the knexfile says.
    dir: 'migrations',
    format: 'knex',
    toolConfig: 'knexfile.js',
  },
  'knex of a folder': {
    files: { 'api/knexfile.ts': '', 'knexfile.js': '', 'api/src/migrations/20250101_b.ts': knexFile },
    found: ['api/src/migrations knex'],
    dir: 'migrations',
    format: 'knex',
    toolConfig: 'api/knexfile.ts',
  },
  'knex without a knexfile': {
    files: { 'other/knexfile.ts': '', 'src/migrations/20250101_b.ts': knexFile },
    found: ['src/migrations knex'],
    dir: 'src/migrations',
    format: 'knex',
  },
  sequelize: {
    files: {
      'backend/.sequelizerc': 'module.exports = {}',
      'backend/migrations/20250101-a.js': sequelizeFile,
      'backend/package.json': '{"devDependencies":{"sequelize-cli":"6"}}',
    },
    found: ['backend/migrations sequelize'],
    dir: 'migrations',
    format: 'sequelize',
    toolConfig: 'backend/.sequelizerc',
  },
  typeorm: {
    files: {
      'src/data-source.ts': "new DataSource({ migrations: ['dist/migrations/*.js'] })",
      'src/migrations/1700000000000-A.ts': 'export class A1700000000000 implements MigrationInterface {}',
    },
    found: ['src/migrations typeorm'],
    dir: 'src/migrations',
    format: 'typeorm',
    toolConfig: 'src/data-source.ts',
  },
  kysely: {
    files: {
      'kysely.config.ts': "export default defineConfig({ migrations: { migrationFolder: './db/steps' } })",
      'db/steps/1700000000000_a.ts':
        "import type { Kysely } from 'kysely'\nexport async function up(db: Kysely<any>) {}",
    },
    found: ['db/steps kysely'],
    dir: 'db/steps',
    format: 'kysely',
    toolConfig: 'kysely.config.ts',
  },
  'sequelize without .sequelizerc': {
    files: { 'migrations/20250101-a.js': sequelizeFile },
    found: ['migrations sequelize'],
    dir: 'migrations',
    format: 'sequelize',
  },
  drizzle: {
    files: { 'drizzle/meta/_journal.json': '{}', 'drizzle/0000_a.sql': '' },
    found: ['drizzle drizzle'],
    dir: 'drizzle',
    format: 'drizzle',
  },
  'Drizzle 1, in a folder of its config': {
    files: {
      'drizzle.config.ts': "export default { out: './src/steps' }",
      'src/steps/20250101000000_a/migration.sql': '',
      'src/steps/20250101000000_a/snapshot.json': '{}',
    },
    found: ['src/steps drizzle'],
    dir: 'src/steps',
    format: 'drizzle',
  },
  goose: {
    files: { 'migrations/1_a.sql': '-- +goose Up\nselect 1;\n-- +goose Down\n' },
    found: ['migrations goose'],
    dir: 'migrations',
    format: 'goose',
  },
  dbmate: {
    files: { 'db/migrations/1_a.sql': '-- migrate:up\n\n-- migrate:down\n' },
    found: ['db/migrations dbmate'],
    dir: 'db/migrations',
    format: 'dbmate',
  },
  'golang-migrate': {
    files: {
      'go.mod': 'module x\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n',
      'db/migrations/1_a.up.sql': '',
      'db/migrations/1_a.down.sql': '',
    },
    found: ['db/migrations golang-migrate'],
    dir: 'db/migrations',
    format: 'golang-migrate',
  },
  'node-pg-migrate': {
    files: {
      'migrations/1_a.sql': 'select 1;',
      'migrations/2_b.js': 'exports.up = (pgm) => pgm.createTable("b", {})',
    },
    found: ['migrations node-pg-migrate'],
    dir: 'migrations',
    format: 'node-pg-migrate',
  },
  flyway: {
    files: { 'src/main/resources/db/migration/V1__a.sql': 'select 1;' },
    found: ['src/main/resources/db/migration flyway'],
    dir: 'src/main/resources/db/migration',
    format: 'flyway',
  },
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('tenantry init', () => {
  it.each(Object.entries(projects))('in a project with %s', async (_, { files, found, dir, format, toolConfig }) => {
    const root = makeProject(files)
    const report = await writeInit(root)
    expect(report.findings.migrations.map((one) => `${one.dir} ${one.format}`)).toEqual(found)
    const text = readFileSync(report.file, 'utf8')
    const unsupported = report.findings.migrations.filter((one) => !one.supported)
    for (const one of unsupported)
      expect(text).toMatch(new RegExp(`// '\\./${one.dir}' holds .* cannot run that format yet`))
    expect(report.lines.filter((line) => line.includes('cannot run that format yet'))).toHaveLength(unsupported.length)

    vi.stubEnv('DATABASE_URL', 'postgres://u:p@localhost/app')
    const config = await loadConfig({ cwd: root, env: {} })
    expect(config.file).toBe(join(root, 'tenantry.config.ts'))
    expect(config.sets[0]?.dirs).toEqual([join(root, dir)])
    expect(config.sets[0]?.toolConfig).toBe(toolConfig === undefined ? null : join(root, toolConfig))
    if (format !== undefined) expect(config.sets[0]?.format).toBe(format)
    if (toolConfig !== undefined) {
      expect(config.sets[0]?.dirGiven).toBe(format === 'typeorm' || format === 'kysely')
      expect(report.lines).toContainEqual(
        expect.stringMatching(`^Found ${toolConfig}: its .* and further settings are used.$`),
      )
    }
    expect(config.tenants).toMatchObject({
      tenants: [{ slug: 'app', topology: 'dedicated', placement: { server: 'app', database: 'app' } }],
    })
    expect(config.notices).toEqual([])
  })

  it('says what is not set', async () => {
    vi.stubEnv('DATABASE_URL', undefined)
    const { file } = await writeInit(makeProject({}))
    await expect(loadConfig({ cwd: dirname(file), env: {} })).rejects.toThrow(
      /servers\.main\.url: is not set.*\n.*tenants\[0\]\.url: is not set/,
    )
  })

  it.each(['DB_PASS', 'DB_PASSWORD'])(
    'makes the URL from DB_HOST and %s, where that is what the project has',
    async (name) => {
      const root = makeProject({
        '.env': `DB_HOST=h\nexport DB_NAME=pl4nted\n${name}="pl4nted"\n# DB_USER=x\nOTHER_KEY=pl4nted\n`,
      })
      const { file, findings, lines } = await writeInit(root)
      expect(findings.variables).toEqual(['DB_HOST', 'DB_NAME', name])
      expect(readFileSync(file, 'utf8') + JSON.stringify([findings, lines])).not.toContain('pl4nted')
      for (const [key, value] of Object.entries({ DB_HOST: 'db', DB_NAME: 'a b', DB_USER: 'u', [name]: 'p@/:%' }))
        vi.stubEnv(key, value)
      const main = (await loadConfig({ cwd: root, env: {} })).servers.get('main')
      expect(main).toMatchObject({ host: 'db', database: 'a b', user: 'u' })
      expect(main?.password?.reveal()).toBe('p@/:%')
    },
  )

  it('makes a MySQL server where the project has its driver', async () => {
    const root = makeProject({ '.env.example': 'DB_HOST=', 'package.json': '{"dependencies":{"mysql2":"3"}}' })
    const { file, lines } = await writeInit(root)
    expect(lines.join('\n')).not.toMatch(/only|cannot/)
    for (const [key, value] of Object.entries({ DB_HOST: 'db', DB_NAME: 'app', DB_USER: 'u', DB_PASS: 'p' }))
      vi.stubEnv(key, value)
    const main = (await loadConfig({ cwd: dirname(file), env: {} })).servers.get('main')
    expect(main).toMatchObject({ dialect: 'mysql', port: 3306, database: 'app' })
  })

  it.each(['ts', 'mjs', 'json'])('leaves an existing tenantry.config.%s alone', async (extension) => {
    const root = makeProject({ [`tenantry.config.${extension}`]: 'mine' })
    await expect(writeInit(root)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('exists') })
    expect(readFileSync(join(root, `tenantry.config.${extension}`), 'utf8')).toBe('mine')
  })

  it('writes what the types of defineConfig accept, alternatives in comments included', async () => {
    const files: Record<string, string> = {}
    for (const [index, { files: project }] of Object.values(projects).entries()) {
      const text = readFileSync((await writeInit(makeProject(project))).file, 'utf8')
      files[`${index}.ts`] = text
      const list = text.replace(/^ {2}tenants: .*$/m, '').replace(/^ {2}\/\/ (rollout|environments)/gm, '  $1')
      files[`${index}-list.ts`] = list.replace(/\/\/ A list:\n((?: {2}\/\/.*\n)+)/, (_, block: string) =>
        block.replaceAll('  //', '  '),
      )
      files[`${index}-schemas.ts`] = list.replace("// tenants: { from: 'schemas'", "tenants: { from: 'schemas'")
      files[`${index}-query.ts`] = list.replace("// tenants: { from: 'query'", "tenants: { from: 'query'")
    }
    files['wrong.ts'] =
      "import { defineConfig } from 'tenantry'\nexport default defineConfig({ tenants: [], concurency: 1 })"
    expect(findTypeErrors(files)).toEqual([expect.stringMatching(/^wrong\.ts: .*concurency/)])
  }, 60_000)
})

function findTypeErrors(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-types-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const program = ts.createProgram({
    rootNames: Object.keys(files).map((name) => join(root, name)),
    options: {
      module: ts.ModuleKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      target: ts.ScriptTarget.ES2022,
      typeRoots: [join(import.meta.dirname, '../../node_modules/@types')],
      types: ['node'],
      paths: { tenantry: [join(import.meta.dirname, 'define.ts')] },
    },
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      (one) => `${one.file?.fileName.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`,
    )
}

describe('detectProject', () => {
  it('knows packages and files of tools', async () => {
    const root = makeProject(projects.knex?.files ?? {})
    expect(await detectProject(root)).toMatchObject({ packages: ['knex', 'pg'], toolFiles: ['knexfile.js'] })
    const other = makeProject(projects.sequelize?.files ?? {})
    expect(await detectProject(other)).toMatchObject({
      packages: ['sequelize-cli'],
      toolFiles: ['backend/.sequelizerc'],
    })
  })

  it('survives what it cannot read', async () => {
    const root = makeProject({
      'package.json': 'nonsense',
      migrations: 'a file',
      'node_modules/x/migrations/1.sql': '',
    })
    expect(await detectProject(root)).toEqual({ migrations: [], toolFiles: [], packages: [], variables: [] })
  })
})
