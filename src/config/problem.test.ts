import { describe, expect, it } from 'vitest'
import { findNearest, formatPath, makeConfigError, showName } from './problem.ts'

describe('findNearest', () => {
  it.each([
    ['urll', 'url'],
    ['URL', 'url'],
    ['concurency', 'concurrency'],
    ['zzz', null],
    ['c', null],
  ])('%s: %s', (name, expected) => {
    expect(findNearest(name, ['url', 'tls', 'concurrency'])).toBe(expected)
  })
})

describe('formatPath', () => {
  it('writes keys as the language would', () => {
    expect(formatPath(['servers', 'eu-1', 'url'])).toBe('servers["eu-1"].url')
    expect(formatPath(['tenants', 2, 'slug'])).toBe('tenants[2].slug')
    expect(formatPath([])).toBe('')
  })
})

describe('makeConfigError', () => {
  it('lists each problem once, for people and for machines', () => {
    const problem = { path: 'a', message: 'is wrong' }
    const error = makeConfigError([problem, { path: 'b', message: 'too' }, problem], 'x.ts', '/x.ts')
    expect(error.message).toBe('x.ts has 2 problems:\n  a: is wrong\n  b: too')
    expect(error.context.problems).toHaveLength(2)
    expect(makeConfigError([problem], 'x.ts', null).message).toBe('x.ts has a problem:\n  a: is wrong')
  })

  it('shows no name that is a URL', () => {
    expect(showName('postgres://u:p@h/d')).toBe('the one given')
    expect(showName('we"ird')).toBe('"we\\"ird"')
  })
})
