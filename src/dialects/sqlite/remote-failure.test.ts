import { expect, test } from 'vitest'
import { readWireError } from './remote-failure.ts'
import { WireError } from './remote-wire.ts'

test.each([
  ['unknown', false, 'ENOTFOUND', 'unreachable'],
  ["unknown, and the database's own", true, 'ENOTFOUND', 'database-missing'],
  ["not asked for now, and the database's own", true, 'EAI_AGAIN', 'unreachable'],
])('a host that is %s', (_, ownHost, code, kind) => {
  const error = new WireError('unsent', `getaddrinfo ${code} acme.example.com`, code)
  expect(readWireError(error, false, 'acme.example.com', ownHost).failure).toMatchObject({ kind })
})
