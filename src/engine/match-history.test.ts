import { expect, it } from 'vitest'
import type { HistorySnapshot } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { Standing } from '../model/plan.ts'
import { findEnding, matchHistory, spellingsOf, spellKey } from './match-history.ts'

function code(file: string, more: Partial<Migration> = {}): Migration {
  const id = file.replace(/\.\w+$/, '')
  const body = { kind: 'code' as const, file: `db/${file}`, load: () => Promise.reject(new Error('not asked for')) }
  return {
    id,
    number: null,
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [...new Set([file, id, `${id}.js`, `${id}.ts`, `${id}.mjs`])],
    up: body,
    down: body,
    transaction: 'auto',
    ...more,
  }
}
const rows = (...keys: string[]) => keys.map((key) => ({ key, checksum: null, state: 'applied' as const }))
const idsOf = (migrations: readonly Migration[], ...keys: string[]) =>
  matchHistory(migrations, rows(...keys)).map(({ migration }) => migration?.id ?? null)

it('takes other letter case only where it is allowed, and no spelling fits', () => {
  const loose = [code('A.js', { ignoresCase: true }), code('b.js', { ignoresCase: true })]
  expect(idsOf(loose, 'a.js', 'B.JS', 'b', 'c.js')).toEqual(['A', 'b', 'b', null])
  expect(idsOf([code('A.js'), code('b.js')], 'a.js', 'B.JS', 'b.js')).toEqual([null, null, 'b'])
  // Two that could be meant: none is.
  expect(
    idsOf([code('A.js', { ignoresCase: true }), code('a.js', { ignoresCase: true })], 'A.js', 'a.js', 'A.JS'),
  ).toEqual(['A', 'a', null])
})

it('takes rows away as they are spelled', () => {
  const [loose, strict] = [code('Users.js', { ignoresCase: true }), code('Users.js')]
  expect(spellingsOf(loose, rows('users.JS', 'others.js'))).toEqual([...loose.keys, 'users.JS'])
  expect(spellingsOf(strict, rows('users.JS'))).toEqual(strict.keys)
})

it('spells new rows as the newest one spells files of the same kind', () => {
  const standing = (newest: Migration, ...keys: string[]) =>
    ({
      appliedOrder: [newest],
      snapshot: { entries: rows(...keys) } as unknown as HistorySnapshot,
    }) as unknown as Standing
  const next = (standing: Standing, file: string) => spellKey(code(file), 'file', findEnding(standing))
  const compiled = standing(code('1.ts'), '0-gone', '1.js')
  expect([next(compiled, '2.ts'), next(compiled, '2.mjs')]).toEqual(['2.js', '2.mjs'])
  const bare = standing(code('1.js'), '1')
  expect([next(bare, '2.js'), next(bare, '2.ts')]).toEqual(['2', '2.ts'])
  const plain = standing(code('1.mjs'), '1.mjs', '9-gone.js')
  expect([next(plain, '2.js'), next(plain, '2.mjs')]).toEqual(['2.js', '2.mjs'])
})
