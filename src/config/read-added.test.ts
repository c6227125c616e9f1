import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from './load.ts'

const format = `{
  name: 'mine', detect: async () => 0, load: async () => ({ migrations: [], notices: [] }), template: async () => [],
  history: {
    kind: 'mine', defaultTable: 'mine', key: 'k', spelling: 'id', columns: [], order: [], checksum: null,
    finishedAt: null, rolledBackAt: null, batch: null, nativeLock: null, values: () => ({}),
  },
}`
const dialect = `{ name: 'own', family: 'postgres', schemes: ['own'], load: async () => ({}) }`

async function load(parts: string) {
  const cwd = await mkdtemp(join(tmpdir(), 'tenantry-added-'))
  try {
    const file = join(cwd, `config-${Math.random().toString(36).slice(2)}.mjs`)
    const text = `const format = ${format}\nconst dialect = ${dialect}\nexport default { tenants: [], ${parts} }\n`
    await writeFile(file, text)
    return await loadConfig({ cwd, file, env: {} })
  } finally {
    await rm(cwd, { recursive: true })
  }
}

async function problemsOf(parts: string): Promise<unknown> {
  const error: unknown = await load(parts).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
  return (error as Error).message
}

it('takes formats and dialects, and what names them', async () => {
  const config = await load(`
    formats: [format], dialects: [dialect, { ...dialect, name: 'files', family: 'sqlite', schemes: ['sharded'] }],
    servers: { a: { url: 'own://u:p@localhost/db' }, b: { url: 'sharded:./data' }, c: { url: 'postgres://u@localhost/d' } },
    migrations: { format: 'mine', history: { kind: 'mine' } },
    environments: { production: { migrations: { format: 'mine' } } },`)
  expect(config.sets).toMatchObject([{ format: 'mine', history: { kind: 'mine' } }])
  expect([...config.servers.values()]).toMatchObject([
    { dialect: 'postgres', addedDialect: 'own', port: 5432, host: 'localhost', database: 'db' },
    { dialect: 'sqlite', addedDialect: 'files', directory: expect.stringMatching(/data$/) },
    { dialect: 'postgres' },
  ])
  expect(config.servers.get('c')).not.toHaveProperty('addedDialect')
})

it('gives tenants with a URL their dialect, and URLs without a port its own', async () => {
  const config = await load(
    `dialects: [{ ...dialect, defaultPort: 26257 }], servers: {}, tenants: [{ slug: 't', url: 'own://u@localhost/db' }],`,
  )
  expect(config.servers.get('t')).toMatchObject({ addedDialect: 'own', port: 26257 })
})

it.each([
  ["formats: [{ ...format, name: 'sql' }]", 'formats[0].name', '"sql" is taken by the built-in format'],
  ['formats: [format, format]', 'formats[1].name', '"mine" is taken by formats[0]'],
  ["formats: [{ ...format, name: 'auto' }]", 'formats[0].name', 'must be a word'],
  ["formats: ['mine']", 'formats[0]', 'must be an object'],
  ['formats: [{ ...format, load: undefined }]', 'formats[0].load', 'is missing'],
  ['formats: [{ ...format, history: undefined }]', 'formats[0].history', 'is missing'],
  ['formats: [{ ...format, history: { ...format.history, key: 1 } }]', 'formats[0].history.key', 'must be a string'],
  [
    'formats: [{ ...format, history: { ...format.history, batch: undefined } }]',
    'formats[0].history.batch',
    'is missing; `null` says',
  ],
  ["formats: [format], migrations: { format: 'mime' }", 'migrations.format', 'did you mean `mine`?'],
  ["migrations: { history: { kind: 'mine' } }", 'migrations.history.kind', 'must be one of'],
  ["dialects: [{ ...dialect, name: 'mysql' }]", 'dialects[0].name', '"mysql" is taken by the built-in dialect'],
  ["dialects: [dialect, { ...dialect, name: 'two' }]", 'dialects[1].schemes', '`own:` is taken by the dialect "own"'],
  [
    "dialects: [{ ...dialect, schemes: ['libsql'] }]",
    'dialects[0].schemes',
    '`libsql:` is taken by a built-in dialect',
  ],
  ["dialects: [{ ...dialect, schemes: ['Own:'] }]", 'dialects[0].schemes', 'small letters'],
  ['dialects: [{ ...dialect, schemes: [] }]', 'dialects[0].schemes', 'must be a list'],
  ["dialects: [{ ...dialect, family: 'oracle' }]", 'dialects[0].family', 'must be one of postgres, mysql, sqlite'],
  ['dialects: [{ ...dialect, defaultPort: 0 }]', 'dialects[0].defaultPort', 'from 1 to 65535'],
  ['dialects: [{ ...dialect, load: 1 }]', 'dialects[0].load', 'is missing'],
  ["dialects: [dialect], servers: { a: { url: 'owm://u@h/d' } }", 'servers.a.url', 'must start with own:, postgres:'],
])('refuses %s', async (parts, path, message) => {
  const said = await problemsOf(`${parts},`)
  expect(said).toContain(path)
  expect(said).toContain(message)
})
