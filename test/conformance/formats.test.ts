import { expect, it } from 'vitest'
import { formats } from '../../src/formats/registry.ts'
import { describeFormat, type FormatSample } from './format.ts'

const samples: readonly FormatSample[] = [
  {
    format: formats.sql,
    ids: ['1_users', '02_roles', '003_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `rollbacks/${id}.sql`,
  },
  {
    format: formats.prisma,
    ids: ['20240101_users', '20250101120000_roles', '20250102120000_orders'],
    up: (id) => `${id}/migration.sql`,
    down: (id) => `${id}/rollback.sql`,
    beside: { 'migration_lock.toml': 'provider = "postgresql"\n' },
  },
]

for (const sample of samples) describeFormat(sample)

it('covers every format', () => {
  expect(samples.map((sample) => sample.format.name).sort()).toEqual(Object.keys(formats).sort())
})
