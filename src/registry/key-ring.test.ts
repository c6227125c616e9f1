import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import type { KeySource, ResolvedKeys } from '../config/resolved.ts'
import { isTenantryError } from '../model/errors.ts'
import { parseKey, readKeysOf } from './key-ring.ts'

const dir = mkdtempSync(join(tmpdir(), 'tenantry-keys-'))
afterAll(() => rmSync(dir, { recursive: true }))

const plain = 'abcdefghijklmnopqrstuvwxyz012345'
const bytes = Buffer.from(plain)

function keysFrom(master: KeySource): ResolvedKeys {
  return {
    master,
    previous: [{ from: 'env', name: 'MASTER_ENCRYPTION_KEY_PREVIOUS' }],
    cbc: { from: 'env', name: 'DB_ENCRYPTION_KEY' },
  }
}

const fromVariable: KeySource = { from: 'env', name: 'MASTER_ENCRYPTION_KEY' }

function read(env: Record<string, string>, master = fromVariable, commandTimeoutMs = 10_000) {
  return readKeysOf(keysFrom(master), { env: { PATH: process.env.PATH, ...env }, root: dir, commandTimeoutMs }).ring()
}

/** The error, as everything that is shown of it. */
async function refused(env: Record<string, string>, master = fromVariable, timeoutMs?: number): Promise<string> {
  const error = await read(env, master, timeoutMs).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!isTenantryError(error)) throw new Error('nothing was refused')
  expect(error.code).toBe('KEY_INVALID')
  return `${error.message} ${error.hint} ${JSON.stringify(error.context)} ${inspect(error, { depth: 9 })}`
}

test('one key in three formats is one key', async () => {
  const formats = [
    plain,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    `${plain}\n`,
  ]
  const ids = new Set<string>()
  for (const value of formats) {
    const { current } = await read({ MASTER_ENCRYPTION_KEY: value })
    expect(current?.bytes()).toEqual(bytes)
    ids.add(current?.id ?? '')
  }
  expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/)])
})

test.each([
  ['31 characters', plain.slice(1), 'MASTER_ENCRYPTION_KEY has 31 characters'],
  ['33 characters', `${plain}!`, 'has 33 characters'],
  ['one character', 'x', 'has 1 character;'],
  ['64 characters that are not hex', 'g'.repeat(64), 'not all hex digits'],
  ['44 characters that are not base64', '*'.repeat(44), 'not 32 bytes in base64'],
  ['base64 with bits to spare set', `${bytes.toString('base64').slice(0, 42)}V=`, 'not 32 bytes in base64'],
  ['32 wide characters', 'ü'.repeat(32), '32 characters that take 64 bytes'],
])('a key of %s is refused, and not shown', async (_, value, why) => {
  const said = await refused({ MASTER_ENCRYPTION_KEY: value })
  expect(said).toContain(why)
  if (value.length > 1) expect(said).not.toContain(value.slice(0, 20))
})

test('a key for CBC is exactly 32 characters; hex of 64 is none', async () => {
  expect((await read({ DB_ENCRYPTION_KEY: plain })).cbc?.bytes()).toEqual(bytes)
  expect(await refused({ DB_ENCRYPTION_KEY: plain.slice(1) })).toContain('DB_ENCRYPTION_KEY has 31 characters, not 32')
  expect(await refused({ DB_ENCRYPTION_KEY: `${plain}!` })).toContain('DB_ENCRYPTION_KEY has 33 characters, not 32')
  expect(await refused({ DB_ENCRYPTION_KEY: bytes.toString('hex') })).toContain('has 64 characters, not 32')
  expect(parseKey('cbc', Buffer.from('é'.repeat(16)))).toContain('16 characters')
})

test('what is not set is not there, and an empty variable is not set', async () => {
  expect(await read({ MASTER_ENCRYPTION_KEY: '' })).toEqual({ current: null, previous: [], cbc: null })
})

test('the key before is read too, and once where it is the same one', async () => {
  const ring = await read({ MASTER_ENCRYPTION_KEY: plain, MASTER_ENCRYPTION_KEY_PREVIOUS: plain.toUpperCase() })
  expect(ring.previous.map(({ id }) => id)).toEqual([expect.not.stringMatching(ring.current?.id ?? '')])
  const same = await read({ MASTER_ENCRYPTION_KEY: plain, MASTER_ENCRYPTION_KEY_PREVIOUS: bytes.toString('hex') })
  expect(same.previous).toEqual([])
})

test('from a file, with or without the end of its line', async () => {
  for (const [name, text] of [
    ['bare', plain],
    ['line', `${plain}\n`],
    ['windows', `${bytes.toString('hex')}\r\n`],
  ] as const) {
    writeFileSync(join(dir, name), text)
    const ring = await read({}, { from: 'file', path: join(dir, name) })
    expect(ring.current?.bytes()).toEqual(bytes)
  }
  writeFileSync(join(dir, 'raw'), Buffer.alloc(32, 0xff))
  expect(await refused({}, { from: 'file', path: join(dir, 'raw') })).toContain('32 bytes that are no text')
  writeFileSync(join(dir, 'short'), plain.slice(1))
  const said = await refused({}, { from: 'file', path: join(dir, 'short') })
  expect(said).toContain(`The file ${join(dir, 'short')} has 31 characters`)
  expect(said).not.toContain(plain.slice(1, 20))
  expect(await refused({}, { from: 'file', path: join(dir, 'nowhere') })).toContain('is not there')
})

test('from what a command prints, which sees the variables', async () => {
  const ring = await read({ VAULT: plain }, { from: 'command', command: 'echo "$VAULT"' })
  expect(ring.current?.bytes()).toEqual(bytes)
})

test('a command that fails, hangs or prints too much is told by its program, without what it printed', async () => {
  const secret = 'S3cretOfTheVault'
  const failing: KeySource = { from: 'command', command: `printf ${secret}; echo "denied: ${secret}" >&2; exit 7` }
  const said = await refused({}, failing)
  expect(said).toContain('The command `printf …` ended with exit code 7: denied: [secret]')
  expect(said).not.toContain(secret)
  const hanging: KeySource = { from: 'command', command: 'sleep 60 & sleep 60' }
  expect(await refused({}, hanging, 300)).toContain('did not end within 0.3 s')
  expect(await refused({}, { from: 'command', command: 'yes' })).toContain('more than 64 kB')
  expect(await refused({}, { from: 'command', command: 'printf short' })).toContain('has 5 characters')
})

test('a key prints as its id, whoever prints it', async () => {
  const ring = await read({ MASTER_ENCRYPTION_KEY: plain, DB_ENCRYPTION_KEY: plain })
  for (const text of [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring), `${ring.current}`]) {
    expect(text).toContain(ring.current?.id)
    for (const form of [plain, bytes.toString('hex'), '61 62 63 64']) expect(text).not.toContain(form)
  }
  // What reads passwords of another program is not confused with what seals.
  expect(ring.cbc?.id).not.toBe(ring.current?.id)
})
