import { describe, expect, it } from 'vitest'
import type { Findings } from './problem.ts'
import { isForTenant, readSets } from './sets.ts'

function forWhom(migrations: unknown, labels: Record<string, string>): string[] {
  const findings: Findings = { problems: [], notices: [] }
  return readSets(migrations, '/srv', findings)
    .filter((set) => isForTenant(set, { labels }))
    .map((set) => set.name)
}

describe('isForTenant', () => {
  const platform = { name: 'platform', tenants: { label: 'kind=platform' } }

  it('leaves the tenants of a labelled set to it, where both would write into one history table', () => {
    const sets = [platform, { name: 'tenant' }]
    expect(forWhom(sets, { kind: 'platform' })).toEqual(['platform'])
    expect(forWhom(sets, {})).toEqual(['tenant'])
  })

  it('gives a tenant both, where each has its own history table', () => {
    const sets = [{ ...platform, history: { table: 'platform_migrations' } }, { name: 'tenant' }]
    expect(forWhom(sets, { kind: 'platform' })).toEqual(['platform', 'tenant'])
    expect(forWhom(sets, { kind: 'shop' })).toEqual(['tenant'])
  })

  it('needs all labels of a list', () => {
    const sets = { tenants: { label: ['a=1', 'b=2'] } }
    expect(forWhom(sets, { a: '1', b: '2', c: '3' })).toEqual(['tenant'])
    expect(forWhom(sets, { a: '1' })).toEqual([])
  })
})
