// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is Flyway's own sign.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { flyway } from './flyway.ts'
import { readToml } from './read-toml.ts'
import { readProperties } from './settings.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tenantry-flyway-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
  root,
  dirs: [join(root, 'sql')],
  ignore: null,
  placeholders: {},
  dialects: ['postgres'],
  ...more,
})
const load = (more: Partial<FormatOptions> = {}) => flyway.load(options(more))
const idsOf = async (more: Partial<FormatOptions> = {}) => (await load(more)).migrations.map(({ id }) => id)
const textOf = async (id: string, more: Partial<FormatOptions> = {}) => {
  const { up } = (await load(more)).migrations.find((one) => one.id === id) ?? { up: null }
  return up?.kind === 'sql' ? up.text : null
}

describe('folders', () => {
  it('orders versions part by part, and what repeats by description after them', async () => {
    write({
      'sql/V1_10__a.sql': '',
      'sql/V1.9__b.sql': '',
      'sql/deep/er/V20250101120000123__c.sql': '',
      'sql/R__b_view.sql': '',
      'other/R__A_view.sql': '',
      'other/V2__d.SQL': '',
      'sql/U2__d.sql': 'select 1;',
    })
    const { migrations, notices } = await load({ dirs: [join(root, 'sql'), join(root, 'other')] })
    expect(migrations.map(({ id }) => id)).toEqual([
      'V1.9__b',
      'V1_10__a',
      'V2__d',
      'V20250101120000123__c',
      'R__A_view',
      'R__b_view',
    ])
    expect(notices).toEqual([])
    expect(migrations[2]?.down?.file).toBe('sql/U2__d.sql')
    expect(migrations[3]?.row?.up).toMatchObject({
      version: '20250101120000123',
      script: 'deep/er/V20250101120000123__c.sql',
    })
    expect(migrations.map(({ repeats }) => repeats === true)).toEqual([false, false, false, false, true, true])
  })

  it('names what it does not run', async () => {
    write({
      'sql/V1__a.sql': '',
      'sql/beforeMigrate.sql': '',
      'sql/afterEachMigrate__grants.sql': '',
      'sql/Views.sql': '',
      'sql/B1__all.sql': '',
      'sql/V2__Load.java': '',
      'sql/U9__gone.sql': 'select 1;',
      'sql/notes.txt': '',
    })
    const { notices, migrations } = await load()
    expect(notices.map(({ rule, file }) => `${rule} ${file}`).sort()).toEqual([
      'flyway-baseline-file sql/B1__all.sql',
      'flyway-callback sql/afterEachMigrate__grants.sql',
      'flyway-callback sql/beforeMigrate.sql',
      'flyway-java sql/V2__Load.java',
      'flyway-name sql/Views.sql',
      'undo-without-migration sql/U9__gone.sql',
    ])
    expect(migrations.map(({ id }) => id)).toEqual(['V1__a', 'V2__Load'])
    const [, java] = migrations
    await expect(java?.up.kind === 'code' ? java.up.load() : null).rejects.toMatchObject({
      message: expect.stringContaining('sql/V2__Load.java'),
      hint: expect.stringContaining('-target=2'),
    })
  })

  it('refuses what Flyway refuses, and what its table could not tell apart', async () => {
    write({ 'sql/V1__a.sql': '', 'sql/deep/V1.0__b.sql': '' })
    await expect(load()).rejects.toMatchObject({
      code: 'MIGRATION_DUPLICATE',
      message: expect.stringContaining('version 1.0'),
    })
    rmSync(join(root, 'sql/deep'), { recursive: true })
    write({ 'sql/R__1.sql': '' })
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('could not be told apart') })
    rmSync(join(root, 'sql/R__1.sql'))
    write({ 'sql/V1__a.sql': '', 'sql/B0_9__old.sql': '' })
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('B0_9__old.sql') })
  })

  it('takes other prefixes, an empty one too', async () => {
    write({ 'sql/1__a.sql': '', 'sql/2_1__b.sql': '', 'sql/U1__a.sql': 'select 1;', 'sql/R__v.sql': '' })
    expect(await idsOf({ prefix: '' })).toEqual(['1__a', '2_1__b', 'R__v'])
    write({
      'flyway.toml':
        '[flyway]\nsqlMigrationPrefix = "M-"\nsqlMigrationSeparator = "--"\nsqlMigrationSuffixes = [".ddl", ".dml"]\n',
      'sql/M-7--x.ddl': '',
      'sql/M-8--y.dml': '',
    })
    expect(await idsOf()).toEqual(['M-7--x', 'M-8--y'])
  })
})

