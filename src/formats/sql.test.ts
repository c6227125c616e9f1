import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isTenantryError, type TenantryError } from '../model/errors.ts'
import type { FormatOptions } from '../model/format.ts'
import { sql } from './sql.ts'

const root = join(import.meta.dirname, '../../test/fixtures')
const none = { ignore: null, placeholders: {} }
const from = (...names: string[]): FormatOptions => ({ root, dirs: names.map((name) => join(root, name)), ...none })

async function fail(work: Promise<unknown>): Promise<TenantryError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!isTenantryError(error)) throw new Error('expected a TenantryError', { cause: error })
  return error
}

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tenantry-sql-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))
const own = (options: Partial<FormatOptions> = {}): FormatOptions => ({ root: dir, dirs: [dir], ...none, ...options })
async function write(files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
}
const ids = async (options: FormatOptions) => (await sql.load(options)).migrations.map((migration) => migration.id)

describe('fixtures', () => {
  it('orders counters as numbers and pairs undo files of every kind', async () => {
    const { migrations, notices } = await sql.load(from('sql-counters'))
    expect(
      migrations.map(({ id, number, description, transaction, down }) => ({
        id,
        number,
        description,
        transaction,
        down: down?.file ?? null,
      })),
    ).toEqual([
      {
        id: '001_init',
        number: '001',
        description: 'Initial schema',
        transaction: 'auto',
        down: 'sql-counters/rollbacks/001_init.sql',
      },
      { id: '2_add_name', number: '2', description: null, transaction: 'auto', down: null },
      {
        id: '0003_add_index',
        number: '0003',
        description: null,
        transaction: 'never',
        down: 'sql-counters/rollbacks/0003_add_index.sql',
      },
      { id: '10_add_flag', number: '10', description: null, transaction: 'auto', down: null },
    ])
    expect(notices.map((notice) => [notice.rule, notice.migration ?? notice.file ?? notice.message])).toEqual([
      ['numbering-gap', 'No migration has the number 0004–0009.'],
      ['undo-without-migration', 'sql-counters/rollbacks/004_lost.sql'],
      ['undo-not-written', '10_add_flag'],
    ])
    expect(migrations[0]?.keys).toEqual(['001_init', '001_init.sql', '001_init.up.sql', '001_init.up', '001', '1'])
  })

  it('allows equal dates, ordered by name, whose number then names neither', async () => {
    const { migrations, notices } = await sql.load(from('sql-stamps'))
    expect(migrations.map((migration) => migration.id)).toEqual(['20250101_roles', '20250101_tables', '20250103_more'])
    expect(migrations.map((migration) => migration.keys.includes('20250101'))).toEqual([false, false, false])
    expect(migrations[1]?.down?.file).toBe('sql-stamps/20250101_tables.down.sql')
    expect(notices).toEqual([])
  })

  it('orders by name where no file has a number', async () => {
    expect(await ids(from('sql-names'))).toEqual(['create_tables', 'extend_tables'])
  })

  it('merges folders into one order, a folder named twice once', async () => {
    expect(await ids(from('sql-counters', 'sql-extra', 'sql-counters/'))).toEqual([
      '001_init',
      '2_add_name',
      '0003_add_index',
      '005_extra',
      '10_add_flag',
    ])
  })

  it('reports every problem of a folder at once', async () => {
    const error = await fail(sql.load(from('sql-broken')))
    expect(error.code).toBe('MIGRATIONS_UNREADABLE')
    expect(error.message).toContain('2 files are the migration 002_c: sql-broken/002_c.sql, sql-broken/002_c.up.sql.')
    expect(error.message).toContain('2 files are the undo of 002_c')
    expect(error.message).toContain('2 migrations have the number 1: sql-broken/001_a.sql, sql-broken/1_b.sql.')
    expect(error.message).toContain('sql-broken/seed.sql: no number in front')
    expect(error.message).toContain('sql-broken/004_latin.sql is not valid UTF-8: byte 16 (line 2) is 0xe9.')
    expect(error.hint).toContain("`ignore`: '^(seed\\.sql)$'")
    expect((error.context.problems as unknown[]).length).toBe(5)
  })
})

