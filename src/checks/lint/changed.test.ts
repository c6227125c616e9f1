import { expect, test } from 'vitest'
import type { Migration } from '../../model/migration.ts'
import { judgeChanged } from './changed.ts'

const migration = (id: string): Migration => ({
  id,
  number: null,
  checksum: '',
  otherChecksums: [],
  description: null,
  keys: [id],
  up: { kind: 'sql', file: `migrations/${id}.sql`, text: '' },
  down: null,
  transaction: 'auto',
})

const sets = [{ name: 'tenant', migrations: [migration('001_a'), migration('002_b')] }]

test('one finding for each migration, with where it is applied', () => {
  const changed = [{ set: 'tenant', migration: '002_b', targets: ['main/app/t_1', 'main/app/t_2', 'main/app/t_3'] }]
  expect(judgeChanged(changed, sets)).toMatchObject([
    {
      rule: 'changed-after-applied',
      severity: 'error',
      file: 'migrations/002_b.sql',
      message: '002_b is not what was applied in main/app/t_1 and 2 more',
    },
  ])
})

test('what is not looked at, or is in no target, is not told', () => {
  expect(judgeChanged([{ set: 'tenant', migration: '009_z', targets: ['a'] }], sets)).toEqual([])
  expect(judgeChanged([{ set: 'other', migration: '001_a', targets: ['a'] }], sets)).toEqual([])
  expect(judgeChanged([{ set: 'tenant', migration: '001_a', targets: [] }], sets)).toEqual([])
})
