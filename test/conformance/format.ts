import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Format, FormatOptions } from '../../src/model/format.ts'
import type { RowColumns } from '../../src/model/history.ts'
import type { Migration } from '../../src/model/migration.ts'

/** What a format has to say about itself so that the suite can write its folders. */
export interface FormatSample {
  format: Format
  /** Three ids, in the order they are applied. */
  ids: readonly [string, string, string]
  /** Path of a migration's file and of its undo, relative to the folder; the same one where a file holds both. */
  up(id: string): string
  down(id: string): string
  /** A file that holds both; null: it has no undo, and an undo of `''` is one that is empty. Absent: they are two files. */
  join?(up: string, down: string | null): string
  /** What the format itself says of a row whose key is `k`. Absent: nothing. */
  row?: RowColumns
  /** What else a complete folder holds. */
  beside?: Readonly<Record<string, string>>
}

/** What every format must do. To add one, call this with its sample in `formats.test.ts`. */
export function describeFormat(sample: FormatSample): void {
  const { format, ids } = sample

  describe(`format ${format.name}`, () => {
    let dir: string
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), `tenantry-${format.name}-`))
    })
    afterEach(() => rm(dir, { recursive: true, force: true }))

    const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
      root: dirname(dir),
      dirs: [dir],
      ignore: null,
      placeholders: {},
      ...more,
    })
    async function write(path: string, text: string | Buffer): Promise<void> {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), text)
    }
    async function writeBeside(): Promise<void> {
      for (const [path, text] of Object.entries(sample.beside ?? {})) await write(path, text)
    }
    async function writeAll(): Promise<void> {
      await writeBeside()
      // Last first, so that the order does not come from the file system.
      for (const id of [...ids].reverse()) {
        const table = `t_${id.replaceAll(/\W/g, '')}`
        await writeBoth(id, `-- Description: of ${id}\nCREATE TABLE ${table} (id INT);\n`, `DROP TABLE ${table};\n`)
      }
    }
    async function writeBoth(id: string, up: string, down: string): Promise<void> {
      if (sample.join !== undefined) return write(sample.up(id), sample.join(up, down))
      await write(sample.up(id), up)
      await write(sample.down(id), down)
    }
    async function loadOne(text: string, more: Partial<FormatOptions> = {}): Promise<Migration> {
      await writeBeside()
      await write(sample.up(ids[0]), sample.join?.(text, null) ?? text)
      const [first] = (await format.load(options(more))).migrations
      if (first === undefined) throw new Error('nothing was loaded')
      return first
    }
    const known = (migration: Migration) => [migration.checksum, ...migration.otherChecksums]

    it('knows its own folders, and no others', async () => {
      expect(await format.detect(dir)).toBe(0)
      expect(await format.detect(join(dir, 'missing'))).toBe(0)
      await writeAll()
      expect(await format.detect(dir)).toBeGreaterThan(0)
    })

    it('loads in order, with undo, description and paths for people', async () => {
      await writeAll()
      const { migrations, notices } = await format.load(options())
      expect(notices).toEqual([])
      expect(migrations.map((migration) => migration.id)).toEqual([...ids])
      for (const migration of migrations) {
        expect(migration.description).toBe(`of ${migration.id}`)
        expect(migration.transaction).toBe('auto')
        expect(migration.up).toMatchObject({ kind: 'sql', text: expect.stringContaining('CREATE TABLE') })
        expect(migration.down).toMatchObject({ kind: 'sql', text: expect.stringContaining('DROP TABLE') })
        expect(migration.up.file).toBe(`${dir.slice(dirname(dir).length + 1)}/${sample.up(migration.id)}`)
        expect(migration.checksum).toMatch(/^[0-9a-f]{64}$/)
        expect(migration.otherChecksums).not.toContain(migration.checksum)
      }
      expect(await format.load(options())).toMatchObject({ migrations, notices })
    })

    it('gives every migration keys of its own, its id among them', async () => {
      await writeAll()
      const { migrations } = await format.load(options())
      const keys = migrations.flatMap((migration) => migration.keys)
      expect(new Set(keys).size).toBe(keys.length)
      for (const migration of migrations) expect(migration.keys).toContain(migration.id)
    })

    it('is fine with an empty folder, and refuses a missing one with a hint', async () => {
      expect(await format.load(options())).toMatchObject({ migrations: [], notices: [] })
      await expect(format.load(options({ dirs: [join(dir, 'missing')] }))).rejects.toMatchObject({
        code: 'MIGRATIONS_UNREADABLE',
        hint: expect.stringContaining('migrations.dir'),
      })
    })

    it('names every file that it cannot read, in one error', async () => {
      await writeAll()
      await write(sample.up(ids[0]), Buffer.from('SELECT 1;', 'utf16le'))
      await write(sample.up(ids[1]), Buffer.from([0x41, 0xe9, 0x41]))
      await write(sample.down(ids[2]), sample.join?.('', 'SELECT\0 1;') ?? 'SELECT\0 1;')
      const expected = [sample.up(ids[0]), sample.up(ids[1]), sample.down(ids[2])]
      await expect(format.load(options())).rejects.toMatchObject({
        code: 'MIGRATIONS_UNREADABLE',
        context: { files: expected.map((path) => expect.stringContaining(path)) },
      })
    })

    it('takes other line ends, a byte order mark and white space at the end for no change, and any edit for one', async () => {
      const plain = await loadOne('SELECT 1;\nSELECT 2;\n')
      const whole = sample.join?.('SELECT 1;\nSELECT 2;\n', null) ?? 'SELECT 1;\nSELECT 2;\n'
      for (const text of [whole.replaceAll('\n', '\r\n'), `\uFEFF${whole}`, whole.trimEnd()]) {
        await write(sample.up(ids[0]), text)
        const [other] = (await format.load(options())).migrations as [Migration]
        expect(known(other).filter((checksum) => known(plain).includes(checksum))).not.toEqual([])
        expect(other.up.kind === 'sql' && other.up.text.trim()).toMatch(/^SELECT 1;\r?\nSELECT 2;$/)
      }
      const edited = await loadOne('SELECT 1;\nSELECT 3;\n')
      expect(known(edited).filter((checksum) => known(plain).includes(checksum))).toEqual([])
    })

    it('puts placeholders into the text and not into the checksum', async () => {
      const bare = await loadOne('SELECT %role%, %other%;\n')
      const filled = await loadOne('SELECT %role%, %other%;\n', { placeholders: { '%role%': 'app' } })
      expect(filled.up.kind === 'sql' && filled.up.text.trim()).toBe('SELECT app, %other%;')
      expect(filled.checksum).toBe(bare.checksum)
    })

    it('takes empty files and comments, and hears the wish for no transaction', async () => {
      const empty = await loadOne('')
      expect(empty.up.kind === 'sql' && empty.up.text.trim()).toBe('')
      expect((await loadOne('-- tenantry:no-transaction\nVACUUM;\n')).transaction).toBe('never')
      expect((await loadOne('VACUUM;\n-- tenantry:no-transaction\n')).transaction).toBe('auto')
    })

    it('takes an empty undo for none, and says so', async () => {
      await writeBeside()
      await writeBoth(ids[0], 'SELECT 1;\n', ' \n')
      const { migrations, notices } = await format.load(options())
      expect(migrations[0]?.down).toBeNull()
      expect(notices).toMatchObject([{ rule: 'undo-not-written', migration: ids[0] }])
    })

    it('refuses the same migration from two folders', async () => {
      await writeAll()
      const other = await mkdtemp(join(tmpdir(), `tenantry-${format.name}-`))
      try {
        const path = join(other, sample.up(ids[1]))
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, sample.join?.('', null) ?? '')
        await expect(format.load(options({ dirs: [dir, other] }))).rejects.toMatchObject({
          code: 'MIGRATION_DUPLICATE',
          message: expect.stringContaining(ids[1]),
        })
      } finally {
        await rm(other, { recursive: true })
      }
    })

    it('makes files that are its own last migration, and writes nothing itself', async () => {
      await writeAll()
      const now = new Date('2031-05-06T07:08:09Z')
      for (const name of ['Add users!', 'again']) {
        const files = await format.template(options(), name, { description: 'Why', now })
        const before = (await format.load(options())).migrations.map((migration) => migration.id)
        for (const file of files) {
          expect(existsSync(file.path)).toBe(false)
          await mkdir(dirname(file.path), { recursive: true })
          await writeFile(file.path, file.text)
        }
        const { migrations } = await format.load(options())
        const last = migrations.at(-1)
        expect(migrations.map((migration) => migration.id).slice(0, -1)).toEqual(before)
        expect(last?.id).toMatch(name === 'again' ? /again/ : /add[_-]users/)
        expect(last?.description).toBe('Why')
        expect(last?.down).toBeNull()
      }
      await expect(format.template(options(), '!', { description: null, now })).rejects.toMatchObject({ code: 'USAGE' })
    })

    it('has a history table whose rows can be written', () => {
      const { columns, key, checksum, finishedAt, rolledBackAt, values } = format.history
      const names = columns.map((column) => column.name)
      const own = sample.row === undefined ? {} : { own: sample.row }
      const row = values({ key: 'k', checksum: 'c', description: null, batch: 1, steps: 1, ...own })
      expect(names).toEqual(expect.arrayContaining(Object.keys(row)))
      const kept = sample.row?.[checksum ?? ''] ?? 'c'
      expect([row[key], checksum === null ? kept : row[checksum]]).toEqual(['k', kept])
      expect(finishedAt === null || row[finishedAt] !== null).toBe(true)
      expect(rolledBackAt === null || row[rolledBackAt] === null).toBe(true)
      for (const column of columns) {
        const filled = column.type === 'serial-key' || column.default !== undefined || column.notNull !== true
        expect(filled || row[column.name] != null, column.name).toBe(true)
      }
    })
  })
}
