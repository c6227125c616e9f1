/** Seeds: rows that every tenant begins with, put in once, and left alone where somebody changed them. */
import { expect, test } from 'vitest'
import type { SeedOptions, SeedReport } from '../../src/model/seed.ts'
import { onEach, openPostgres, type SeedPlace, type Words } from './seed-places.ts'

const tables = ({ id, text, json, time, blob, bool }: Words) => `
CREATE TABLE roles (id ${id}, name ${text} NOT NULL UNIQUE, label ${text}, rank_no int NOT NULL DEFAULT 0, is_system ${bool}, rights ${json},
  ratio numeric(10,2), since ${time}, icon ${blob});
CREATE TABLE modules (id ${id}, code ${text} NOT NULL UNIQUE, title ${text}, parent_id int REFERENCES modules (id));
CREATE TABLE role_modules (role_id int NOT NULL REFERENCES roles (id), module_id int NOT NULL REFERENCES modules (id),
  can_view ${bool} NOT NULL, can_edit ${bool} NOT NULL, PRIMARY KEY (role_id, module_id));
CREATE TABLE system_config (config_key ${text} PRIMARY KEY, config_value ${text});`

const role = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  label: `The ${name}'s "role" – ü \\ %`,
  rank_no: 10,
  is_system: true,
  rights: { read: ['a', 'b'], limit: 5, nested: { none: null } },
  ratio: 1.5,
  since: '2026-01-31T12:30:00Z',
  icon: { base64: 'AAECgP8=' },
  ...more,
})
const rolesFile = (rows: unknown[], more: Record<string, unknown> = {}) =>
  JSON.stringify({ table: 'roles', key: ['name'], ...more, rows }, null, 2)

/** The B2B modules, linked to SuperAdmin with full permissions. */
const b2b = {
  'seeds/010_roles.json': rolesFile([role('SuperAdmin'), role('Owner'), role('Admin'), role('Member')]),
  'seeds/020_modules.csv': `# tenantry:seed table=modules
code*,title,parent_id>modules.code
b2b,B2B,
b2b.clients,Clients,b2b
b2b.quotes,"Quotes, ""open"" ones",b2b
b2b.orders,Orders,b2b
b2b.shipments,"",b2b
b2b.invoices,Invoices,b2b
`,
  'seeds/030_role_modules.csv': `role_id>roles.name*,module_id>modules.code*,can_view,can_edit
SuperAdmin,b2b,true,true
SuperAdmin,b2b.clients,true,true
SuperAdmin,b2b.quotes,true,true
SuperAdmin,b2b.orders,true,true
SuperAdmin,b2b.shipments,true,true
SuperAdmin,b2b.invoices,true,true
`,
  'seeds/040_system_config.json': JSON.stringify({
    key: 'config_key',
    rows: [
      { config_key: 'tenant', config_value: '{tenant.slug}' },
      { config_key: 'nothing', config_value: null },
    ],
  }),
}

const seed = (place: SeedPlace, options: SeedOptions = {}, open = {}): Promise<SeedReport> =>
  place.project.use((tenantry) => tenantry.seed(options), open)
const errorsOf = (report: SeedReport) => report.targets.flatMap(({ error }) => error ?? [])

async function migrate(place: SeedPlace, words: Words): Promise<void> {
  place.project.write({ 'migrations/001_tables.sql': tables(words) })
  const report = await place.project.up()
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
}
const count = async (place: SeedPlace, table: string) =>
  Number((await place.ask(`SELECT count(*) AS n FROM ${table}`))[0]?.n)

