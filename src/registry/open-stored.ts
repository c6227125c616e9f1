import type { KeyRing, StoredCredential } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'
import { openCbc, readCbc } from './cbc.ts'
import type { KeyReader } from './key-ring.ts'
import { isSealed, openSealed, type SealFault } from './seal.ts'

/** How a stored text was made. */
export type StoredKind = 'sealed' | 'cbc' | 'unknown'

export function kindOf(stored: string): StoredKind {
  if (isSealed(stored)) return 'sealed'
  return readCbc(stored) === null ? 'unknown' : 'cbc'
}

/** Opens a stored text, whichever way it was made. */
export function openStored(ring: KeyRing, tenantId: string, stored: string): Secret | SealFault {
  if (isSealed(stored)) return openSealed(ring, tenantId, stored)
  const value = readCbc(stored)
  if (value === null) return { fault: 'no-envelope', keyId: null }
  if (ring.cbc === null) return { fault: 'cbc-key-missing', keyId: null }
  return openCbc(ring.cbc, value) ?? { fault: 'cbc-unopened', keyId: ring.cbc.id }
}

/** Only those keys that these credentials need: one that is wrong is no trouble for who does not use it. */
export async function readNeededKeys(keys: KeyReader, credentials: Iterable<StoredCredential>): Promise<KeyRing> {
  const kinds = new Set<StoredKind>()
  for (const { sealed } of credentials) if (sealed !== null) kinds.add(kindOf(sealed))
  return {
    ...(kinds.has('sealed') ? await keys.sealing() : { current: null, previous: [] }),
    cbc: kinds.has('cbc') ? await keys.cbc() : null,
  }
}

/** Ids of the keys that open sealed texts, the current one first. */
export function idsOf({ current, previous }: Pick<KeyRing, 'current' | 'previous'>): string[] {
  return [...(current === null ? [] : [current.id]), ...previous.map(({ id }) => id)]
}

/** Why a credential does not open, as a part of a sentence about it. */
export function describeFault({ fault, keyId, detail }: SealFault, ring: KeyRing): string {
  const ids = idsOf(ring)
  switch (fault) {
    case 'unknown-key': {
      const set = ids.length === 0 ? 'no key is' : ids.length === 1 ? `only ${ids[0]} is` : `${ids.join(' and ')} are`
      return `is sealed with key ${keyId}, and ${set} set`
    }
    case 'damaged':
      return keyId === null
        ? 'is a sealed text that was cut off or changed, or one of a newer version'
        : `does not open with key ${keyId}, which it names: it was changed, cut off, or copied from another tenant`
    case 'no-envelope':
      return 'is neither a sealed text nor an AES-256-CBC value in a shape that is known'
    case 'cbc-key-missing':
      return 'is an AES-256-CBC value, and no key for those (DB_ENCRYPTION_KEY) is set'
    case 'cbc-unopened':
      return `is an AES-256-CBC value that key ${keyId} (DB_ENCRYPTION_KEY) does not open: it is another key's, or was changed`
    case 'reference':
      return detail ?? 'is a reference that cannot be resolved'
  }
}

/** What to do about it. */
export function hintFor({ fault, keyId }: SealFault): string {
  switch (fault) {
    case 'unknown-key':
      return `Set the key with id ${keyId} as MASTER_ENCRYPTION_KEY, or as MASTER_ENCRYPTION_KEY_PREVIOUS during a rotation; \`tenantry keys check\` shows the ids of those that are set.`
    case 'damaged':
      return 'Store it anew: `tenantry tenants set-credentials <slug> --user <name> --password-stdin`; or bring the row back from a backup.'
    case 'no-envelope':
      return 'docs/keys.md lists the shapes that are read. Store it anew: `tenantry tenants set-credentials <slug> --user <name> --password-stdin`.'
    case 'cbc-key-missing':
      return 'Set DB_ENCRYPTION_KEY to the key (exactly 32 characters) that your application encrypts with.'
    case 'cbc-unopened':
      return 'Compare DB_ENCRYPTION_KEY with the key that your application encrypts with. Where only some fail, store those anew: `tenantry tenants set-credentials <slug> --user <name> --password-stdin`.'
    case 'reference':
      return 'Mend what the reference names, or store another: `tenantry tenants set-credentials <slug> --user <name> --password-ref <reference>`.'
  }
}

export function isOpened(result: Secret | SealFault): result is Secret {
  return result instanceof Secret
}
