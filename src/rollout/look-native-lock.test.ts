import { expect, test } from 'vitest'
import { describeAge } from './look-native-lock.ts'

const now = Date.parse('2025-01-10T12:00:00Z')

test.each([
  ['2025-01-10T12:00:05Z', '0 seconds ago'],
  ['2025-01-10T11:59:59Z', '1 second ago'],
  ['2025-01-10T11:55:00Z', '5 minutes ago'],
  ['2025-01-10T02:00:00Z', '10 hours ago'],
  ['2025-01-01T12:00:00Z', '9 days ago'],
])('%s: %s', (since, age) => expect(describeAge(since, now)).toBe(`${age} (${since})`))

test('an age that the server does not keep', () => {
  expect(describeAge(null, now)).toBe('at a time that the server does not keep')
  expect(describeAge('yesterday', now)).toBe('at a time that the server does not keep')
})
