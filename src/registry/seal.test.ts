import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../model/secret.ts'
import { makeKey } from './key-ring.ts'
import { isSealed, keyIdOf, openSealed, seal } from './seal.ts'

const tenant = '0b7a3c52-6a5e-4a8e-9d54-1f2f3c4d5e6f'

function keyOf(word: string) {
  const bytes = createHash('sha256').update(word).digest()
  return makeKey('current', bytes, bytes)
}

const current = keyOf('one')
const ring = { current, previous: [] }

test('whatever was sealed opens, for this tenant and with this key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uuid(), (password, id) => {
      const text = seal(current, id, new Secret(password))
      expect(text).toMatch(/^tenantry:v1:[0-9a-f]{8}:[\w-]{16}:[\w-]+$/)
      const opened = openSealed(ring, id, text)
      expect(opened instanceof Secret && opened.reveal()).toBe(password)
    }),
  )
})

test('the same password is never the same text twice', () => {
  const texts = new Set(Array.from({ length: 1000 }, () => seal(current, tenant, new Secret('x')).split(':')[3]))
  expect(texts.size).toBe(1000)
})

test('one flipped bit, wherever it is, and it does not open', () => {
  const text = Buffer.from(seal(current, tenant, new Secret('pässword of some length')))
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(text)
      flipped[at] = (flipped[at] as number) ^ (1 << bit)
      const opened = openSealed(ring, tenant, flipped.toString('latin1'))
      expect(opened instanceof Secret, `byte ${at}, bit ${bit}`).toBe(false)
    }
  }
})

test('one flipped bit of what was encrypted, and it is damaged', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(7), fc.constantFrom(3, 4), (password, place, bit, part) => {
      const parts = seal(current, tenant, new Secret(password)).split(':')
      const bytes = Buffer.from(parts[part] as string, 'base64url')
      const at = place % bytes.length
      bytes[at] = (bytes[at] as number) ^ (1 << bit)
      parts[part] = bytes.toString('base64url')
      expect(openSealed(ring, tenant, parts.join(':'))).toEqual({ fault: 'damaged', keyId: current.id })
    }),
  )
})

test('cut anywhere, or with something behind it', () => {
  const text = seal(current, tenant, new Secret('pass'))
  for (let length = 0; length < text.length; length++)
    expect(openSealed(ring, tenant, text.slice(0, length)) instanceof Secret, `${length}`).toBe(false)
  for (const more of ['A', '=', '\n', ' ', 'AAAA', ':AAAA'])
    expect(openSealed(ring, tenant, text + more) instanceof Secret, more).toBe(false)
})

test('copied to the row of another tenant it stays shut', () => {
  const text = seal(current, tenant, new Secret('pass'))
  expect(openSealed(ring, tenant.replace('0b', '0c'), text)).toEqual({ fault: 'damaged', keyId: current.id })
  // The same UUID as another database writes it.
  expect(openSealed(ring, tenant.toUpperCase(), text)).toBeInstanceOf(Secret)
  // Ids that are no UUIDs are as different as their letters.
  const odd = seal(current, 'acme', new Secret('pass'))
  expect(openSealed(ring, 'Acme', odd)).toEqual({ fault: 'damaged', keyId: current.id })
})

test('a key that is not there is named; the previous one opens', () => {
  const other = keyOf('two')
  const text = seal(other, tenant, new Secret('pass'))
  expect(openSealed(ring, tenant, text)).toEqual({ fault: 'unknown-key', keyId: other.id })
  expect(openSealed({ current, previous: [other] }, tenant, text)).toBeInstanceOf(Secret)
  // Somebody wrote the id of a key that is there over it.
  expect(openSealed(ring, tenant, text.replace(other.id, current.id))).toEqual({ fault: 'damaged', keyId: current.id })
})

test('what is ours and which key it names can be told without opening', () => {
  const text = seal(current, tenant, new Secret('pass'))
  expect([isSealed(text), keyIdOf(text)]).toEqual([true, current.id])
  expect([isSealed('tenantry:v2:future'), keyIdOf('tenantry:v2:future')]).toEqual([true, null])
  expect(isSealed('00112233:44')).toBe(false)
})