describe('folders', () => {
  it('takes 00010 for later than 0002, and mixes bare and .up names', async () => {
    await write({ '00010_x.sql': '', '0002_y.up.sql': '', '1_z.sql': '' })
    expect(await ids(own())).toEqual(['1_z', '0002_y', '00010_x'])
  })

  it('is fine with an empty folder, and says so where other files lie in it', async () => {
    expect(await sql.load(own())).toEqual({ migrations: [], notices: [] })
    await write({ '20250101_x.js': '' })
    expect((await sql.load(own())).notices.map((notice) => notice.rule)).toEqual(['no-sql-files'])
  })

  it('refuses a folder that is missing, and a file in its place', async () => {
    const error = await fail(sql.load(own({ dirs: [join(dir, 'db/none')] })))
    expect([error.code, error.message]).toEqual([
      'MIGRATIONS_UNREADABLE',
      'The migrations folder db/none does not exist.',
    ])
    expect(error.hint).toContain('migrations.dir')
    await write({ file: '' })
    expect((await fail(sql.load(own({ dirs: [join(dir, 'file')] })))).message).toContain('is not a folder')
  })

  it('refuses duplicates as duplicates', async () => {
    await write({ '001_a.sql': '', '01_b.sql': '', '002_c.sql': '', '2_d.up.sql': '' })
    const error = await fail(sql.load(own()))
    expect(error.code).toBe('MIGRATION_DUPLICATE')
    expect(error.context.files).toEqual(['001_a.sql', '01_b.sql', '002_c.sql', '2_d.up.sql'])
  })

  it('leaves out what `ignore` matches, also with a flag that keeps its place', async () => {
    await write({ '001_a.sql': '', 'seed_a.sql': '', 'seed_b.sql': '', '._001_a.sql': '\0' })
    expect(await ids(own({ ignore: /^seed_/g }))).toEqual(['001_a'])
  })

  it('follows links, as mounted volumes have them', async () => {
    await write({ '..data/001_a.sql': 'SELECT 1;' })
    await symlink(join(dir, '..data/001_a.sql'), join(dir, '001_a.sql'))
    expect(await ids(own())).toEqual(['001_a'])
  })

  it('knows steps, dates and epochs from counters with gaps', async () => {
    await write({ '10_a.sql': '', '20_b.sql': '', '40_c.sql': '', '20250101_d.sql': '', '1735689600_e.sql': '' })
    expect((await sql.load(own())).notices).toEqual([])
    await write({ '41_x.sql': '' })
    expect((await sql.load(own())).notices.map((notice) => notice.message)).toEqual([
      'No migration has the number 11–19, 21–39.',
    ])
  })

  it('takes dashed dates for dates', async () => {
    await write({ '2025-01-02-b.sql': '', '2025_01_01_120000_a.sql': '', '2025-01-02-a.sql': '' })
    expect(await ids(own())).toEqual(['2025_01_01_120000_a', '2025-01-02-a', '2025-01-02-b'])
  })

  it('warns where numbers and dates disagree', async () => {
    await write({ '20250601_b.sql': '', '20241231120000_a.sql': '' })
    const { migrations, notices } = await sql.load(own())
    expect(migrations.map((migration) => migration.id)).toEqual(['20250601_b', '20241231120000_a'])
    expect(notices.map((notice) => notice.rule)).toEqual(['mixed-stamps'])
  })
})

