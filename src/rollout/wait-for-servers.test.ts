import { expect, test } from 'vitest'
import { type ErrorCode, TenantryError } from '../model/errors.ts'
import { waitForServers } from './wait-for-servers.ts'

/** Refuses with these, one after the other, then answers. */
function refusing(...codes: ErrorCode[]) {
  let tries = 0
  return {
    awaited: {
      server: 'registry',
      connect: async () => {
        const code = codes[tries++]
        if (code !== undefined) throw new TenantryError(code, 'No.')
      },
    },
    tries: () => tries,
  }
}

test('what comes right by itself is waited for', async () => {
  const { awaited, tries } = refusing('SERVER_UNREACHABLE', 'AUTHENTICATION_FAILED')
  expect(await waitForServers([awaited], { timeoutMs: 10_000 })).toMatchObject({ ok: true, error: null })
  expect(tries()).toBe(3)
})

test('a server that lacks only the database has answered', async () => {
  const { awaited, tries } = refusing('DATABASE_MISSING')
  expect(await waitForServers([awaited], { timeoutMs: 10_000 })).toMatchObject({ ok: true })
  expect(tries()).toBe(1)
})

test('what a person has to mend is told at once, and what does not answer in time', async () => {
  const final = refusing('TLS_FAILED')
  const away = refusing(...Array<ErrorCode>(50).fill('SERVER_UNREACHABLE'))
  expect(await waitForServers([final.awaited], { timeoutMs: 10_000 })).toMatchObject({ error: { code: 'TLS_FAILED' } })
  expect(final.tries()).toBe(1)
  expect(await waitForServers([away.awaited], { timeoutMs: 1 })).toMatchObject({
    error: { code: 'SERVER_UNREACHABLE' },
  })
})
