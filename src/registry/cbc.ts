import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { SealingKey } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'

type Encoding = 'hex' | 'HEX' | 'base64'

/**
 * How a team's application stores an AES-256-CBC value: `iv:ciphertext`, or both in one (`joined`: the IV's 16 bytes
 * come first). Each part is hex (of one letter case) or base64 with its padding.
 */
export interface CbcShape {
  joined: boolean
  iv: Encoding
  text: Encoding
}

/** What the usual snippet for Node writes: `iv.toString('hex') + ':' + encrypted.toString('hex')`. */
export const usualCbcShape: CbcShape = { joined: false, iv: 'hex', text: 'hex' }

const blockBytes = 16
const cipherName = 'aes-256-cbc'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

interface CbcValue {
  shape: CbcShape
  iv: Buffer
  encrypted: Buffer
}

/** Takes a stored value apart; null: it has none of the accepted shapes. */
export function readCbc(stored: string): CbcValue | null {
  const parts = stored.split(':')
  if (parts.length === 1) {
    const whole = decode(stored)
    if (whole === null || whole.bytes.length < 2 * blockBytes || whole.bytes.length % blockBytes !== 0) return null
    const { bytes, encoding } = whole
    const shape = { joined: true, iv: encoding, text: encoding }
    return { shape, iv: bytes.subarray(0, blockBytes), encrypted: bytes.subarray(blockBytes) }
  }
  if (parts.length !== 2) return null
  const [iv, text] = parts.map(decode)
  if (iv == null || text == null || iv.bytes.length !== blockBytes) return null
  if (text.bytes.length === 0 || text.bytes.length % blockBytes !== 0) return null
  return { shape: { joined: false, iv: iv.encoding, text: text.encoding }, iv: iv.bytes, encrypted: text.bytes }
}

function decode(text: string): { bytes: Buffer; encoding: Encoding } | null {
  // Digits alone may be of either case: the usual one is taken.
  if (text.length % 2 === 0 && /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(text)) {
    return { bytes: Buffer.from(text, 'hex'), encoding: /[A-F]/.test(text) ? 'HEX' : 'hex' }
  }
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? { bytes, encoding: 'base64' } : null
}

/**
 * Opens a value; null: the key is another one, or the value is damaged. CBC authenticates nothing: a wrong key passes
 * the check of the padding about once in 256, so what comes out must also be text without control characters (but for
 * tabs and the ends of lines). Even then it is no proof.
 */
export function openCbc(key: SealingKey, { iv, encrypted }: CbcValue): Secret | null {
  const decipher = createDecipheriv(cipherName, key.bytes(), iv)
  let opened: Buffer
  try {
    opened = Buffer.concat([decipher.update(encrypted), decipher.final()])
  } catch {
    return null
  }
  const text = opened.toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(opened) && !controlCharacters.test(text)
  return isText ? new Secret(text) : null
}

/** A value with a fresh IV, in the shape that the application reads. */
export function writeCbc(key: SealingKey, secret: Secret, shape: CbcShape): string {
  const iv = randomBytes(blockBytes)
  const cipher = createCipheriv(cipherName, key.bytes(), iv)
  const encrypted = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()])
  if (shape.joined) return encode(Buffer.concat([iv, encrypted]), shape.text)
  return `${encode(iv, shape.iv)}:${encode(encrypted, shape.text)}`
}

function encode(bytes: Buffer, encoding: Encoding): string {
  return encoding === 'HEX' ? bytes.toString('hex').toUpperCase() : bytes.toString(encoding)
}
