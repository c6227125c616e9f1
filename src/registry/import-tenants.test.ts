import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TenantryError } from '../model/errors.ts'
import type { NewTenantRecord, TenantRecord } from '../model/registry.ts'
import type { ServerAddress } from '../model/server.ts'
import type { TenantRules } from './check-new-tenant.ts'
import { importTenants } from './import-tenants.ts'

const dir = mkdtempSync(join(tmpdir(), 'tenantry-import-'))
afterAll(() => rmSync(dir, { recursive: true }))

const server = (name: string, dialect: ServerAddress['dialect']): [string, ServerAddress] => [
  name,
  { name, dialect, host: '127.0.0.1', port: 1, tls: null, maxConcurrency: 1, maxConcurrencyPerDatabase: 1 },
]
const rules: TenantRules = {
  root: dir,
  servers: new Map([server('main', 'postgres'), server('maria', 'mysql')]),
  registry: null,
  provision: {
    topology: null,
    server: 'main',
    database: 'app',
    naming: '{slug}_{digits8}',
    role: true,
    extensions: [],
    from: 'auto',
    firstRows: null,
  },
}

/** A book of these tenants, and what was added to it. */
function book(...there: Partial<TenantRecord>[]) {
  const added: NewTenantRecord[] = []
  const tenants = there.map((tenant, i) => ({
    id: `00000000-0000-4000-8000-00000000000${i}`,
    slug: 'there',
    topology: 'database' as const,
    labels: {},
    state: 'active' as const,
    placement: { server: 'main', database: 'there' },
    address: null,
    createdAt: null,
    updatedAt: null,
    ...tenant,
  }))
  return {
    added,
    async *list() {
      yield* tenants
    },
    async add(tenants: readonly NewTenantRecord[]) {
      added.push(...tenants)
      return []
    },
  }
}

let files = 0
async function take(text: string | Buffer, store = book(), name = 'tenants.csv', options = {}) {
  const file = join(dir, `${files++}-${name}`)
  writeFileSync(file, text)
  const report = await importTenants(store, file, rules, { name: 'ada' }, options)
  return { report, added: store.added }
}

async function refused(text: string | Buffer, store = book(), name = 'tenants.csv'): Promise<TenantryError> {
  const error = await take(text, store, name).then(
    () => null,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(TenantryError)
  expect(store.added).toEqual([])
  return error
}

const problemsOf = (error: TenantryError) =>
  (error.context.problems as { line: number; message: string }[]).map(({ line, message }) => `${line}: ${message}`)

test('every column, as CSV and as JSON', async () => {
  const id = '3F2B8C1E-5A74-4D0E-9C1B-0D6F7A8B9C10'
  const expected = [
    {
      id: id.toLowerCase(),
      slug: 'acme',
      name: 'Acme, "the" one',
      topology: 'schema',
      state: 'suspended',
      labels: { tier: 'gold', 'region/x': 'eu' },
      placement: { server: 'main', database: 'other', schema: 't_acme' },
      credential: { user: 'acme_app', reference: 'env:ACME_PASSWORD' },
    },
    {
      slug: 'bolt',
      topology: 'database',
      state: 'active',
      labels: {},
      placement: { server: 'maria', database: 'bolt' },
    },
    {
      slug: 'core',
      topology: 'schema',
      state: 'active',
      labels: {},
      placement: { server: 'main', database: 'app', schema: 'c' },
    },
  ]
  const csv = await take(
    `\ufeffslug,id,name,topology,server,database,schema,user,password_ref,state,label.tier,label.region/x\r\nacme,${id},"Acme, ""the"" one",schema,main,other,t_acme,acme_app,env:ACME_PASSWORD,suspended,gold,eu\r\nbolt,,,,maria,bolt\r\ncore,,,,,,c\r\n`,
  )
  expect(csv.added).toEqual(expected)
  expect(csv.report).toMatchObject({ tenants: 3, states: { suspended: 1, active: 2 }, dryRun: false })
  const json = await take(
    JSON.stringify([
      {
        ...expected[0],
        credential: undefined,
        placement: undefined,
        server: 'main',
        database: 'other',
        schema: 't_acme',
        user: 'acme_app',
        password_ref: 'env:ACME_PASSWORD',
      },
      { slug: 'bolt', server: 'maria', database: 'bolt', labels: null },
      { slug: 'core', schema: 'c' },
    ]),
    book(),
    'tenants.json',
  )
  expect(json.added).toEqual(expected)
})

test('all bad lines at once, by number, and nothing is added', async () => {
  const store = book(
    { slug: 'there', placement: { server: 'main', database: 'there' } },
    { slug: 'old', state: 'archived', placement: { server: 'main', database: 'old' } },
  )
  const error = await refused(
    [
      'slug,id,topology,server,database,schema,state,password_ref,colour,label.a=b',
      'good,,,,good', // 2
      'Bad,,,,bad', // 3
      ",,,,x'; drop table tenants;--", // 4: no slug
      'good,,,,again', // 5: the slug of 2
      'same,,,,good', // 6: the place of 2
      'there,,,,fresh', // 7: in the registry
      'fresh,,,,old', // 8: the place of an archived one
      'id,12345,,,i', // 9
      'topo,,datbase,,t', // 10
      'serv,,,mian,s', // 11
      'schema,,,maria,s,x', // 12: no schemas there
      'state,,,,st,,removing', // 13
      'ref,,,,r,,,hunter2', // 14: a password where a reference belongs
      '\u0430cme,,,,l', // 15
      `${'l'.repeat(300)},,,,m`, // 16
      'e,00000000-0000-4000-8000-000000000001,,,e', // 17: the id of "old"
      '"x"y,,,,x', // 18
      'lab,,,,lab,,,,,v', // 19: the label's name
    ].join('\n'),
    store,
  )
  expect(error).toMatchObject({ code: 'TENANT_INVALID', hint: expect.stringContaining('--dry-run') })
  const problems = problemsOf(error)
  expect(
    problems.map((problem) => Number.parseInt(problem, 10)).filter((line, i, all) => all.indexOf(line) === i),
  ).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  expect(error.message).toContain('in 17 lines, so nothing was imported')
  for (const problem of problems) expect(error.message).toContain(problem.split(': ')[1])
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^3: .*U\+0042 as character 1/),
      expect.stringMatching(/^5: slug "good" is in line 2, too/),
      expect.stringMatching(/^6: main\/good is the place of "good" in line 2, too/),
      expect.stringMatching(/^7: slug "there" is in the registry already \(active\)/),
      expect.stringMatching(/^8: main\/old is the place of "old" in the registry/),
      expect.stringMatching(/^10: topology .*did you mean `database`/),
      expect.stringMatching(/^11: server .*did you mean `main`/),
      expect.stringMatching(/^14: password_ref /),
      expect.stringMatching(/^15: .*U\+0430/),
      expect.stringMatching(/^17: id .* is that of "old"/),
    ]),
  )
  expect(JSON.stringify(error)).not.toContain('hunter2')
})