describe('placeholders', () => {
  it('are those of the config, of the file and of Flyway', async () => {
    write({
      'flyway.conf': 'flyway.placeholders.Owner=ann\nflyway.table=history\n',
      'sql/V1__a.sql': '-- ${OWNER} ${flyway:filename} ${flyway:table} ${flyway:defaultSchema} ${mine}',
    })
    const mine = '$' + '{mine}'
    expect(await textOf('V1__a', { placeholders: { [mine]: 'yes' } })).toBe('-- ann V1__a.sql history public yes')
    expect((await load({ placeholders: { [mine]: 'yes' } })).history).toEqual({ table: 'history' })
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('sql/V1__a.sql, line 1: ${mine}') })
    write({ 'sql/V1__a.sql.conf': 'placeholderReplacement=false\nexecuteInTransaction=false\n' })
    const [migration] = (await load()).migrations
    expect(migration).toMatchObject({ transaction: 'never', up: { text: expect.stringContaining('${OWNER}') } })
  })

  it('that each target has another of are refused', async () => {
    write({ 'sql/V1__a.sql': 'grant x to ${flyway:user};' })
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('each target may have another') })
    write({ 'sql/V1__a.sql': 'select 1 from ${flyway:defaultSchema}.t;' })
    await expect(load({ dialects: ['mysql'] })).rejects.toMatchObject({
      message: expect.stringContaining('in its own already'),
    })
  })

  it('count for the checksum of what repeats', async () => {
    write({ 'flyway.conf': 'flyway.placeholders.a=1\n', 'sql/R__v.sql': 'select ${a};' })
    const first = (await load()).migrations[0]
    write({ 'flyway.conf': 'flyway.placeholders.a=2\n' })
    const second = (await load()).migrations[0]
    expect(first?.row?.up.checksum).not.toBe(second?.row?.up.checksum)
    expect(first?.checksum).toBe(second?.checksum)
  })
})

describe('config files', () => {
  it('are read as far as they speak of migrations', () => {
    expect(
      readToml(
        '# c\n[flyway]\nlocations = [\n  "filesystem:a", # x\n  \'filesystem:b\',\n]\nmixed = true\n[flyway.placeholders]\n"a.b" = "c # d"\n[environments.x]\nurl = "u"\n',
      ),
    ).toEqual({
      'flyway.locations': ['filesystem:a', 'filesystem:b'],
      'flyway.mixed': 'true',
      'flyway.placeholders.a.b': 'c # d',
      'environments.x.url': 'u',
    })
    expect(readToml('what is this')).toMatch(/line 1/)
    expect(readProperties('# c\n a.b = c = d \n! e\nlong=1,\\\n  2\n')).toEqual({ 'a.b': 'c = d', long: '1,2' })
  })
})

it('makes the next version with its undo', async () => {
  write({ 'sql/V1_9__a.sql': '' })
  const now = new Date('2025-01-02T03:04:05Z')
  const files = await flyway.template(options(), 'Add users', { description: null, now })
  expect(files.map(({ path }) => path.slice(root.length + 1))).toEqual([
    'sql/V1.10__add_users.sql',
    'sql/U1.10__add_users.sql',
  ])
})
