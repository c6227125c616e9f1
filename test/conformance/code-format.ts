import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Format, FormatOptions } from '../../src/model/format.ts'
import type { Body, Migration } from '../../src/model/migration.ts'

/** What a format whose migrations are code has to say about itself so that the suite can write its folders. */
export interface CodeFormatSample {
  format: Format
  /** Three ids, in the order they are applied. */
  ids: readonly [string, string, string]
  file(id: string): string
  /** A file as people of this tool write it, with these bodies of `up` and `down`. */
  text(up: string, down: string, id: string): string
  /** A file of this migration that holds this line, whatever it means. Absent: the line alone. */
  around?(line: string, id: string): string
}

/** What every format must do whose migrations are code: the counterpart of `describeFormat`. */
export function describeCodeFormat(sample: CodeFormatSample): void {
  const { format, ids } = sample
  const around = (line: string, id: string) => sample.around?.(line, id) ?? line

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
    async function writeAll(): Promise<void> {
      for (const id of [...ids].reverse()) await write(sample.file(id), sample.text(`return '${id}'`, `return 'x'`, id))
    }
    async function loadOne(text: string): Promise<Migration> {
      await write(sample.file(ids[0]), around(text, ids[0]))
      const [first] = (await format.load(options())).migrations
      if (first === undefined) throw new Error('nothing was loaded')
      return first
    }
    const known = (migration: Migration) => [migration.checksum, ...migration.otherChecksums]
    const codeOf = (body: Body | null) => {
      if (body?.kind !== 'code') throw new Error('it is not code')
      return body.load()
    }

    it('knows its own folders, and no others', async () => {
      expect(await format.detect(dir)).toBe(0)
      expect(await format.detect(join(dir, 'missing'))).toBe(0)
      await writeAll()
      expect(await format.detect(dir)).toBeGreaterThan(0)
    })

    it('loads in order, with both directions as code that is imported when it is asked for', async () => {
      await writeAll()
      await write(sample.file(ids[1]), around('throw new Error("imported")\n', ids[1]))
      const { migrations } = await format.load(options())
      expect(migrations.map((migration) => migration.id)).toEqual([...ids])
      for (const { id, up, down, checksum, otherChecksums } of migrations) {
        const file = `${dir.slice(dirname(dir).length + 1)}/${sample.file(id)}`
        expect([up, down]).toMatchObject([
          { kind: 'code', file },
          { kind: 'code', file },
        ])
        expect(checksum).toMatch(/^[0-9a-f]{64}$/)
        expect(otherChecksums).not.toContain(checksum)
      }
      const [first, second] = migrations as [Migration, Migration]
      expect(await codeOf(first.up)).toMatchObject({ run: expect.any(Function), empty: false })
      await expect(codeOf(second.up)).rejects.toMatchObject({
        code: 'MIGRATIONS_UNREADABLE',
        message: expect.stringMatching(/at line 1.*imported/),
      })
    })

    it('gives every migration keys of its own, its id among them, and first what the tool writes', async () => {
      await writeAll()
      const { migrations } = await format.load(options())
      const keys = migrations.flatMap((migration) => migration.keys)
      expect(new Set(keys).size).toBe(keys.length)
      for (const migration of migrations) {
        expect(migration.keys).toContain(migration.id)
        expect(migration.keys[0]).toBe(format.history.spelling === 'id' ? migration.id : sample.file(migration.id))
      }
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
      await write(sample.file(ids[0]), Buffer.from('let a = 1;', 'utf16le'))
      await write(sample.file(ids[1]), Buffer.from([0x41, 0xe9, 0x41]))
      await expect(format.load(options())).rejects.toMatchObject({
        code: 'MIGRATIONS_UNREADABLE',
        context: { files: [ids[0], ids[1]].map((id) => expect.stringContaining(sample.file(id))) },
      })
    })

    it('takes other line ends and a byte order mark for no change, and any edit for one', async () => {
      const plain = await loadOne('a\nb\n')
      for (const text of ['a\r\nb\r\n', '\uFEFFa\nb\n', 'a\nb']) {
        const other = await loadOne(text)
        expect(known(other).filter((checksum) => known(plain).includes(checksum))).not.toEqual([])
      }
      const edited = await loadOne('a\nc\n')
      expect(known(edited).filter((checksum) => known(plain).includes(checksum))).toEqual([])
    })

    it('tells an undo that does nothing', async () => {
      await writeAll()
      await write(sample.file(ids[1]), sample.text('return 1', '// later', ids[1]))
      const { migrations } = await format.load(options())
      expect(await codeOf(migrations[0]?.down ?? null)).toMatchObject({ empty: false })
      expect(await codeOf(migrations[1]?.down ?? null)).toMatchObject({ empty: true })
    })

    it('refuses the same migration from two folders', async () => {
      await writeAll()
      const other = await mkdtemp(join(tmpdir(), `tenantry-${format.name}-`))
      try {
        await writeFile(join(other, sample.file(ids[1])), around('', ids[1]))
        await expect(format.load(options({ dirs: [dir, other] }))).rejects.toMatchObject({
          code: 'MIGRATION_DUPLICATE',
          message: expect.stringContaining(ids[1]),
        })
      } finally {
        await rm(other, { recursive: true })
      }
    })

    it('makes files that are its own last migration and can be loaded, and writes nothing itself', async () => {
      await writeAll()
      const now = new Date('2031-05-06T07:08:09Z')
      for (const name of ['Add users!', 'again']) {
        const files = await format.template(options(), name, { description: null, now })
        for (const file of files) {
          expect(existsSync(file.path)).toBe(false)
          await mkdir(dirname(file.path), { recursive: true })
          await writeFile(file.path, file.text)
        }
        const last = (await format.load(options())).migrations.at(-1)
        expect(last?.id).toMatch(name === 'again' ? /again/i : /add[_-]?users/i)
        expect(await codeOf(last?.up ?? null)).toMatchObject({ run: expect.any(Function), empty: true })
      }
      await expect(format.template(options(), '!', { description: null, now })).rejects.toMatchObject({ code: 'USAGE' })
    })

    it('has a history table that spells migrations by their files or ids', () => {
      const { key, spelling, values } = format.history
      expect(['file', 'id']).toContain(spelling)
      expect(values({ key: 'k', checksum: 'c', description: null, batch: 1, steps: 1 })[key]).toBe('k')
    })
  })
}
