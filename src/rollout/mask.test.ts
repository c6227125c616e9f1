import { describe, expect, test } from 'vitest'
import { maskMessage } from './mask.ts'

describe('the names of a target in a message', () => {
  test.each([
    [
      'us-1/globex',
      ['globex'],
      'us-1/globex could not be migrated: connection refused.',
      '<target> could not be migrated: connection refused.',
    ],
    ['main/app/t-acme', ['acme-eu'], 'acme-eu: schema "t-acme" is gone', '<tenant>: schema "<schema>" is gone'],
    ['main/a.b$c', ['x^(y)[z]{1}|?*+'], 'x^(y)[z]{1}|?*+ is in a.b$c', '<tenant> is in <database>'],
    ['main/app', ['12'], 'line 12 of "12"', 'line 12 of "<tenant>"'],
  ])('%s, whatever characters they have', (target, tenants, message, masked) => {
    expect(maskMessage(message, { target, tenants })).toBe(masked)
  })
})