onEach('the B2B modules are linked to SuperAdmin once, and a second run changes nothing', async (place, words) => {
  await migrate(place, words)
  place.project.write(b2b)
  const dry = await seed(place, { dryRun: true })
  expect(errorsOf(dry)).toEqual([])
  expect(dry).toMatchObject({ ok: true, dryRun: true, summary: { pending: 1, inserted: 18 } })
  expect(await count(place, 'roles')).toBe(0)

  const first = await seed(place)
  expect(errorsOf(first)).toEqual([])
  expect(first).toMatchObject({
    command: 'seed',
    ok: true,
    summary: { targets: 1, applied: 1, inserted: 18, updated: 0, kept: 0 },
    targets: [
      {
        target: place.target,
        tenants: ['acme'],
        result: 'applied',
        seeds: [
          { seed: '010_roles.json', kind: 'rows', tenant: null, result: 'applied', inserted: 4 },
          { seed: '020_modules.csv', inserted: 6 },
          { seed: '030_role_modules.csv', inserted: 6 },
          { seed: '040_system_config.json', inserted: 2 },
        ],
      },
    ],
  })
  const linked = await place.ask(
    `SELECT m.code, m.title FROM role_modules l JOIN roles r ON r.id = l.role_id JOIN modules m ON m.id = l.module_id
     WHERE r.name = 'SuperAdmin' AND l.can_edit ORDER BY m.code`,
  )
  expect(linked.map(({ code }) => code)).toEqual([
    'b2b',
    'b2b.clients',
    'b2b.invoices',
    'b2b.orders',
    'b2b.quotes',
    'b2b.shipments',
  ])
  expect(linked.map(({ title }) => title)).toEqual(['B2B', 'Clients', 'Invoices', 'Orders', 'Quotes, "open" ones', ''])
  expect((await place.ask("SELECT config_value AS v FROM system_config WHERE config_key = 'tenant'"))[0]?.v).toBe(
    'acme',
  )
  expect((await place.ask("SELECT config_value AS v FROM system_config WHERE config_key = 'nothing'"))[0]?.v).toBe(null)
  expect(Number((await place.ask('SELECT count(*) AS n FROM modules WHERE parent_id IS NOT NULL'))[0]?.n)).toBe(5)

  const second = await seed(place)
  expect(errorsOf(second)).toEqual([])
  expect(second).toMatchObject({
    ok: true,
    summary: { upToDate: 1, applied: 0, inserted: 0, updated: 0, unchanged: 18, kept: 0 },
    targets: [{ result: 'up-to-date' }],
  })
  expect([await count(place, 'roles'), await count(place, 'modules'), await count(place, 'role_modules')]).toEqual([
    4, 6, 6,
  ])
})

onEach(
  'rows that were there before are taken on where they are equal, and kept where they are not',
  async (place, words) => {
    await migrate(place, words)
    place.project.write({ 'seeds/010_roles.json': rolesFile([role('SuperAdmin'), role('Admin')]) })
    await seed(place)
    await place.ask("UPDATE roles SET label = 'mine' WHERE name = 'Admin'")
    await place.ask('DELETE FROM tenantry_seeds')
    const report = await seed(place)
    expect(errorsOf(report)).toEqual([])
    expect(report.summary).toMatchObject({ unchanged: 1, kept: 1, updated: 0, inserted: 0 })
    expect(report.targets[0]?.seeds[0]?.rows).toEqual([
      { row: 'name=Admin', state: 'kept', why: 'there before, and different: label' },
    ])
    expect((await place.ask("SELECT label FROM roles WHERE name = 'Admin'"))[0]?.label).toBe('mine')
  },
)

