import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../model/secret.ts'
import { openCbc, readCbc, writeCbc } from './cbc.ts'
import { makeKey } from './key-ring.ts'

const text32 = 'your-32-character-secret-key!!??'
const key = makeKey('cbc', Buffer.from(text32), Buffer.from(text32))
const password = 'p@ss:w/o%r\'d"\\\nß'

/** As applications write them, each in its own way. */
const applications: Record<string, (iv: Buffer, encrypted: Buffer) => string> = {
  'hex:hex': (iv, encrypted) => `${iv.toString('hex')}:${encrypted.toString('hex')}`,
  'HEX:HEX': (iv, encrypted) => `${iv.toString('hex')}:${encrypted.toString('hex')}`.toUpperCase(),
  'base64:base64': (iv, encrypted) => `${iv.toString('base64')}:${encrypted.toString('base64')}`,
  'hex:base64': (iv, encrypted) => `${iv.toString('hex')}:${encrypted.toString('base64')}`,
  'hex, joined': (iv, encrypted) => Buffer.concat([iv, encrypted]).toString('hex'),
  'base64, joined': (iv, encrypted) => Buffer.concat([iv, encrypted]).toString('base64'),
}

function encrypt(plain: string): [Buffer, Buffer] {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(text32), iv)
  return [iv, Buffer.concat([cipher.update(plain), cipher.final()])]
}

test.each(Object.keys(applications))('%s is read, and written back so that the application reads it', (name) => {
  const write = applications[name] as (iv: Buffer, encrypted: Buffer) => string
  fc.assert(
    fc.property(fc.constantFrom(password, 'x', 'y'.repeat(15), 'z'.repeat(16), 'ü'.repeat(40)), (plain) => {
      const stored = write(...encrypt(plain))
      const value = readCbc(stored)
      expect(value && openCbc(key, value)?.reveal()).toBe(plain)
      if (value === null) return
      const back = writeCbc(key, new Secret('another one'), value.shape)
      const again = readCbc(back)
      expect(again?.shape).toEqual(value.shape)
      if (again === null) return
      const decipher = createDecipheriv('aes-256-cbc', Buffer.from(text32), again.iv)
      expect(Buffer.concat([decipher.update(again.encrypted), decipher.final()]).toString()).toBe('another one')
    }),
    { numRuns: 60 },
  )
})

test.each([
  ['nothing', ''],
  ['a plain password', 'hunter2'],
  ['one part', `${'ab'.repeat(16)}:`],
  ['three parts', `${'ab'.repeat(16)}:${'cd'.repeat(16)}:${'ef'.repeat(16)}`],
  ['an IV that is too short', `${'ab'.repeat(15)}:${'cd'.repeat(16)}`],
  ['half a block', `${'ab'.repeat(16)}:${'cd'.repeat(24)}`],
  ['an IV alone', 'ab'.repeat(16)],
  ['mixed letter cases', `${'aB'.repeat(16)}:${'cD'.repeat(16)}`],
  ['a sealed text', 'tenantry:v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAA'],
])('%s is no such value', (_, stored) => {
  expect(readCbc(stored)).toBeNull()
})

test('wrong keys: those that get past the padding are found out by what they give', () => {
  const value = readCbc(applications['hex:hex']?.(...encrypt('correct horse')) ?? '')
  if (value === null) throw new Error('not read')
  let pastPadding = 0
  for (let i = 0; i < 4000; i++) {
    const bytes = createHash('sha256').update(`wrong ${i}`).digest()
    expect(openCbc(makeKey('cbc', bytes, bytes), value)).toBeNull()
    try {
      const decipher = createDecipheriv('aes-256-cbc', bytes, value.iv)
      decipher.update(value.encrypted)
      decipher.final()
      pastPadding++
    } catch {}
  }
  // Else this would have tested the padding alone.
  expect(pastPadding).toBeGreaterThan(4)
})
