import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { MappedTenants } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { StoredCredential, TenantStore } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'
import { readCbc, usualCbcShape, writeCbc } from './cbc.ts'
import { type KeyReader, makeKey } from './key-ring.ts'
import { rotateKeys } from './rotate.ts'
import { isSealed, keyIdOf, openSealed, seal } from './seal.ts'
import { chooseSealing, sealWith, writeVerified } from './write-credentials.ts'

const keyOf = (word: string, role: 'current' | 'cbc' = 'current') => {
  const bytes = createHash('sha256').update(word).digest()
  return makeKey(role, bytes, bytes)
}
const [key, old, cbc] = [keyOf('new'), keyOf('old'), keyOf('cbc', 'cbc')]
const keys: KeyReader = {
  sealing: async () => ({ current: key, previous: [old] }),
  cbc: async () => cbc,
  ring: async () => ({ current: key, previous: [old], cbc }),
  survey: async () => [],
}
const actor = { name: 'a test' }

type Store = Pick<TenantStore, 'readCredentials' | 'pageCredentials' | 'writeCredentials' | 'find'>

/** What no server does on demand: `beforeWrite` is somebody else, `keep` is a column. */
function storeOf(
  texts: Readonly<Record<string, string>>,
  faults: { beforeWrite?: (rows: Map<string, StoredCredential>) => void; keep?: (text: string) => string } = {},
) {
  const row = (tenantId: string, sealed: string): StoredCredential => ({ tenantId, user: 'u', sealed, reference: null })
  const rows = new Map(Object.entries(texts).map(([id, text]) => [id, row(id, text)]))
  const store: Store = {
    find: async () => null,
    readCredentials: async (ids) => new Map([...rows].filter(([id]) => ids.includes(id))),
    pageCredentials: async (after, limit) =>
      [...rows.values()]
        .filter(({ tenantId }) => after === null || tenantId > after)
        .sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1))
        .slice(0, limit),
    writeCredentials: async (credentials) => {
      faults.beforeWrite?.(rows)
      for (const { credential } of credentials)
        if (!rows.has(credential.tenantId))
          throw new TenantryError('TENANT_UNKNOWN', 'gone', { context: { tenant: credential.tenantId } })
      const due = credentials.filter(
        ({ credential, was }) => was === undefined || rows.get(credential.tenantId)?.sealed === was,
      )
      for (const { credential } of due) {
        const { sealed } = credential
        rows.set(credential.tenantId, {
          ...credential,
          sealed: sealed === null ? null : (faults.keep?.(sealed) ?? sealed),
        })
      }
      return due.length
    },
  }
  return { rows, store }
}

const sealedOld = (id: string) => seal(old, id, new Secret(`password of ${id}`))
const rotation = (store: Store, pageSize = 3) => ({ store, keys, mapped: null, actor, emit: () => {}, pageSize })
const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

test('a column that cuts: the old values are put back, and it is told how wide it must be', async () => {
  const before = Object.fromEntries(ids.map((id) => [id, writeCbc(cbc, new Secret('x'.repeat(15)), usualCbcShape)]))
  const { rows, store } = storeOf(before, { keep: (text) => text.slice(0, 70) })
  const failure = await rotateKeys(rotation(store), { reseal: true, yes: true }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('kept 70 of') })
  for (const id of ids) expect(rows.get(id)?.sealed).toBe(before[id])
})

test('what somebody stores meanwhile stays theirs, and is sealed anew in the next round', async () => {
  let meanwhile = 2
  const { rows, store } = storeOf(Object.fromEntries(ids.map((id) => [id, sealedOld(id)])), {
    beforeWrite: (all) => {
      if (meanwhile-- > 0)
        all.set('b', { tenantId: 'b', user: 'u', sealed: seal(old, 'b', new Secret('theirs')), reference: null })
    },
  })
  const report = await rotateKeys(rotation(store))
  expect(report).toMatchObject({ ok: true, rotated: ids.length, total: ids.length, dispensable: [old.id] })
  const opened = openSealed({ current: key, previous: [] }, 'b', rows.get('b')?.sealed ?? '')
  expect(opened instanceof Secret && opened.reveal()).toBe('theirs')
})

test('a tenant that is removed meanwhile takes its credential along; the others are sealed anew', async () => {
  const { rows, store } = storeOf(Object.fromEntries(ids.map((id) => [id, sealedOld(id)])), {
    beforeWrite: (all) => void all.delete('b'),
  })
  expect(await rotateKeys(rotation(store))).toMatchObject({ ok: true, rotated: ids.length - 1 })
  for (const { sealed } of rows.values()) expect(keyIdOf(sealed ?? '')).toBe(key.id)
})

test('who keeps sealing with the old key is told of, and not waited for without an end', async () => {
  const { store } = storeOf(Object.fromEntries(ids.map((id) => [id, sealedOld(id)])), {
    beforeWrite: (all) => void all.set('b', { tenantId: 'b', user: 'u', sealed: sealedOld('b'), reference: null }),
  })
  const failure = await rotateKeys(rotation(store)).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'CREDENTIAL_UNREADABLE', hint: expect.stringContaining(key.id) })
})

test('a write that says it was done and was not counts for nothing', async () => {
  const { store } = storeOf({ a: sealedOld('a') })
  const deaf: Store = { ...store, writeCredentials: async (credentials) => credentials.length }
  const text = seal(key, 'a', new Secret('x'))
  const credential = { tenantId: 'a', user: 'u', sealed: text, reference: null }
  const ring = await keys.ring()
  expect(
    (await writeVerified({ store: deaf, actor }, [{ credential, secret: new Secret('x') }], 'rotate', ring)).size,
  ).toBe(0)
})

const mapped = (password: MappedTenants['password']) => ({ password }) as MappedTenants
const base64 = { joined: true, iv: 'base64', text: 'base64' } as const
const hex = { joined: false, iv: 'hex', text: 'hex' } as const
const cbcText = (shape: typeof base64 | typeof hex) => writeCbc(cbc, new Secret('x'), shape)

test.each([
  ['as the value that was there', 'auto', { a: cbcText(base64), b: cbcText(hex), c: cbcText(hex) }, base64],
  ['sealed, where that one was', 'auto', { a: sealedOld('a'), b: cbcText(hex), c: cbcText(hex) }, null],
  ['as most others, where there was none', 'auto', { b: cbcText(base64), c: cbcText(base64), d: cbcText(hex) }, base64],
  ['sealed, where most are', 'auto', { b: sealedOld('b'), c: sealedOld('c'), d: cbcText(hex) }, null],
  ['sealed, because the config says so', 'sealed', { a: cbcText(base64) }, null],
  ['as the application does, because the config says so', 'cbc', { a: sealedOld('a'), b: cbcText(base64) }, base64],
  ['in the usual shape, where there is no other', 'cbc', {}, hex],
  ['sealed, where there is no other', 'auto', {}, null],
] as const)('a password is written %s', async (_, rule, texts, shape) => {
  const { store } = storeOf(texts as Record<string, string>)
  const sealing = await chooseSealing({ store, keys, mapped: mapped(rule), actor }, 'a')
  const text = sealWith(sealing, 'a', new Secret('new one'))
  expect(isSealed(text)).toBe(shape === null)
  expect(readCbc(text)?.shape ?? null).toEqual(shape)
})
