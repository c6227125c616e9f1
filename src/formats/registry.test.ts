import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { FormatName } from '../model/format.ts'
import { chooseFormat, detectFormat } from './registry.ts'

const fixture = (name: string) => join(import.meta.dirname, '../../test/fixtures', name)

const choose = async (name: FormatName | 'auto', dirs: readonly string[]) =>
  (await chooseFormat(name, { dirs, root: '/', ignore: null, placeholders: {} }, true)).format.name

it('tells folders apart', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'tenantry-empty-'))
  try {
    expect(await detectFormat(empty)).toBeNull()
    expect(await detectFormat(join(empty, 'missing'))).toBeNull()
    expect(await choose('auto', [empty])).toBe('sql')
    expect(await choose('auto', [empty, fixture('prisma-folders')])).toBe('prisma')
  } finally {
    await rm(empty, { recursive: true })
  }
  expect(await detectFormat(fixture('sql-counters'))).toMatchObject({ name: 'sql' })
  expect(await detectFormat(fixture('prisma-folders'))).toMatchObject({ name: 'prisma' })
})

it('refuses a set of two formats unless one is named', async () => {
  const dirs = [fixture('sql-counters'), fixture('prisma-folders')]
  await expect(choose('auto', dirs)).rejects.toMatchObject({ code: 'MIGRATIONS_UNREADABLE' })
  expect(await choose('sql', dirs)).toBe('sql')
})
