import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyRing, SealingKey } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'

/**
 * Why a stored credential does not open. GCM cannot tell a damaged text from one of another tenant: both are
 * `damaged`.
 */
export interface SealFault {
  fault: 'unknown-key' | 'damaged' | 'no-envelope' | 'cbc-key-missing' | 'cbc-unopened' | 'reference'
  /** The key that the text names, or that was tried. */
  keyId: string | null
  /** In words, for `reference` only. */
  detail?: string
}

const version = 'v1'
const prefix = `tenantry:${version}:`
const ivBytes = 12
const tagBytes = 16
const cipherName = 'aes-256-gcm'

/** `tenantry:v1:<key id>:<iv>:<ciphertext and tag>`, the last two in base64url. */
const envelope = /^tenantry:v1:([0-9a-f]{8}):([A-Za-z0-9_-]{16}):([A-Za-z0-9_-]{22,})$/

/** Is it ours, of whatever version, whole or not? */
export function isSealed(text: string): boolean {
  return text.startsWith('tenantry:')
}

/** Id of the key that a sealed text names; null: it is no whole envelope. */
export function keyIdOf(text: string): string | null {
  return envelope.exec(text)?.[1] ?? null
}

/**
 * Seals with AES-256-GCM under a fresh random 96-bit IV. The version, the key's id and the tenant's id are
 * authenticated: the text opens for this tenant only.
 */
export function seal(key: SealingKey, tenantId: string, secret: Secret): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(cipherName, key.bytes(), iv, { authTagLength: tagBytes })
  cipher.setAAD(boundTo(key.id, tenantId))
  const sealed = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${prefix}${key.id}:${iv.toString('base64url')}:${sealed.toString('base64url')}`
}

export function openSealed(
  ring: Pick<KeyRing, 'current' | 'previous'>,
  tenantId: string,
  text: string,
): Secret | SealFault {
  const [, keyId, ivText = '', sealedText = ''] = envelope.exec(text) ?? []
  if (keyId === undefined) return { fault: 'damaged', keyId: null }
  const keys = ring.current === null ? ring.previous : [ring.current, ...ring.previous]
  const key = keys.find(({ id }) => id === keyId)
  if (key === undefined) return { fault: 'unknown-key', keyId }
  const iv = readCanonical(ivText)
  const sealed = readCanonical(sealedText)
  if (iv === null || sealed === null || sealed.length < tagBytes) return { fault: 'damaged', keyId }
  const decipher = createDecipheriv(cipherName, key.bytes(), iv, { authTagLength: tagBytes })
  decipher.setAAD(boundTo(keyId, tenantId))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    const opened = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()])
    return new Secret(opened.toString('utf8'))
  } catch {
    return { fault: 'damaged', keyId }
  }
}

/** Base64 has bits to spare at its end: texts that differ only there would open alike. */
function readCanonical(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Databases give a UUID back in letter cases of their own. */
function boundTo(keyId: string, tenantId: string): Buffer {
  const id = uuid.test(tenantId) ? tenantId.toLowerCase() : tenantId
  return Buffer.from(`tenantry:${version}:${keyId}:${id}`, 'utf8')
}