onEach(
  'a changed seed changes untouched rows and keeps edited and deleted ones; owned overwrites',
  async (place, words) => {
    await migrate(place, words)
    const names = ['Owner', 'Admin', 'Member', 'Guest']
    place.project.write({ 'seeds/010_roles.json': rolesFile(names.map((name) => role(name))) })
    await seed(place)
    await place.ask("UPDATE roles SET label = 'mine' WHERE name = 'Admin'")
    await place.ask("DELETE FROM roles WHERE name = 'Guest'")
    expect((await seed(place)).summary).toMatchObject({ unchanged: 2, kept: 2, inserted: 0, updated: 0 })

    const changed = names.map((name) => role(name, { rank_no: 20, rights: { limit: 6 } }))
    place.project.write({ 'seeds/010_roles.json': rolesFile(changed) })
    const report = await seed(place)
    expect(errorsOf(report)).toEqual([])
    expect(report.summary).toMatchObject({ updated: 2, kept: 2, unchanged: 0 })
    expect(report.targets[0]?.seeds[0]?.rows).toEqual(
      expect.arrayContaining([
        { row: 'name=Owner', state: 'updated', why: 'rank_no, rights' },
        { row: 'name=Admin', state: 'kept', why: 'edited: label' },
        { row: 'name=Guest', state: 'kept', why: 'deleted since' },
      ]),
    )
    const ranks = async () =>
      (await place.ask('SELECT name, rank_no AS n FROM roles ORDER BY name')).map((row) => `${row.name} ${row.n}`)
    expect(await ranks()).toEqual(['Admin 10', 'Member 20', 'Owner 20'])
    expect((await seed(place)).summary).toMatchObject({ updated: 0, kept: 2, unchanged: 2 })

    place.project.write({ 'seeds/010_roles.json': rolesFile(changed, { mode: 'owned' }) })
    expect((await seed(place)).summary).toMatchObject({ updated: 1, inserted: 1, unchanged: 2, kept: 0 })
    expect(await ranks()).toEqual(['Admin 20', 'Guest 20', 'Member 20', 'Owner 20'])
    expect((await seed(place)).summary).toMatchObject({ updated: 0, inserted: 0, unchanged: 4 })
  },
)

onEach(
  'rows that are no longer in the file are reported, and only taken away where the file says so',
  async (place, words) => {
    await migrate(place, words)
    place.project.write({ 'seeds/010_roles.json': rolesFile([role('Admin'), role('Old')]) })
    await seed(place)
    place.project.write({ 'seeds/010_roles.json': rolesFile([role('Admin')]) })
    const report = await seed(place)
    expect(report.summary).toMatchObject({ removed: 1, deleted: 0, unchanged: 1 })
    expect(report.targets[0]?.seeds[0]?.rows).toEqual([
      { row: 'name=Old', state: 'removed', why: 'no longer in the file' },
    ])
    place.project.write({ 'seeds/010_roles.json': rolesFile([role('Admin')], { mode: 'owned', removed: 'delete' }) })
    expect((await seed(place)).summary).toMatchObject({ removed: 0, deleted: 1 })
    expect(await count(place, 'roles')).toBe(1)
    expect((await seed(place)).summary).toMatchObject({ removed: 0, deleted: 0, unchanged: 1 })
  },
)

