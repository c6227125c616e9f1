import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chooseFormat, detectFormat } from './registry.ts'

const fixture = (name: string) => join(import.meta.dirname, '../../test/fixtures', name)

it('tells folders apart', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'tenantry-empty-'))
  try {
    expect(await detectFormat(empty)).toBeNull()
    expect(await detectFormat(join(empty, 'missing'))).toBeNull()
    expect((await chooseFormat('auto', [empty])).name).toBe('sql')
    expect((await chooseFormat('auto', [empty, fixture('prisma-folders')])).name).toBe('prisma')
  } finally {
    await rm(empty, { recursive: true })
  }
  expect(await detectFormat(fixture('sql-counters'))).toBe('sql')
  expect(await detectFormat(fixture('prisma-folders'))).toBe('prisma')
})

it('refuses a set of two formats unless one is named', async () => {
  const dirs = [fixture('sql-counters'), fixture('prisma-folders')]
  await expect(chooseFormat('auto', dirs)).rejects.toMatchObject({ code: 'MIGRATIONS_UNREADABLE' })
  expect((await chooseFormat('sql', dirs)).name).toBe('sql')
})