describe('text', () => {
  it('has one checksum for BOM and line ends, and knows those of other runners', async () => {
    await write({ '1.sql': 'SELECT 1;\nSELECT 2;\n', '2.sql': '\uFEFFSELECT 1;\r\nSELECT 2;\r\n' })
    const [plain, windows] = (await sql.load(own())).migrations
    expect(windows?.checksum).toBe(plain?.checksum)
    expect(plain?.checksum).toBe('82efb67f3010c6eb7ead02e4f6d9550633dbc1407f99aa487468e7b2567aebbc')
    expect(windows?.up).toMatchObject({ text: 'SELECT 1;\r\nSELECT 2;\r\n' })
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(plain?.otherChecksums).toContain(sha256('SELECT 1;\nSELECT 2;'))
    expect(plain?.otherChecksums).toContain(sha256('SELECT 1;\r\nSELECT 2;\r\n'))
    expect(plain?.otherChecksums).not.toContain(plain?.checksum)
    expect(windows?.otherChecksums).toEqual(expect.arrayContaining([...(plain?.otherChecksums ?? [])]))
    expect(windows?.otherChecksums).toContain(sha256('\uFEFFSELECT 1;\r\nSELECT 2;\r\n'))
  })

  it('puts placeholders in before headers are read, and leaves the checksum of the file', async () => {
    await write({ '1.sql': '-- Description: for {{app}}\nSELECT {{app}}, {{app_role}}, {{other}}, $&;\n' })
    const bare = (await sql.load(own())).migrations[0]
    const filled = (await sql.load(own({ placeholders: { '{{app}}': '$&x', '{{app_role}}': 'r', '': 'never' } })))
      .migrations[0]
    expect(filled?.up).toMatchObject({ text: '-- Description: for $&x\nSELECT $&x, r, {{other}}, $&;\n' })
    expect(filled?.description).toBe('for $&x')
    expect(filled?.checksum).toBe(bare?.checksum)
  })

  it('reads headers in the leading comments only', async () => {
    await write({
      '1.sql': '/* license\n * Description: from a block */\n-- tenantry:no-transaction\nSELECT 1;',
      '2.sql': 'SELECT 1;\n-- Description: too late\n-- tenantry:no-transaction\n',
    })
    const { migrations } = await sql.load(own())
    expect(migrations.map(({ description, transaction }) => [description, transaction])).toEqual([
      ['from a block', 'never'],
      [null, 'auto'],
    ])
  })

  it.each([
    ['UTF-16 with a mark', Buffer.from('\uFEFFSELECT 1;', 'utf16le'), '1.sql is UTF-16, not UTF-8.'],
    ['UTF-16 without a mark', Buffer.from('SELECT 1;', 'utf16le'), '1.sql is UTF-16, not UTF-8.'],
    ['a NUL', Buffer.from('SELECT\n1\0;'), '1.sql holds a NUL character at byte 8 (line 2).'],
    ['a cut sequence', Buffer.from([0x41, 0xef, 0xbf, 0x41]), '1.sql is not valid UTF-8: byte 1 (line 1) is 0xef.'],
    ['more than 64 MB', Buffer.alloc(65 * 1024 * 1024, 32), '1.sql has 65 MB; a migration may have 64.'],
  ])('refuses %s', async (_name, bytes, message) => {
    await write({ '1.sql': bytes })
    const error = await fail(sql.load(own()))
    expect([error.code, error.message]).toEqual(['MIGRATIONS_UNREADABLE', message])
    expect(error.hint).not.toBeNull()
  })

  it('takes files that are empty, hold comments only, or 10 MB', async () => {
    await write({ '1.sql': '', '2.sql': '-- nothing\n', '3.sql': 'SELECT 1; -- é\n'.repeat(700_000) })
    const { migrations } = await sql.load(own())
    expect(migrations.map((migration) => migration.up.kind === 'sql' && migration.up.text.length)).toEqual([
      0, 11, 10_500_000,
    ])
  })

  it('takes a comment for an undo, and an empty file for none', async () => {
    await write({
      '1.sql': '',
      '2.sql': '',
      'rollbacks/1.sql': '-- nothing to undo: data only\n',
      'rollbacks/2.up.sql': '\n\n',
    })
    expect((await sql.load(own())).migrations.map((migration) => migration.down !== null)).toEqual([true, false])
  })
})