onEach('SQL and modules run where they are new or changed, each whole or not at all', async (place, words) => {
  await migrate(place, words)
  const sql = (value: string, header = '') =>
    `${header}INSERT INTO system_config (config_key, config_value) SELECT 'sql', '' FROM (SELECT 1 AS one) o
 WHERE NOT EXISTS (SELECT 1 FROM system_config WHERE config_key = 'sql');
UPDATE system_config SET config_value = '${value}' WHERE config_key = 'sql';
INSERT INTO modules (code, title) VALUES ('${value}', :tenant_slug);\n`
  place.project.write({
    'seeds/010_config.sql': sql('one'),
    'seeds/020_always.sql': "-- tenantry:seed always\nUPDATE roles SET rank_no = rank_no + 1 WHERE name = 'Counted';\n",
    'seeds/005_roles.json': rolesFile([{ name: 'Counted' }]),
    'seeds/030_code.mjs': `export default { async run({ query, tenant, environment, target }) {
      await query("INSERT INTO system_config (config_key, config_value) VALUES ('code', '" + [tenant.slug, environment, target].join(' ') + "')")
    } }`,
  })
  const first = await seed(place, {}, { environment: 'staging' })
  expect(errorsOf(first)).toEqual([])
  expect(first.targets[0]?.seeds.map(({ result }) => result)).toEqual(['applied', 'applied', 'applied', 'applied'])
  const value = async (key: string) =>
    (await place.ask(`SELECT config_value AS v FROM system_config WHERE config_key = '${key}'`))[0]?.v
  expect(await value('code')).toBe(`acme staging ${place.target}`)
  expect((await place.ask('SELECT title FROM modules'))[0]?.title).toBe('acme')

  const second = await seed(place)
  expect(second.targets[0]?.seeds.map(({ result }) => result)).toEqual([
    'up-to-date',
    'up-to-date',
    'applied',
    'up-to-date',
  ])
  expect(Number((await place.ask("SELECT rank_no AS n FROM roles WHERE name = 'Counted'"))[0]?.n)).toBe(2)

  place.project.write({ 'seeds/010_config.sql': sql('two') })
  expect((await seed(place, { only: ['10'] })).targets[0]?.seeds).toMatchObject([
    { seed: '010_config.sql', result: 'applied' },
  ])
  expect(await value('sql')).toBe('two')

  place.project.write({
    'seeds/010_config.sql': `${sql('three')}INSERT INTO modules (code) VALUES ('two');\n`,
    'seeds/040_after.sql': 'DELETE FROM system_config;',
  })
  const failed = await seed(place)
  expect(failed).toMatchObject({ ok: false, summary: { failed: 1 } })
  expect(failed.targets[0]?.seeds.map(({ result }) => result)).toEqual([
    'up-to-date',
    'failed',
    'skipped',
    'skipped',
    'skipped',
  ])
  const [error] = errorsOf(failed)
  expect(error).toMatchObject({ code: 'SEED_FAILED', context: { file: 'seeds/010_config.sql', line: 5 } })
  expect(await value('sql')).toBe('two')
})

onEach('a row that the table refuses: nothing of its file stays, and it is named', async (place, words) => {
  await migrate(place, words)
  const secret = 'hunter2-do-not-print'
  place.project.write({
    'seeds/010_config.json': JSON.stringify({ table: 'system_config', key: 'config_key', rows: [{ config_key: 'a' }] }),
    'seeds/020_roles.json': `{ "table": "roles", "key": ["name"], "rows": [
  { "name": "Fine", "label": "${secret}" },
  { "name": "Broken", "label": "${secret}", "rank_no": null }
] }`,
    'seeds/030_modules.json': JSON.stringify({ table: 'modules', key: 'code', rows: [{ code: 'a' }] }),
  })
  const report = await seed(place)
  expect(report.targets).toMatchObject([
    { result: 'failed', seeds: [{ result: 'applied' }, { result: 'failed' }, { result: 'skipped' }] },
  ])
  const [error] = errorsOf(report)
  expect(error).toMatchObject({
    code: 'SEED_FAILED',
    context: {
      seed: '020_roles.json',
      file: 'seeds/020_roles.json',
      row: 'name=Broken',
      line: 3,
      target: place.target,
    },
  })
  expect(error?.message).toContain('at the row name=Broken (seeds/020_roles.json:3)')
  expect(JSON.stringify(report)).not.toContain(secret)
  expect([await count(place, 'roles'), await count(place, 'system_config'), await count(place, 'modules')]).toEqual([
    0, 1, 0,
  ])
})

onEach('references that lead nowhere, or to several rows, are refused', async (place, words) => {
  await migrate(place, words)
  const link = (by: unknown) => ({
    'seeds/010_links.json': JSON.stringify({
      table: 'role_modules',
      key: ['role_id', 'module_id'],
      rows: [{ role_id: { ref: 'roles', by }, module_id: 1, can_view: true, can_edit: true }],
    }),
  })
  place.project.write(link({ name: 'Nobody' }))
  const [missing] = errorsOf(await seed(place))
  expect(missing).toMatchObject({ code: 'SEED_REFUSED' })
  expect(missing?.message).toContain('roles(name=Nobody), and there is no such row')
  await place.ask("INSERT INTO roles (name, rank_no) VALUES ('One', 7), ('Two', 7)")
  place.project.write(link({ rank_no: 7 }))
  expect(errorsOf(await seed(place))[0]?.message).toContain('there are several such rows')
  place.project.write(link({ no_such: 7 }))
  expect(errorsOf(await seed(place))[0]?.message).toContain('by no_such, which is no column of it')
})

