import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { Secret } from './secret.ts'

/** A key that the config asks for. Ids tell keys apart and tell nothing of them. */
export interface KeyItem {
  /** `current` seals and opens, `previous` opens, `cbc` opens and writes AES-256-CBC values. */
  role: 'current' | 'previous' | 'cbc'
  /** `MASTER_ENCRYPTION_KEY`, or the file or command in words. */
  source: string
  /** null: it is not set, or `error` says what is wrong with it. */
  id: string | null
  error: ErrorDocument | null
  /** Stored credentials that it opens. */
  opens: number
}

/** What `keys check` found. `ok` is false where a key is wrong, or a credential does not open. */
export interface KeyCheckReport {
  command: 'keys check'
  ok: boolean
  keys: readonly KeyItem[]
  /** null: there is no registry to look into. */
  credentials: CredentialCount | null
  /** Ids of keys that credentials are sealed with and that are not set. */
  missing: readonly { keyId: string; credentials: number }[]
  /** Up to 20 tenants whose credentials do not open, and why. */
  unreadable: readonly UnreadableCredential[]
  notices: readonly Notice[]
}

export interface CredentialCount {
  total: number
  sealed: number
  cbc: number
  references: number
  unreadable: number
}

export interface UnreadableCredential {
  /** Slug, or the id where the registry has no slug for it. */
  tenant: string
  /** The key that it names, or that was tried. */
  keyId: string | null
  why: string
}

export interface RotateKeysOptions {
  /** Seal AES-256-CBC values, too: the application that wrote them cannot read them any more. */
  reseal?: boolean
  /** The answer to that, given beforehand. */
  yes?: boolean
  /** Asked with `reseal` where `yes` is not given; absent: refused. */
  confirm?: (cbc: number) => Promise<boolean>
}

/** What `keys rotate` did. It ends only when a reading of all credentials found none that needs another key. */
export interface RotateKeysReport {
  command: 'keys rotate'
  ok: boolean
  /** Id of the key that everything is sealed with now. */
  key: string
  total: number
  /** Sealed anew by this run, and opened again from what the registry had afterwards. */
  rotated: number
  /** Were AES-256-CBC values before; they are among `rotated`. */
  resealed: number
  /** Left as AES-256-CBC values. */
  cbc: number
  references: number
  /** Ids of other keys that are set and that no credential needs any more. */
  dispensable: readonly string[]
  durationMs: number
  notices: readonly Notice[]
}

export type SetCredentialOptions = {
  user: string
} & ({ password: Secret; reference?: never } | { reference: string; password?: never })

export interface SetCredentialReport {
  command: 'tenants set-credentials'
  ok: boolean
  tenant: { id: string; slug: string }
  user: string
  kind: 'sealed' | 'cbc' | 'reference'
  /** null: a reference. */
  keyId: string | null
  notices: readonly Notice[]
}

/** Keys, and the credentials they seal. Every method throws KEY_INVALID for a key that is set and cannot be used. */
export interface Keys {
  /** Opens every stored credential. Changes nothing; works without a registry, too. */
  check(): Promise<KeyCheckReport>
  /**
   * Seals every credential with the current key. Safe beside everything else, and to be run again after it was ended.
   * Throws KEY_INVALID, REGISTRY_MISSING, CREDENTIAL_UNREADABLE (nothing is written then), CONFIRMATION_MISSING.
   */
  rotate(options?: RotateKeysOptions): Promise<RotateKeysReport>
  /** Throws KEY_INVALID, TENANT_UNKNOWN, REGISTRY_MISSING, USAGE for a reference that is none. */
  setCredential(tenant: string, options: SetCredentialOptions): Promise<SetCredentialReport>
}
