/** The package as its users get it: packed, installed in an empty project, run. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import type { Ended } from './run-built.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest: { version: string; devDependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)

/** Long enough for a registry that is slow today. */
const installMs = 240_000

let database: TestDatabase
let dir: string
let packed: { filename: string; files: { path: string }[] }
let urls: { DATABASE_URL: string }

function run(program: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const own = { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_loglevel: 'error', ...env }
    execFile(program, argv, { cwd: dir, env: own, timeout: installMs }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })
}

async function npm(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier']
  const { code, stdout, stderr } = await run('npm', [...argv, ...quiet], env)
  if (code !== 0) throw new Error(`npm ${argv.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
}

const tenantry = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run('npx', ['--no-install', 'tenantry', ...argv], { ...urls, ...env })

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
}

beforeAll(async () => {
  database = await freshDatabase('package')
  urls = { DATABASE_URL: database.url }
  dir = mkdtempSync(join(tmpdir(), 'tenantry-package-'))
  const pack = await run('npm', ['pack', root, '--json', '--ignore-scripts', '--pack-destination', dir])
  ;[packed] = JSON.parse(pack.stdout)
  write({ 'package.json': JSON.stringify({ name: 'user', version: '1.0.0', private: true, type: 'module' }) })
  await npm(['install', `./${packed.filename}`])
}, installMs)

afterAll(async () => {
  await database?.drop()
  if (dir) rmSync(dir, { recursive: true, force: true })
})

test('holds what runs, and neither tests nor sources', () => {
  const paths = packed.files.map(({ path }) => path)
  expect(paths).toContain('dist/cli/main.js')
  expect(paths).toContain('dist/index.d.ts')
  expect(paths).toContain('dist/extend.d.ts')
  expect(paths).toContain('LICENSE')
  expect(paths).toContain('deploy/docker-entrypoint.sh')
  // Hints of errors name these pages.
  expect(paths).toContain('docs/guide.md')
  expect(
    paths.filter(
      (path) =>
        !/^(dist\/.+\.(js|d\.ts)|deploy\/.+|docs\/.+\.md|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(path),
    ),
  ).toEqual([])
  expect(paths.filter((path) => /\.test\.|(^|\/)(test|bench|demo)\//.test(path))).toEqual([])
})

test('without the driver: says what to install', async () => {
  write({ 'migrations/001_init.sql': 'create table contact (id int primary key);\n' })
  const { code, stdout } = await tenantry(['plan', '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'DRIVER_MISSING',
    hint: expect.stringContaining('npm install pg'),
  })
  expect(await tenantry(['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` })
  expect(await tenantry(['--help'])).toMatchObject({ code: 0 })
})

describe('with the driver', () => {
  beforeAll(async () => {
    const pg = `pg@${manifest.devDependencies.pg}`
    const others = ['typescript', '@types/node'].map((name) => `${name}@${manifest.devDependencies[name]}`)
    await npm(['install', pg])
    await npm(['install', '--save-dev', ...others])
  }, installMs)

  test(
    'init, plan, up, status, with a config in TypeScript',
    async () => {
      const init = await tenantry(['init'])
      expect([init.code, init.stderr]).toEqual([0, ''])
      expect(readFileSync(join(dir, 'tenantry.config.ts'), 'utf8')).toContain("from 'tenantry'")
      expect(await tenantry(['plan'])).toMatchObject({ code: 0, stdout: expect.stringContaining('001_init') })
      expect(await tenantry(['up'])).toMatchObject({ code: 0, stdout: expect.stringContaining('1 applied') })
      expect(await tenantry(['check'])).toMatchObject({ code: 0 })
      const status = await tenantry(['status', '--json'])
      expect(JSON.parse(status.stdout)).toMatchObject({ ok: true, targets: [{ result: 'up-to-date' }] })
      expect(await database.query("select to_regclass('public.contact')::text as t")).toEqual([{ t: 'contact' }])
    },
    installMs,
  )

  test(
    'a config of two tenants with defineConfig, in production without dev dependencies',
    async () => {
      await database.query('create schema t_a; create schema t_b')
      write({
        'tenantry.config.ts': `import { type Config, defineConfig } from 'tenantry'
const tenants: Config['tenants'] = ['a', 'b'].map((slug) => ({ slug, topology: 'schema' as const, schema: \`t_\${slug}\` }))
export default defineConfig({ servers: { main: { url: process.env.DATABASE_URL } }, tenants, environments: { production: { concurrency: 2 } } })
`,
      })
      await npm(['ci', '--omit=dev'], { NODE_ENV: 'production' })
      const { code, stdout } = await tenantry(['up', '--json'], { NODE_ENV: 'production' })
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, summary: { targets: 2, applied: 2 } })
      await npm(['ci'])
    },
    installMs,
  )

  test('a config with a syntax error: file and line', async () => {
    write({ 'broken.mjs': "export default {\n  tenants: [],\n  servers: { main: { url: 'x' }\n}\n" })
    const { code, stderr } = await tenantry(['plan', '--config', 'broken.mjs'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/broken\.mjs failed at line [345], column [1-9]/)
    expect(stderr).not.toMatch(/\n\s+at .*node_modules/)
  })

  test('the types of what is exported', async () => {
    write({
      'app.ts': `import { defineConfig, isTenantryError, openTenantry, type FleetReport, type TenantryEvent } from 'tenantry'
import { type AddedDialect, type Format, historyShape, loadDialect } from 'tenantry/extend'

export const mine: Format = {
  name: 'mine',
  history: historyShape('schema_migrations'),
  detect: async () => 0,
  load: async () => ({ migrations: [], notices: [] }),
  template: async () => [],
}
export const own: AddedDialect = {
  name: 'own',
  family: 'postgres',
  schemes: ['own'],
  load: async () => ({ ...(await loadDialect('postgres')), name: 'own' }),
}
export const config = defineConfig({
  servers: { main: { url: process.env.DATABASE_URL, tls: { ca: './ca.pem' } } },
  migrations: [{ name: 'platform', dir: './p', tenants: { label: 'kind=platform' } }, { name: 'tenant', transaction: 'target' }],
  tenants: { from: 'schemas', like: 't_%' },
  formats: [mine],
  dialects: [own],
  rollout: { waves: [{ name: 'canary', count: 2 }, { name: 'rest' }], maxFailures: '5%' },
})
// @ts-expect-error a key that there is not
export const wrong = defineConfig({ tenants: [], concurency: 2 })

export async function migrate(): Promise<number> {
  const tenantry = await openTenantry({ emit: (event: TenantryEvent) => void event.type })
  try {
    const report: FleetReport = await tenantry.up({ selectors: { labels: ['tier=gold'] }, maxFailures: { percent: 5 } })
    const status = await tenantry.status()
    for (const target of status.details) console.log(target.applied.length)
    return report.summary.applied
  } catch (error) {
    if (isTenantryError(error)) console.log(error.code, error.hint)
    throw error
  } finally {
    await tenantry.close()
  }
}
`,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'es2022',
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          types: ['node'],
        },
        files: ['app.ts', 'tenantry.config.ts'],
      }),
    })
    expect(await run('npx', ['--no-install', 'tsc', '-p', '.'])).toMatchObject({ code: 0, stdout: '' })
  }, 60_000)
})
