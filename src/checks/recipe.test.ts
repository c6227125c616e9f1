import { expect, test } from 'vitest'
import type { Migration } from '../model/migration.ts'
import type { Standing } from '../model/plan.ts'
import type { Target } from '../model/tenant.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import { foldClusters } from './clusters.ts'
import { countApplied, describeRecipe, keyOfRecipe, recipeOf } from './recipe.ts'
import { isLeft, scratchPrefix } from './scratch.ts'

const migration = (id: string) => ({ id }) as Migration
const folder = ['1', '2', '3'].map(migration)
const standing = (applied: string[], more: Partial<Standing> = {}) =>
  ({ applied: applied.map(migration), renamed: [], halfDone: [], ...more }) as unknown as Standing

test.each([
  [[], 0],
  [['1'], 1],
  [['1', '2', '3'], 3],
  [['1', '3'], null],
  [['2'], null],
])('applied %j: the first %j of the folder', (applied, count) => {
  expect(countApplied(standing(applied), folder)).toBe(count)
})

test('a renamed migration is there; a half-done one leaves nothing to compare with', () => {
  expect(countApplied(standing(['1'], { renamed: [{ from: 'old', to: '2' }] }), folder)).toBe(2)
  const halfDone: Standing['halfDone'] = [
    { migration: '2', direction: 'up', statementsDone: 1, statementsTotal: 2, source: 'ledger' },
  ]
  expect(countApplied(standing(['1'], { halfDone }), folder)).toBeNull()
})

test('a schema is built with the database around it, and a database without the schemas in it', () => {
  const set = (name: string, whole: string[], divided: string[]) =>
    ({
      config: { name },
      migrations: folder,
      wholeDatabases: new Set(whole),
      dividedDatabases: new Set(divided),
    }) as unknown as FleetSet
  const platform = set('platform', ['main\0app'], ['main\0app'])
  const tenant = set('tenant', [], ['main\0app'])
  const about = { dialect: 'any', sharedSchema: 'public', defaultSchema: 'public' }
  const place = (schema?: string) =>
    ({ placement: { server: 'main', database: 'app', ...(schema === undefined ? {} : { schema }) } }) as Target
  const inSchema = recipeOf(place('t_1'), [platform, tenant], new Map([[tenant, 2]]), about)
  expect(inSchema).toMatchObject({
    kind: 'schema',
    within: null,
    parts: [
      { set: platform, kind: 'database', count: 3 },
      { set: tenant, kind: 'schema', count: 2 },
    ],
  })
  expect(describeRecipe(inSchema)).toBe('tenant up to 2')
  const whole = recipeOf(place(), [platform, tenant], new Map([[platform, 0]]), about)
  expect(whole).toMatchObject({ kind: 'database', within: 'public', parts: [{ set: platform, count: 0 }] })
  expect(describeRecipe(whole)).toBe('platform without a migration')
  expect(recipeOf(place('public'), [platform], new Map([[platform, 1]]), about)).toMatchObject({ kind: 'database' })
  expect(keyOfRecipe(whole)).not.toBe(keyOfRecipe(inSchema))
})

test('a scratch database is left when its process is gone, or, of another machine, when it is old', () => {
  const now = Date.now()
  const own = `${scratchPrefix}${'0'.repeat(8)}`
  expect(isLeft(`${own}_${(4711).toString(36)}_${(now - 60_000).toString(36)}_aa`, now)).toBe(false)
  expect(isLeft(`${own}_${(4711).toString(36)}_${(now - 7_200_000).toString(36)}_aa`, now)).toBe(true)
  for (const name of ['', 'mine', '_', `0_0_${(now + 9e9).toString(36)}_x`, 'a_b_!!_c'])
    expect(isLeft(`${scratchPrefix}${name}`, now)).toBe(false)
})

test('clusters: the reference first, then the largest; the same differences once', () => {
  const differences = [{ change: 'missing', kind: 'index', object: 'a', detail: '' }] as const
  const clusters = foldClusters([
    { set: 's', names: ['t_10', 't_2'], differences, reference: false },
    { set: 's', names: ['x'], differences: [{ ...differences[0], object: 'b' }], reference: false },
    { set: 's', names: ['a'], differences: [], reference: true },
    { set: 's', names: ['t_1'], differences: [...differences], reference: false },
  ])
  expect(clusters.map(({ names, reference }) => [names, reference])).toEqual([
    [['a'], true],
    [['t_1', 't_2', 't_10'], false],
    [['x'], false],
  ])
})
