import { join } from 'node:path'
import { expect, it } from 'vitest'
import { formats } from '../formats/registry.ts'
import type { FormatName } from '../model/format.ts'
import { resolveMigration } from './resolve-migration.ts'

const root = join(import.meta.dirname, '../../test/fixtures')
async function load(format: FormatName, name: string) {
  const options = { root, dirs: [join(root, name)], ignore: null, placeholders: {} }
  return (await formats[format].load(options)).migrations
}

it.each([
  ['001_init', '001_init'],
  ['001_init.sql', '001_init'],
  [' migrations/001_init.sql ', '001_init'],
  ['001', '001_init'],
  ['1', '001_init'],
  ['3', '0003_add_index'],
  ['0003_add_index.up.sql', '0003_add_index'],
  ['010', '10_add_flag'],
])('finds %j', async (text, id) => {
  expect(resolveMigration(await load('sql', 'sql-counters'), text).id).toBe(id)
})

it.each(['20241218_initial_schema', 'prisma/migrations/20241218_initial_schema/migration.sql', '20241218'])(
  'finds the Prisma folder %s',
  async (text) => {
    expect(resolveMigration(await load('prisma', 'prisma-folders'), text).id).toBe('20241218_initial_schema')
  },
)

it('suggests what is near', async () => {
  const migrations = await load('sql', 'sql-counters')
  for (const text of ['001_inti', 'init', 'innit']) {
    expect(() => resolveMigration(migrations, text)).toThrow(
      expect.objectContaining({ code: 'MIGRATION_UNKNOWN', hint: 'Did you mean 001_init?' }),
    )
  }
  for (const text of ['0', '99', '', 'nothing like it']) {
    expect(() => resolveMigration(migrations, text)).toThrow(
      expect.objectContaining({ code: 'MIGRATION_UNKNOWN', context: { suggestions: [] } }),
    )
  }
})

it('refuses a number that several have', async () => {
  const migrations = await load('sql', 'sql-stamps')
  expect(() => resolveMigration(migrations, '20250101')).toThrow('2 migrations have the number 20250101')
  expect(resolveMigration(migrations, '20250103').id).toBe('20250103_more')
})
