import { expect, test } from 'vitest'
import { chooseUndo, type UndoChoice } from './undo-choice.ts'

const resolve = async (text: string) => (text === '0042' || text === '0042_add_email' ? '0042_add_email' : null)

test.each<[string, Parameters<typeof chooseUndo>, Pick<UndoChoice, 'undo' | 'tenants'>, string | null]>([
  ['nothing said: the last one', [[], {}, undefined, resolve], { undo: {}, tenants: [] }, null],
  [
    'a number names a migration, the rest are tenants',
    [['0042', 'acme', 'b'], {}, undefined, resolve],
    { undo: { migration: '0042_add_email' }, tenants: ['acme', 'b'] },
    null,
  ],
  ['a tenant first', [['acme'], {}, undefined, resolve], { undo: {}, tenants: ['acme'] }, null],
  [
    'a tenant first, then what looks like a migration',
    [['acme', '0042'], {}, undefined, resolve],
    { undo: {}, tenants: ['acme', '0042'] },
    null,
  ],
  [
    'nobody can tell: the first is a migration',
    [['acme'], {}, undefined, null],
    { undo: { migration: 'acme' }, tenants: [] },
    null,
  ],
  [
    'with --steps all are tenants',
    [['0042'], { steps: 2 }, undefined, resolve],
    { undo: { steps: 2 }, tenants: ['0042'] },
    null,
  ],
  [
    'with --to all are tenants',
    [['0042'], { to: '7' }, undefined, resolve],
    { undo: { to: '7' }, tenants: ['0042'] },
    null,
  ],
  [
    'with --rollout all are tenants',
    [['0042'], { rollout: 'r_1' }, '7', resolve],
    { undo: { rollout: 'r_1' }, tenants: ['0042'] },
    'variable-overruled',
  ],
  [
    'with --batch all are tenants',
    [['0042'], { batch: true }, '7', resolve],
    { undo: { batch: true }, tenants: ['0042'] },
    'variable-overruled',
  ],
  ['the variable', [['acme'], {}, '7', resolve], { undo: { to: '7' }, tenants: ['acme'] }, 'variable-used'],
  ['an empty variable is none', [[], {}, '', resolve], { undo: {}, tenants: [] }, null],
  ['--to beats it', [[], { to: '8' }, '7', resolve], { undo: { to: '8' }, tenants: [] }, 'variable-overruled'],
  ['--to that agrees with it', [[], { to: '7' }, '7', resolve], { undo: { to: '7' }, tenants: [] }, null],
  ['--steps beats it', [[], { steps: 1 }, '7', resolve], { undo: { steps: 1 }, tenants: [] }, 'variable-overruled'],
  [
    'a named migration beats it',
    [['0042'], {}, '7', resolve],
    { undo: { migration: '0042_add_email' }, tenants: [] },
    'variable-overruled',
  ],
])('%s', async (_, args, expected, rule) => {
  const choice = await chooseUndo(...args)
  expect({ undo: choice.undo, tenants: choice.tenants }).toEqual(expected)
  expect(choice.notice?.rule ?? null).toBe(rule)
})

test('an ambiguous number is not taken for a tenant', async () => {
  const ambiguous = () => Promise.reject(new Error('several'))
  await expect(chooseUndo(['0042'], {}, undefined, ambiguous)).rejects.toThrow('several')
})
