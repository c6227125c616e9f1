import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isTenantryError } from '../model/errors.ts'
import { loadConfig } from './load.ts'

const main = { main: { url: 'postgres://u:pl4nted@localhost/app' } }

async function load(config: object) {
  const root = mkdtempSync(join(tmpdir(), 'tenantry-validate-'))
  const global = globalThis as { tenantryTestConfig?: object }
  global.tenantryTestConfig = config
  writeFileSync(join(root, 'tenantry.config.mjs'), 'export default globalThis.tenantryTestConfig')
  return loadConfig({ cwd: root, env: {} })
}

/** The problems, a line each; none if it loads. */
async function problemsOf(config: object): Promise<string[]> {
  try {
    await load(config)
    return []
  } catch (error) {
    if (!isTenantryError(error)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    expect(JSON.stringify(error) + String(error.stack)).not.toContain('pl4nted')
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
}

describe('a broken config', () => {
  it('lists every problem at once', async () => {
    const problems = await problemsOf({
      servers: {
        main: { url: 'postgres://u:pl4nted/x@h/db', maxConcurency: 3, tls: { rejectUnauthorized: false } },
        other: { url: undefined },
        my: { url: 'mysql://localhost/app', maxConcurrency: 0 },
        'a/b': { url: 'postgres://localhost/x' },
      },
      scratch: { server: 'mian' },
      migrations: [
        { name: 'a', dir: [], ignore: '(' },
        { name: 'a', format: 'liquibase', transaction: 'set', prefix: 5 },
        { dir: 5, history: { kind: 'prism', table: 'x'.repeat(64) }, tenants: { label: 'gold' } },
      ],
      tenants: [
        { slug: 'one', server: 'mian', database: 'x' },
        { slug: 'one', server: 'main', topology: 'schma', database: 'x' },
        { slug: 'two', server: 'main', topology: 'schema', database: 'x' },
        { slug: 'three', server: 'my', database: 'app', schema: 's' },
        { slug: 'four', topology: 'dedicated' },
        { slug: 'five', topology: 'dedicated', url: undefined },
        { slug: 'six', url: 'postgres://u:pl4nted/x@h/db' },
        { slug: 'x'.repeat(64), server: 'main', database: 'a\nb', lables: {} },
        5,
      ],
      lockTimeoutMs: '2s',
      concurrency: 0.5,
      requiredTables: [1],
      sharedSchema: 'pg_temp',
      rollout: {
        waves: [{ name: 'a', percent: 120 }, { name: 'a' }, { name: 'c', count: 1, percent: 5 }],
        maxFailures: 'many',
      },
      serverz: {},
    })
    const expected = [
      /^servers\.main\.maxConcurency: unknown key; did you mean `maxConcurrency`\?$/,
      /^servers\.main\.tls\.rejectUnauthorized: .*tls\.ca/,
      /^servers\.main\.url: can be read in two ways/,
      /^servers\.other\.url: is not set/,
      /^servers\.my\.maxConcurrency: must be a whole number from 1$/,
      /^servers\["a\/b"\]: .*no `\/`/,
      /^scratch\.server: there is no server "mian"; did you mean `main`\?$/,
      /^migrations\[0\]\.dir: is empty$/,
      /^migrations\[0\]\.ignore: is not a regular expression$/,
      /^migrations\[1\]\.name: another set is named "a"$/,
      /^migrations\[1\]\.format: must be one of auto, sql/,
      /^migrations\[1\]\.transaction: must be one of migration, target$/,
      /^migrations\[1\]\.prefix: must be a string, not a number$/,
      /^migrations\[2\]\.name: is missing/,
      /^migrations\[2\]\.dir: must be a string, not a number$/,
      /^migrations\[2\]\.history\.kind: must be one of .*did you mean `prisma`\?$/,
      /^migrations\[2\]\.history\.table: is 64 bytes long/,
      /^migrations\[2\]\.tenants\.label: must be written as `key=value`$/,
      /^tenants\[0\]\.server: there is no server "mian"; did you mean `main`\?$/,
      /^tenants\[1\]\.slug: is the slug of tenants\[0\] too$/,
      /^tenants\[1\]\.topology: must be one of .*did you mean `schema`\?$/,
      /^tenants\[2\]\.schema: is missing/,
      /^tenants\[3\]\.schema: does not work here: databases of mysql hold no schemas$/,
      /^tenants\[4\]: needs `url`, or `server` and `database`/,
      /^tenants\[5\]\.url: is not set/,
      /^tenants\[6\]\.url: can be read in two ways/,
      /^tenants\[7\]\.slug: is 64 bytes long/,
      /^tenants\[7\]\.database: holds a control character$/,
      /^tenants\[7\]\.lables: unknown key; did you mean `labels`\?$/,
      /^tenants\[8\]: must be an object/,
      /^lockTimeoutMs: must be a number, not a string$/,
      /^concurrency: must be a whole number from 1$/,
      /^requiredTables\[0\]: must be a string/,
      /^sharedSchema: is a schema of the server itself$/,
      /^rollout\.waves\[0\]\.percent: must be above 0 and at most 100$/,
      /^rollout\.waves\[1\]\.name: another wave is named "a"$/,
      /^rollout\.waves\[1\]: takes the rest/,
      /^rollout\.waves\[2\]: has both/,
      /^rollout\.waves: nothing takes the rest/,
      /^rollout\.maxFailures: must be a whole number/,
      /^serverz: unknown key; did you mean `servers`\?$/,
    ]
    for (const pattern of expected) expect(problems).toContainEqual(expect.stringMatching(pattern))
    // Sets 0 and 1 also meet in one history table.
    expect(problems).toHaveLength(expected.length + 1)
  })

  it.each([
    [{ servers: main }, /^tenants: is missing/],
    [
      { servers: main, tenants: { from: 'schema' } },
      /^tenants\.from: must be one of schemas, query, registry; did you mean `schemas`/,
    ],
    [{ servers: main, tenants: {} }, /^tenants\.from: is missing/],
    [{ servers: main, tenants: 'all' }, /^tenants: must be an object, not a string/],
    [{ servers: main, tenants: { from: 'schemas' } }, /^tenants: needs `like` or `match`/],
    [{ servers: main, tenants: { from: 'schemas', like: 'a', match: 'b' } }, /^tenants: has both/],
    [{ servers: main, tenants: { from: 'schemas', match: '[' } }, /^tenants\.match: is not a regular expression/],
    [{ servers: main, tenants: { from: 'schemas', match: /a/s } }, /^tenants\.match: has the flag `s`/],
    [
      { servers: main, tenants: { from: 'schemas', like: 'a', server: 'x' } },
      /^tenants\.server: there is no server "x"/,
    ],
    [{ servers: main, tenants: { from: 'schemas', like: 'a', sql: 'x' } }, /^tenants\.sql: unknown key/],
    [{ servers: main, tenants: { from: 'query' } }, /^tenants\.sql: is missing/],
    [
      { servers: { a: { url: 'postgres://h' } }, tenants: { from: 'query', sql: 'x' } },
      /^tenants\.database: is missing/,
    ],
    [
      { servers: { m: { url: 'mysql://h/x' } }, tenants: { from: 'schemas', like: 'a' } },
      /^tenants\.from: .*mysql hold no schemas/,
    ],
    [{ tenants: { from: 'query', sql: 'x' } }, /^tenants\.server: is missing, and the config has no servers/],
    [{ servers: main, tenants: [], registry: { tenants: {} } }, /^registry\.tenants\.columns: is missing/],
    [
      { servers: main, tenants: [], migrations: { placeholders: { a: 1 } } },
      /^migrations\.placeholders\.a: must be a string/,
    ],
    [
      { servers: { main: { ...main.main, ssl: { rejectUnauthorized: false } } }, tenants: [] },
      /^servers\.main\.ssl: .*`tls`/,
    ],
    [{ servers: { main: { ...main.main, tls: false } }, tenants: [] }, /^servers\.main\.tls: must be an object/],
    [{ servers: { main: 'postgres://u:pl4nted@h/d' }, tenants: [] }, /^servers\.main: must be an object, not a string/],
    [
      { servers: main, tenants: [{ slug: 'a', server: 'postgres://u:pl4nted@h/d', database: 'x' }] },
      /there is no server the one given/,
    ],
    [{ servers: main, tenants: [{ slug: 'a', topology: 'database' }] }, /^tenants\[0\]\.database: is missing/],
    [
      { servers: main, tenants: [{ slug: 'a', topology: 'dedicated' }] },
      /^tenants\[0\]\.database: .*needs `url`, or `server` and `database`/,
    ],
    [
      { servers: main, tenants: [{ slug: 'a', topology: 'database', database: 'x', schema: 'y' }] },
      /does not go with the topology `database`/,
    ],
    [
      { servers: main, tenants: [{ slug: 'a', url: 'postgres://h/x', server: 'main' }] },
      /^tenants\[0\]\.server: does not go with `url`/,
    ],
    [
      { servers: main, tenants: [{ slug: 'main', url: 'postgres://h/x' }] },
      /^tenants\[0\]\.slug: a server is named "main" too/,
    ],
    [{ tenants: [{ slug: 'a', url: 'postgres://h' }] }, /^tenants\[0\]\.database: .*neither the URL nor `database`/],
    [
      {
        servers: main,
        tenants: [
          { slug: 'a', id: '1', database: 'x' },
          { slug: 'b', id: '1', database: 'y' },
        ],
      },
      /^tenants\[1\]\.id: is the id of tenants\[0\]/,
    ],
    [{ servers: main, tenants: [{ slug: 'a', database: 'x', state: 'gone' }] }, /^tenants\[0\]\.state: must be one of/],
    [{ servers: main, tenants: [], rollout: { waves: [] } }, /^rollout\.waves: is empty/],
    [{ servers: main, tenants: [], rollout: { maxFailures: '101%' } }, /^rollout\.maxFailures/],
  ])('%#: %j', async (config, message) => {
    expect((await problemsOf(config)).join('\n')).toMatch(message)
  })
})

describe('sets', () => {
  const tenants = [
    { slug: 'p', database: 'p', labels: { kind: 'platform' } },
    { slug: 'a', database: 'a', labels: { kind: 'shop', tier: 'gold' } },
  ]
  it.each([
    [
      'the same table for all',
      [{ name: 'a' }, { name: 'b' }],
      /^migrations\[1\]: shares its history table with the set "a" for every tenant/,
    ],
    [
      'the same labels',
      [
        { name: 'a', tenants: { label: 'x=1' } },
        { name: 'b', tenants: { label: ['x=1', 'y=2'] } },
      ],
      /for the same labels/,
    ],
    [
      'labels that one tenant carries',
      [
        { name: 'a', tenants: { label: 'kind=shop' } },
        { name: 'b', tenants: { label: 'tier=gold' } },
      ],
      /for the tenant "a"/,
    ],
    ['a labelled set before the rest', [{ name: 'a', tenants: { label: 'kind=platform' } }, { name: 'b' }], null],
    [
      'labels that exclude each other',
      [
        { name: 'a', tenants: { label: 'kind=platform' } },
        { name: 'b', tenants: { label: 'kind=shop' } },
      ],
      null,
    ],
    ['tables of their own', [{ name: 'a' }, { name: 'b', history: { table: 'h' } }], null],
    [
      'other formats',
      [
        { name: 'a', format: 'sql' },
        { name: 'b', format: 'prisma' },
      ],
      null,
    ],
  ])('%s', async (_, migrations, message) => {
    const problems = await problemsOf({ servers: main, tenants, migrations })
    if (message === null) expect(problems).toEqual([])
    else expect(problems.join('\n')).toMatch(message)
  })

  it('finds two tenants of one target in two sets', async () => {
    const pool = [
      { slug: 'a', topology: 'shared', database: 'pool', labels: { k: '1' } },
      { slug: 'b', topology: 'shared', database: 'pool', labels: { k: '2' } },
    ]
    const migrations = [
      { name: 'x', tenants: { label: 'k=1' } },
      { name: 'y', tenants: { label: 'k=2' } },
    ]
    expect((await problemsOf({ servers: main, tenants: pool, migrations }))[0]).toMatch(
      /where the tenants "a" and "b" live/,
    )
  })
})

describe('drift', () => {
  it('names kinds that there are, plain expressions, and a reason for each', async () => {
    const drift = {
      kinds: ['table', 'indx'],
      ignore: [
        { object: '^tmp_' },
        { object: '(', reason: 'x' },
        { object: /x/i, reason: 'x' },
        { kind: 'table', object: '(?i)x', reason: 'x' },
      ],
    }
    const problems = await problemsOf({ servers: main, tenants: [{ slug: 'a', database: 'a' }], drift })
    expect(problems).toEqual([
      expect.stringMatching(/^drift\.kinds\[1\]: .*did you mean `index`/),
      expect.stringMatching(/^drift\.ignore\[0\]\.reason: is missing/),
      expect.stringMatching(/^drift\.ignore\[1\]\.object: is not a regular expression/),
      expect.stringMatching(/^drift\.ignore\[2\]\.object: must have no flags/),
      expect.stringMatching(/^drift\.ignore\[3\]\.object: is not a regular expression/),
    ])
  })

  it('is resolved', async () => {
    const drift = {
      kinds: ['table', 'grant'],
      ignore: [
        { kind: 'index', object: /^a\.b/, reason: 'r' },
        { object: 'x', reason: 's' },
      ],
    }
    const config = await load({ servers: main, tenants: [{ slug: 'a', database: 'a' }], drift })
    expect(config.drift).toEqual({
      kinds: ['table', 'grant'],
      ignore: [
        { kind: 'index', object: '^a\\.b', reason: 'r' },
        { kind: null, object: 'x', reason: 's' },
      ],
    })
  })
})

describe('a good config', () => {
  it('is resolved', async () => {
    const config = await load({
      servers: {
        main: { url: 'postgres://u:pl4nted@localhost/app', maxConcurrency: 2 },
        'eu-1': { url: 'postgres://eu.example/x' },
      },
      scratch: { server: 'main' },
      migrations: {
        dir: ['a', '/b'],
        format: 'sql',
        history: { kind: 'sql', table: 'h', schema: 's' },
        tenants: { label: ['tier=gold', 'x=a=b'] },
        ignore: /^skip/gi,
        placeholders: { '${A}': 'b' },
        session: ['SET LOCAL a = 1'],
        transaction: 'target',
      },
      tenants: [
        {
          slug: 'acme',
          topology: 'schema',
          server: 'main',
          database: 'app',
          schema: 't_acme',
          labels: { tier: 'gold' },
        },
        { slug: 'globex', topology: 'database', server: 'main', database: 'globex' },
        { slug: 'solo', topology: 'dedicated', url: 'postgres://u:pl4nted@solo.example/solo', name: 'Solo' },
        { slug: 'small1', topology: 'shared', server: 'main', database: 'pool' },
        { slug: 'small2', topology: 'shared', server: 'main', database: 'pool', id: '7' },
        { slug: 'we"ird 😀', topology: 'dedicated', server: 'eu-1', database: "SELECT 'x'; --" },
        { slug: 'own', url: 'postgres://solo.example/own?schema=shop' },
      ],
      rollout: { waves: [{ name: 'canary', count: 2 }, { name: 'tenth', percent: 10 }, { name: 'rest' }] },
    })
    expect(config.sets[0]).toMatchObject({
      dirs: [join(config.root, 'a'), '/b'],
      history: { kind: 'schema_migrations', table: 'h', schema: 's' },
      tenants: { labels: { tier: 'gold', x: 'a=b' } },
      ignore: /^skip/i,
      transaction: 'target',
    })
    expect([...config.servers.keys()]).toEqual(['main', 'eu-1', 'solo', 'own'])
    expect(config.servers.get('solo')).toMatchObject({
      host: 'solo.example',
      tls: { verify: 'full' },
      maxConcurrency: 8,
    })
    if (config.tenants.from !== 'list') throw new Error('not a list')
    expect(
      config.tenants.tenants.map(({ id, topology, placement }) => [id, topology, Object.values(placement).join('/')]),
    ).toEqual([
      ['acme', 'schema', 'main/app/t_acme'],
      ['globex', 'database', 'main/globex'],
      ['solo', 'dedicated', 'solo/solo'],
      ['small1', 'shared', 'main/pool'],
      ['7', 'shared', 'main/pool'],
      ['we"ird 😀', 'dedicated', "eu-1/SELECT 'x'; --"],
      ['own', 'dedicated', 'own/own/shop'],
    ])
    expect(config.policy).toMatchObject({ maxFailures: null, stopAfterFailedWave: true })
    expect(JSON.stringify([config, ...config.servers.values()])).not.toContain('pl4nted')
  })

  it('may describe tenants by schemas or a query', async () => {
    const schemas = await load({ servers: main, tenants: { from: 'schemas', match: /^t_/i } })
    expect(schemas.tenants).toEqual({ from: 'schemas', server: 'main', database: 'app', match: { regex: '(?i)^t_' } })
    const match = await load({ servers: main, tenants: { from: 'schemas', match: '(?i)^.+_[0-9]{8}$' } })
    expect(match.tenants).toMatchObject({ match: { regex: '(?i)^.+_[0-9]{8}$' } })
  })
})