test('all that is wrong in files is said at once, with file and line, and no target is touched', async () => {
  const place = await openPostgres(null)
  try {
    place.project.write({
      'migrations/001_x.sql': 'CREATE TABLE roles (id int);',
      'seeds/010_a.json': '{ "key": ["name"],\n  "rows": [\n    { "name": "x", },\n  ] }',
      'seeds/020_b.json':
        '{ "table": "roles", "key": ["name"], "mod": "owned",\n "rows": [ { "name": "x" },\n { "label": "no key" },\n { "name": "x" } ] }',
      'seeds/030_c.csv': 'name,label\na,b,c\n',
      'seeds/040_d.mjs': 'export default { go() {} }',
      'seeds/050_e.sql': '-- tenantry:seed allways\nSELECT 1;',
      'seeds/060_f.json':
        '{ "table": "roles", "key": ["name"], "mode": "initial", "removed": "delete",\n "rows": [ { "name": "x" } ] }',
    })
    const error = await seed(place).catch((thrown: unknown) => thrown as { code: string; message: string })
    expect(error).toMatchObject({ code: 'SEEDS_UNREADABLE' })
    const lines = (error as { message: string }).message.split('\n').slice(1)
    expect(lines.map((line) => /seeds\/\w+\.\w+(?::\d+)?/.exec(line)?.[0])).toEqual([
      'seeds/010_a.json:3',
      'seeds/020_b.json:1',
      'seeds/020_b.json:3',
      'seeds/020_b.json:4',
      'seeds/030_c.csv:2',
      'seeds/030_c.csv:1',
      'seeds/040_d.mjs',
      'seeds/050_e.sql:1',
      'seeds/060_f.json:1',
    ])
    expect(await place.ask("SELECT FROM pg_tables WHERE schemaname = 'public'")).toEqual([])
    place.project.write({ 'seeds/only/x.sql': '' })
    expect(await seed(place, { only: ['nothing'] }).catch((thrown: unknown) => thrown)).toMatchObject({
      code: 'SEED_UNKNOWN',
    })
  } finally {
    await place.close()
  }
})

test('a sub-folder named like the environment is for that one only, in the order of file names', async () => {
  const place = await openPostgres('t_acme')
  try {
    await migrate(place, {
      id: 'serial PRIMARY KEY',
      text: 'text',
      json: 'jsonb',
      time: 'timestamptz',
      blob: 'bytea',
      bool: 'boolean',
    })
    const config = (key: string) =>
      JSON.stringify({ table: 'system_config', key: 'config_key', rows: [{ config_key: key }] })
    place.project.write({
      'seeds/010_all.json': config('all'),
      'seeds/030_all.json': config('last'),
      'seeds/production/020_plans.json': config('production'),
      'seeds/development/020_plans.json': config('development'),
    })
    expect((await seed(place)).targets[0]?.seeds.map(({ seed: name }) => name)).toEqual([
      '010_all.json',
      '030_all.json',
    ])
    const production = await seed(place, {}, { environment: 'production' })
    expect(production).toMatchObject({ environment: 'production' })
    expect(production.targets[0]?.seeds.map(({ seed: name, result }) => `${name} ${result}`)).toEqual([
      '010_all.json up-to-date',
      'production/020_plans.json applied',
      '030_all.json up-to-date',
    ])
    expect((await place.ask('SELECT config_key FROM system_config ORDER BY 1')).map((row) => row.config_key)).toEqual([
      'all',
      'last',
      'production',
    ])
  } finally {
    await place.close()
  }
})