test('a heading that is not known is told once, with what is near', async () => {
  const error = await refused('slug,databse\na,a\nb,b\n')
  expect(problemsOf(error).filter((problem) => problem.includes('there is no column'))).toEqual([
    expect.stringMatching(/^2: there is no column "databse"; did you mean `database`\?/),
  ])
})

test('passwords in a file are refused even where all else is well', async () => {
  for (const [text, name] of [
    ['slug,database,password\na,a,hunter2\n', 'x.csv'],
    ['[{"slug":"a","database":"a","password":"hunter2"}]', 'x.json'],
  ] as const) {
    const error = await refused(text, book(), name)
    expect(error.message).toMatch(/password_ref/)
    expect(JSON.stringify(error)).not.toContain('hunter2')
  }
})

describe('one place, several tenants', () => {
  test('only where all of them share its tables', async () => {
    const rows = (first: string, second: string) => `slug,topology,database\na,${first},pool\nb,${second},pool\n`
    expect((await take(rows('shared', 'shared'))).added).toHaveLength(2)
    await refused(rows('shared', 'database'))
    await refused(rows('dedicated', 'database'))
    const pool = { slug: 'p', topology: 'shared' as const, placement: { server: 'main', database: 'pool' } }
    expect((await take('slug,topology,database\na,shared,pool\n', book(pool))).added).toHaveLength(1)
    await refused('slug,topology,database\na,database,pool\n', book(pool))
  })

  test('the default schema is one place, named or not', async () => {
    await refused('slug,database,schema\na,x,\nb,x,public\n')
  })
})

test.each<[string, Buffer | string, RegExp]>([
  ['UTF-16', Buffer.from('\ufeffslug\n', 'utf16le'), /not UTF-8/],
  ['Latin-1', Buffer.from('slug,name\na,caf\u00e9\n', 'latin1'), /not UTF-8/],
])('%s is told from UTF-8', async (_, bytes, message) => {
  expect((await refused(bytes)).message).toMatch(message)
})

test('a file that is not there', async () => {
  await expect(importTenants(book(), join(dir, 'none.csv'), rules, { name: 'ada' })).rejects.toMatchObject({
    code: 'TENANT_INVALID',
    message: expect.stringContaining('ENOENT'),
  })
})

test('--dry-run finds the same and adds nothing', async () => {
  const dry = await take('slug,database\na,a\n', book(), 'd.csv', { dryRun: true })
  expect(dry.report).toMatchObject({ dryRun: true, tenants: 1 })
  expect(dry.added).toEqual([])
})

test('commands that a file brings along are told of', async () => {
  const { report } = await take('slug,database,password_ref\na,a,command:cat /run/a\n')
  expect(report.notices).toMatchObject([{ rule: 'import-commands', message: expect.stringContaining('1 of these') }])
})

test('an empty file is no problem, and no tenant', async () => {
  expect((await take('')).report).toMatchObject({ ok: true, tenants: 0 })
})

test('thousands of bad lines: the message is cut, the context is not', async () => {
  const error = await refused(`slug\n${'Bad\n'.repeat(3000)}`)
  expect(error.message.split('\n').length).toBeLessThan(210)
  expect(problemsOf(error).length).toBeGreaterThanOrEqual(3000)
})

test('a hundred thousand lines', async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `t${i},"Tenant ${i}",db_${i},gold`)
  const { added } = await take(`slug,name,database,label.tier\n${lines.join('\n')}\n`)
  expect(added).toHaveLength(100_000)
}, 60_000)
