import { expect, it } from 'vitest'
import { historyShape } from './history-shapes.ts'

const row = { key: '001_init', checksum: 'c0ffee', description: 'Initial schema', steps: 7, batch: 3 }

it('records in schema_migrations what its columns hold, and leaves the id to the sequence', () => {
  expect(historyShape('schema_migrations').values(row)).toEqual({
    version: '001_init',
    description: 'Initial schema',
    applied_at: { now: true },
    checksum: 'c0ffee',
  })
})

it("records a success and a marked migration as Prisma's engine does", () => {
  const shape = historyShape('prisma')
  expect(shape.values(row)).toMatchObject({ applied_steps_count: 1, logs: null, rolled_back_at: null })
  expect(shape.values({ ...row, steps: 0 })).toMatchObject({ applied_steps_count: 0, logs: '' })
  expect(Object.keys(shape.values(row)).sort()).toEqual(shape.columns.map((column) => column.name).sort())
})
