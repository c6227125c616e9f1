import { expect, test } from 'vitest'
import { adviseWith } from './advice.ts'

test('every command that is advised goes to the same fleet', () => {
  const document = {
    command: 'up',
    targets: [
      {
        target: 'tenantry up',
        error: { message: '`tenantry up` met it', hint: 'Run `tenantry up` again, or `tenantry explain a`.' },
      },
    ],
    next: [{ command: 'tenantry up a', why: 'then `tenantry check`' }],
  }
  expect(adviseWith(document, 'tenantry --env staging')).toEqual({
    command: 'up',
    targets: [
      {
        target: 'tenantry up',
        error: {
          message: '`tenantry up` met it',
          hint: 'Run `tenantry --env staging up` again, or `tenantry --env staging explain a`.',
        },
      },
    ],
    next: [{ command: 'tenantry --env staging up a', why: 'then `tenantry --env staging check`' }],
  })
  expect(adviseWith(document, 'tenantry')).toBe(document)
})
