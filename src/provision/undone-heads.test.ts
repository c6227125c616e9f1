import { expect, it } from 'vitest'
import type { TargetResult } from '../model/rollout.ts'
import { goneEverywhere } from './undone-heads.ts'

const result = (undone: string[], pending: string[] = [], set = 'app') =>
  ({ set, undone, pending }) as unknown as TargetResult

it('is gone where each target has undone it or never had it', () => {
  expect(goneEverywhere([result(['3', '2']), result(['2'], ['3'])])).toEqual(new Map([['app', new Set(['3', '2'])]]))
})

it('is there where one target kept it, failed, or was not reached', () => {
  expect(goneEverywhere([result(['3']), result([])])).toEqual(new Map())
  expect(goneEverywhere([result(['3', '2']), result(['3'])])).toEqual(new Map([['app', new Set(['3'])]]))
})

it('is told for each set alone, and for none where nothing was undone', () => {
  expect(goneEverywhere([result(['3']), result([], ['3'], 'other')])).toEqual(new Map([['app', new Set(['3'])]]))
  expect(goneEverywhere([])).toEqual(new Map())
})
