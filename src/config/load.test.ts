import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isTenantryError, type TenantryError } from '../model/errors.ts'
import { type LoadOptions, loadConfig } from './load.ts'

const body = `{
  servers: { main: { url: 'postgres://u:p@localhost/app' } },
  tenants: [{ slug: 'acme', schema: 't_acme' }],
}`

function makeProject(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-config-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

function load(cwd: string, options: Partial<LoadOptions> = {}) {
  return loadConfig({ cwd, env: {}, ...options })
}

async function failure(promise: Promise<unknown>): Promise<TenantryError> {
  const error: unknown = await promise.then(
    () => expect.unreachable('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!isTenantryError(error)) throw error
  return error
}

describe('a config file', () => {
  it.each([
    [
      'tenantry.config.ts',
      `import { defineConfig } from 'tenantry'\nenum X { A = 1 }\nconst x: number = X.A\nexport default defineConfig(${body})`,
    ],
    [
      'tenantry.config.mts',
      `import { defineConfig, type Config } from 'tenantry'\nexport default defineConfig(${body} satisfies Config)`,
    ],
    ['tenantry.config.ts', `export default async ({ environment }: { environment: string | null }) => (${body})`],
    ['tenantry.config.mjs', `export default ${body}`],
    [
      'tenantry.config.mjs',
      `import { defineConfig } from 'tenantry'\nexport default defineConfig(async () => (${body}))`,
    ],
    ['tenantry.config.mjs', `export default Promise.resolve(${body})`],
    ['tenantry.config.cjs', `module.exports = ${body}`],
    ['tenantry.config.cjs', `Object.defineProperty(exports, '__esModule', { value: true })\nexports.default = ${body}`],
    ['tenantry.config.js', `export default ${body}`],
    [
      'tenantry.config.json',
      '\uFEFF{"$schema":"x","servers":{"main":{"url":"postgres://u:p@localhost/app"}},"tenants":[{"slug":"acme","schema":"t_acme"}]}',
    ],
  ])('%s loads (%#)', async (name, text) => {
    const root = makeProject({ [name]: text, 'package.json': '{"type":"module"}', 'a/b/x': '' })
    const config = await load(join(root, 'a/b'), { env: { NODE_ENV: 'production' } })
    expect(config).toMatchObject({ root, file: join(root, name), environment: null })
    expect(config.tenants).toEqual({
      from: 'list',
      tenants: [
        {
          id: 'acme',
          slug: 'acme',
          topology: 'schema',
          labels: {},
          state: 'active',
          placement: { server: 'main', database: 'app', schema: 't_acme' },
        },
      ],
    })
    expect(config.notices).toEqual([])
  })

  it('gets defaults', async () => {
    const root = makeProject({ 'tenantry.config.mjs': `export default ${body}` })
    expect(await load(root)).toMatchObject({
      concurrency: 16,
      lockTimeoutMs: 2000,
      lockRetryBudgetMs: 20000,
      targetLockWaitMs: 60000,
      statementTimeoutMs: 0,
      migrationTimeoutMs: 0,
      connectTimeoutMs: 10000,
      idleInTransactionTimeoutMs: 60000,
      sharedSchema: 'public',
      requiredTables: [],
      scratch: null,
      policy: { waves: [{ name: 'all' }], maxFailures: null },
      drift: { kinds: null, ignore: [] },
      sharedTables: { column: 'tenant_id', rowLevelSecurity: false, except: [] },
      sets: [
        {
          name: 'tenant',
          dirs: [join(root, 'migrations')],
          format: 'auto',
          history: { kind: 'auto', table: null, schema: null },
          tenants: null,
          ignore: null,
          transaction: 'migration',
        },
      ],
    })
  })

  it('is the nearest one, .ts before others, with a notice', async () => {
    const root = makeProject({
      'tenantry.config.mjs': 'throw new Error()',
      'a/tenantry.config.ts': `export default ${body}`,
      'a/tenantry.config.json': 'x',
    })
    const config = await load(join(root, 'a'))
    expect(config.file).toBe(join(root, 'a/tenantry.config.ts'))
    expect(config.notices.map((notice) => notice.rule)).toEqual(['config-files'])
  })

  it('is the one of --config, before TENANTRY_CONFIG', async () => {
    const root = makeProject({ 'one.mjs': `export default ${body}`, 'two.mjs': `export default ${body}` })
    expect((await load(root, { env: { TENANTRY_CONFIG: 'two.mjs' } })).file).toBe(join(root, 'two.mjs'))
    const config = await load(root, { file: 'one.mjs', env: { TENANTRY_CONFIG: 'two.mjs' } })
    expect(config.file).toBe(join(root, 'one.mjs'))
    expect(config.notices[0]?.message).toMatch(/--config is used/)
    expect((await failure(load(root, { file: 'three.mjs' }))).code).toBe('CONFIG_NOT_FOUND')
    expect((await failure(load(root, { file: 'package.yaml', env: {} }))).code).toBe('CONFIG_NOT_FOUND')
  })

  it.each([
    ['tenantry.config.ts', "const password = 'pl4nted'\nexport default {\n  a: 'pl4nted' 'x',\n}", 3],
    ['tenantry.config.mjs', "const a = 1\nexport default {\n  a: 'pl'4nted',\n}", 3],
    ['tenantry.config.cjs', "const a = 1\nmodule.exports = {\n  a: 'x' pl4nted,\n}", 3],
    ['tenantry.config.json', '{\n  "a": "pl4nted",\n  "b": pl4nted\n}', 3],
    ['tenantry.config.json', '{\n  "a": "pl4nted"\n  "b": 1\n}', 3],
    ['tenantry.config.ts', "\n\nthrow new Error('cannot reach postgres://u:pl4nted@h/db')", 3],
    ['tenantry.config.mjs', "\n\nthrow new Error('the password is ' + 'pl4nted')", 3],
    ['tenantry.config.cjs', "\n\nnew URL('pl4nted')", 3],
    ['tenantry.config.ts', "export default async () => {\n  await null\n  new URL('pl4nted')\n}", 3],
  ])('%s that fails names file and line, and shows no secret (%#)', async (name, text, line) => {
    const root = makeProject({ [name]: text })
    const error = await failure(load(root, { env: { DB_PASSWORD: 'pl4nted' } }))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', context: { file: join(root, name), line } })
    expect(error.message).toMatch(new RegExp(`^${name.replaceAll('.', '\\.')} failed at line ${line}`))
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toMatch(/pl4nted|4nted/)
  })

  it.each([
    ['tenantry.config.mjs', 'export const a = 1', /no default export/],
    ['tenantry.config.mjs', 'throw 5', /not an error was thrown/],
    ['tenantry.config.mjs', "import 'no-such-package'", /no-such-package/],
    ['tenantry.config.mjs', 'export default 5', /must be an object/],
    ['tenantry.config.json', '[]', /holds no object/],
  ])('%s with %j is refused', async (name, text, message) => {
    expect((await failure(load(makeProject({ [name]: text })))).message).toMatch(message)
  })

  it('tells a function the environment that was asked for', async () => {
    const text = `export default ({ environment, env }) => ({
      servers: { main: { url: env.URL_OF_DB } }, tenants: [{ slug: environment, database: 'x' }],
    })`
    const root = makeProject({ 'tenantry.config.mjs': text })
    const config = await load(root, { env: { NODE_ENV: 'test', URL_OF_DB: 'postgres://localhost/x' } })
    expect(config.tenants).toMatchObject({ tenants: [{ slug: 'test' }] })
  })

  it('may give tenants by a function, and reports what that throws', async () => {
    const text = (tenants: string) =>
      `export default { servers: { main: { url: 'postgres://localhost/x' } }, tenants: ${tenants} }`
    const collect = async (tenants: string) => {
      const config = await load(makeProject({ 'tenantry.config.mjs': text(tenants) }))
      if (config.tenants.from !== 'function') throw new Error('not a function')
      const all = []
      for await (const tenant of config.tenants.iterate()) all.push(tenant.slug)
      return all
    }
    expect(await collect("async function* () { yield { slug: 'a' }; yield { slug: 'b' } }")).toEqual(['a', 'b'])
    expect(await collect("async () => [{ slug: 'a' }]")).toEqual(['a'])
    expect(await collect("(function* () { yield { slug: 'a' } })()")).toEqual(['a'])
    const error = await failure(collect("() => { throw new Error('at postgres://u:pl4nted@h/db') }"))
    expect(error.message).toBe('`tenants` of the config failed: at [url]')
    expect((await failure(collect('() => 5'))).message).toMatch(/nothing that can be iterated/)
  })
})

describe('environments', () => {
  const text = `export default {
    servers: {
      main: { url: 'postgres://localhost/dev', maxConcurrency: 3, tls: undefined },
    },
    tenants: { from: 'schemas', like: 't_%' },
    migrations: [{ name: 'a', dir: 'a' }],
    rollout: { maxFailures: 3 },
    environments: {
      staging: { servers: { main: { url: 'postgres://localhost/staging' } }, rollout: { waves: [{ name: 'x', count: 1 }, { name: 'y' }] } },
      production: { servers: { main: { url: process.env.NO_SUCH_VARIABLE } }, migrations: [{ name: 'b', dir: 'b' }] },
      query: { tenants: { from: 'query', sql: 'select 1' } },
    },
  }`

  it('are merged over the base, objects key by key', async () => {
    const config = await load(makeProject({ 'tenantry.config.mjs': text }), { environment: 'staging' })
    expect(config.environment).toBe('staging')
    expect(config.servers.get('main')).toMatchObject({ database: 'staging', maxConcurrency: 3 })
    expect(config.policy).toEqual({ waves: [{ name: 'x', count: 1 }, { name: 'y' }], maxFailures: { count: 3 } })
    expect(config.sets.map((set) => set.name)).toEqual(['a'])
  })

  it('replace a source of another kind', async () => {
    const config = await load(makeProject({ 'tenantry.config.mjs': text }), { env: { TENANTRY_ENV: 'query' } })
    expect(config.tenants).toEqual({ from: 'query', server: 'main', database: 'dev', sql: 'select 1' })
  })

  it('never fall back to the base for a variable that is not set', async () => {
    const error = await failure(load(makeProject({ 'tenantry.config.mjs': text }), { env: { NODE_ENV: 'production' } }))
    expect(error.message).toMatch(/environment production.*\n {2}servers\.main\.url: is not set/)
  })

  it('must exist when asked for, unless by NODE_ENV', async () => {
    const root = makeProject({ 'tenantry.config.mjs': text })
    expect((await load(root, { env: { NODE_ENV: 'test' } })).environment).toBeNull()
    expect((await failure(load(root, { environment: 'stagin' }))).message).toMatch(/--env.*did you mean `staging`/)
    expect((await failure(load(root, { env: { TENANTRY_ENV: 'x' } }))).message).toMatch(/TENANTRY_ENV/)
  })

  it('say so when --env and TENANTRY_ENV disagree', async () => {
    const config = await load(makeProject({ 'tenantry.config.mjs': text }), {
      environment: 'staging',
      env: { TENANTRY_ENV: 'production', NODE_ENV: 'test' },
    })
    expect(config.notices.map((notice) => notice.message)).toEqual([
      '--env is used, and TENANTRY_ENV, which says otherwise, is not.',
    ])
  })

  it('that are not asked for are checked for keys and types', async () => {
    const broken = text.replace('production: {', "production: { concurency: 4, lockTimeoutMs: 'x',")
    const error = await failure(load(makeProject({ 'tenantry.config.mjs': broken })))
    expect(error.message).toMatch(/environments\.production\.concurency: unknown key; did you mean `concurrency`/)
    expect(error.message).toMatch(/environments\.production\.lockTimeoutMs: must be a number/)
    expect(error.message).not.toMatch(/is not set/)
  })
})

describe('how new tenants are made, and keys', () => {
  it('are refused where they cannot be, with all other problems', async () => {
    const provision = "{ server: 'mian', naming: 'tenant_{digits9}', topology: 'schema' }"
    const keys = "{ master: { env: 'A', file: './key' }, previous: {} }"
    const root = makeProject({
      'tenantry.config.mjs': `export default { provision: ${provision}, keys: ${keys}, concurrency: 0, ...${body} }`,
    })
    const { message } = await failure(load(root))
    expect(message).toMatch(/provision\.server: there is no server "mian"; did you mean `main`/)
    expect(message).toMatch(/provision\.naming: does not know \{digits9\}/)
    expect(message).toMatch(/keys\.master: names one of `env`, `file` or `command`; never the key itself/)
    expect(message).toMatch(/keys\.previous: names one of/)
    expect(message).toMatch(/concurrency: must be/)
  })
})

describe('numbers', () => {
  const root = makeProject({ 'tenantry.config.mjs': `export default { concurrency: 3, ...${body} }` })

  it('a flag beats a variable beats the config, with a notice', async () => {
    const config = await load(root, { env: { TENANTRY_CONCURRENCY: '5' }, overrides: { concurrency: 7 } })
    expect(config.concurrency).toBe(7)
    expect(config.notices.map((notice) => notice.message)).toEqual([
      'concurrency: 7 from --concurrency is used, not 5 from TENANTRY_CONCURRENCY and 3 from the config.',
    ])
    expect(await load(root, { env: { TENANTRY_CONCURRENCY: '3' } })).toMatchObject({ concurrency: 3, notices: [] })
    expect(await load(root, { env: { TENANTRY_LOCK_TIMEOUT_MS: '5' } })).toMatchObject({
      lockTimeoutMs: 5,
      notices: [],
    })
  })

  it('are refused where they are none, all at once', async () => {
    const error = await failure(
      load(root, {
        env: { TENANTRY_CONCURRENCY: '0', TENANTRY_STATEMENT_TIMEOUT_MS: '5s' },
        overrides: { connectTimeoutMs: -1 },
      }),
    )
    expect(error.message).toMatch(/TENANTRY_CONCURRENCY: must be a whole number from 1/)
    expect(error.message).toMatch(/TENANTRY_STATEMENT_TIMEOUT_MS: must be/)
    expect(error.message).toMatch(/the option connectTimeoutMs: must be/)
  })

  it('notices a misspelt variable', async () => {
    const { notices } = await load(root, { env: { TENANTRY_CONCURENCY: '1', TENANTRY_SOMETHING_ELSE: '1' } })
    expect(notices.map((notice) => notice.message)).toEqual([
      'The variable TENANTRY_CONCURENCY is not known; did you mean TENANTRY_CONCURRENCY?',
    ])
  })
})

describe('without a file', () => {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-env-'))
  const fromEnv = (env: Record<string, string>) => load(root, { env })

  it('fails and says what could be done', async () => {
    const error = await failure(fromEnv({}))
    expect(error).toMatchObject({ code: 'CONFIG_NOT_FOUND', hint: expect.stringContaining('tenantry init') })
  })

  it('is not kept from migrating by the size of a pool: what is no number is told, and not used', async () => {
    const config = await fromEnv({
      TENANT_REGISTRY_DB_URL: 'postgres://u:p@localhost/registry',
      REGISTRY_DB_POOL_MAX: 'none',
      DB_POOL_MAX: '0',
    })
    expect(config.registry?.poolMax).toBe(5)
    expect(config.notices.map(({ message }) => message).sort()).toEqual([
      'DB_POOL_MAX is no whole number from 1, and is not used.',
      'REGISTRY_DB_POOL_MAX is no whole number from 1, and is not used.',
    ])
  })

  it('takes DATABASE_URL', async () => {
    const config = await fromEnv({ DATABASE_URL: 'postgres://u:p@localhost/app?schema=public', DB_POOL_MAX: '1' })
    expect(config).toMatchObject({ file: null, root, concurrency: 16, notices: [] })
    expect(config.sets[0]?.dirs).toEqual([join(root, 'migrations')])
    expect(config.tenants).toMatchObject({
      tenants: [{ slug: 'app', topology: 'dedicated', placement: { server: 'main', database: 'app' } }],
    })
    const other = await fromEnv({ DATABASE_URL: 'postgres://localhost/app?schema=shop' })
    expect(other.tenants).toMatchObject({ tenants: [{ placement: { schema: 'shop' } }] })
  })

  it.each([
    [{ DB_NAME: 'app' }, { dialect: 'postgres', host: 'localhost', port: 5432, tls: null }],
    [
      { DB_HOST: 'db', DB_NAME: 'app', DB_USER: 'u', DB_PASS: ' p@:/%"\\\n' },
      { host: 'db', user: 'u', tls: { verify: 'full' } },
    ],
    [
      { DB_HOST: 'db', DB_NAME: 'app', DB_PORT: '3306' },
      { dialect: 'mysql', port: 3306 },
    ],
    [
      { DB_HOST: 'db', DB_NAME: 'app', DB_PORT: '3306', DB_DIALECT: 'postgres' },
      { dialect: 'postgres', port: 3306 },
    ],
    [
      { DB_HOST: 'db', DB_NAME: 'app', DB_DIALECT: 'MySQL2' },
      { dialect: 'mysql', port: 3306 },
    ],
    [
      { DB_HOST: '/run/postgresql', DB_NAME: 'app' },
      { socketPath: '/run/postgresql', tls: null },
    ],
    [
      { DB_HOST: '::1', DB_NAME: 'app' },
      { host: '::1', tls: null },
    ],
    [{ DB_HOST: 'db', DB_NAME: 'app', PGSSLMODE: 'disable' }, { tls: null }],
    [
      { DB_DIALECT: 'sqlite', DB_NAME: 'a b.db' },
      { dialect: 'sqlite', directory: root, database: 'a b.db' },
    ],
  ])('takes DB_*: %j', async (env, expected) => {
    const config = await fromEnv(env as Record<string, string>)
    expect(config.servers.get('main')).toMatchObject(expected)
    if ('DB_PASS' in env) expect(config.servers.get('main')?.password?.reveal()).toBe(env.DB_PASS)
  })

  it('says when DATABASE_URL and DB_* disagree, and when only TLS is missing nothing more', async () => {
    const same = { DATABASE_URL: 'postgres://u:pl4nted@localhost/app', DB_NAME: 'app' }
    expect((await fromEnv(same)).notices).toEqual([])
    const config = await fromEnv({ ...same, DB_NAME: 'other' })
    expect(config.notices.map((notice) => notice.message)).toEqual([
      'DATABASE_URL is used, and DB_*, which say otherwise, are not.',
    ])
  })

  it('prefers the registry, and says so', async () => {
    const config = await fromEnv({
      TENANT_REGISTRY_DB_URL: 'postgres://u:pl4nted@localhost/reg',
      DATABASE_URL: 'postgres://localhost/x',
    })
    expect(config.tenants).toEqual({ from: 'registry' })
    expect(config.servers.get('registry')?.database).toBe('reg')
    expect(config.notices[0]?.message).toMatch(/registry beats/)
    expect(JSON.stringify([config, ...config.servers])).not.toContain('pl4nted')
  })

  it.each([
    [{ DB_HOST: 'db' }, /DB_NAME: is not set/],
    [{ DB_HOST: 'db:5432', DB_NAME: 'x' }, /DB_HOST: is no host name/],
    [{ DB_HOST: 'postgres://u:pl4nted@h/x', DB_NAME: 'x' }, /DB_HOST: is no host name/],
    [
      { DB_NAME: 'app', DB_PORT: 'x', DB_DIALECT: 'postgers' },
      /DB_PORT: must be.*\n.*DB_DIALECT: .*did you mean `postgres`/,
    ],
    [{ DATABASE_URL: 'postgres://u:pl4nted/x@h/db' }, /DATABASE_URL: .*percent-encoded/],
    [{ DATABASE_URL: 'postgres://u:pl4nted@h' }, /DATABASE_URL: names no database/],
    [{ DATABASE_URL: 'postgres://u:pl4nted@h/db?sslmode=no-verify' }, /tls\.unsafeSkipVerification/],
    [{ TENANT_REGISTRY_DB_URL: 'pl4nted' }, /TENANT_REGISTRY_DB_URL: must start with/],
  ])('reports what is wrong: %j', async (env, message) => {
    const error = await failure(fromEnv(env as Record<string, string>))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toMatch(message)
    expect(JSON.stringify(error)).not.toContain('pl4nted')
  })

  it('suggests the right variable for a common other one', async () => {
    const { notices } = await fromEnv({ DB_NAME: 'app', DB_PASSWORD: 'pl4nted' })
    expect(notices.map((notice) => notice.message)).toEqual([
      'The variable DB_PASSWORD is not read; did you mean DB_PASS?',
    ])
  })
})
