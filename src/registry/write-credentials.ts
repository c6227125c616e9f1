import type { MappedTenants } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { Actor, KeyRing, SealingKey, StoredCredential, TenantStore } from '../model/registry.ts'
import type { Secret } from '../model/secret.ts'
import { type CbcShape, readCbc, usualCbcShape, writeCbc } from './cbc.ts'
import type { KeyReader } from './key-ring.ts'
import { isOpened, openStored } from './open-stored.ts'
import { isSealed, seal } from './seal.ts'

/** What credentials are written with. */
export interface CredentialWriting {
  store: Pick<TenantStore, 'readCredentials' | 'pageCredentials' | 'writeCredentials'>
  keys: KeyReader
  /** The team's own table, where there is one: its application may read the passwords, too. */
  mapped: MappedTenants | null
  actor: Actor
}

/** How a password is going to be stored. */
export type Sealing = { kind: 'sealed'; key: SealingKey } | { kind: 'cbc'; key: SealingKey; shape: CbcShape }

/** A new text, what it replaces, and what it must give when it is opened. */
export interface NewText {
  credential: StoredCredential
  /** Absent: whatever was there. */
  was?: string | null
  secret: Secret
}

/** Values looked at to find out how an application stores them. */
const samples = 500

/** How this tenant's password is to be stored: as the application that reads it, too, does it. Throws KEY_INVALID. */
export async function chooseSealing(writing: CredentialWriting, tenantId: string): Promise<Sealing> {
  const { mapped, keys } = writing
  const rule = mapped?.password ?? 'auto'
  if (rule === 'sealed') return { kind: 'sealed', key: await requireCurrent(keys) }
  const own = (await writing.store.readCredentials([tenantId])).get(tenantId)?.sealed ?? null
  const found = own === null ? null : readCbc(own)
  if (found !== null) return { kind: 'cbc', key: await requireCbc(keys), shape: found.shape }
  if (rule === 'auto' && own !== null && isSealed(own)) return { kind: 'sealed', key: await requireCurrent(keys) }
  const others = (await writing.store.pageCredentials(null, samples)).flatMap(({ sealed }) => sealed ?? [])
  const shapes = others.flatMap((text) => readCbc(text)?.shape ?? [])
  const isUsual = rule === 'cbc' || shapes.length * 2 > others.length
  if (isUsual) return { kind: 'cbc', key: await requireCbc(keys), shape: mostCommon(shapes) ?? usualCbcShape }
  // The first password of a table: the key that is set says what is meant.
  const { current } = await keys.sealing()
  const cbc = mapped !== null && current === null && others.length === 0 ? await keys.cbc() : null
  return cbc === null
    ? { kind: 'sealed', key: await requireCurrent(keys) }
    : { kind: 'cbc', key: cbc, shape: usualCbcShape }
}

function mostCommon(shapes: readonly CbcShape[]): CbcShape | null {
  const counts = new Map<string, { shape: CbcShape; count: number }>()
  for (const shape of shapes) {
    const key = JSON.stringify(shape)
    counts.set(key, { shape, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.shape ?? null
}

/** Throws KEY_INVALID where none is set. */
export async function requireCurrent(keys: KeyReader): Promise<SealingKey> {
  const { current } = await keys.sealing()
  if (current !== null) return current
  throw new TenantryError('KEY_INVALID', 'No key is set, so that no credential can be sealed.', {
    hint: 'Set MASTER_ENCRYPTION_KEY (`keys.master` in the config may name another variable, a file or a command); `tenantry keys generate` prints a new key.',
  })
}

async function requireCbc(keys: KeyReader): Promise<SealingKey> {
  const key = await keys.cbc()
  if (key !== null) return key
  throw new TenantryError(
    'KEY_INVALID',
    "Passwords are stored as AES-256-CBC values in the team's own table, and no key for those is set.",
    { hint: 'Set DB_ENCRYPTION_KEY to the key (exactly 32 characters) that your application encrypts with.' },
  )
}

export function sealWith(sealing: Sealing, tenantId: string, secret: Secret): string {
  return sealing.kind === 'sealed' ? seal(sealing.key, tenantId, secret) : writeCbc(sealing.key, secret, sealing.shape)
}

/**
 * Writes credentials and opens what the registry has of them afterwards. What was changed by somebody else at the same
 * time is left as they wrote it. Gives the ids of those that were written and do open. Throws CONFIG_INVALID where the
 * registry did not keep a text whole; what was there before is put back.
 */
export async function writeVerified(
  { store, actor }: Pick<CredentialWriting, 'store' | 'actor'>,
  texts: readonly NewText[],
  action: 'credential' | 'rotate',
  ring: KeyRing,
): Promise<Set<string>> {
  const before =
    action === 'credential' ? await store.readCredentials(texts.map(({ credential }) => credential.tenantId)) : null
  await store.writeCredentials(
    texts.map(({ credential, was }) => (was === undefined ? { credential } : { credential, was })),
    action,
    actor,
  )
  const after = await store.readCredentials(texts.map(({ credential }) => credential.tenantId))
  const verified = new Set<string>()
  const cut: { credential: StoredCredential; was: string }[] = []
  let [longest, kept] = [0, 0]
  for (const { credential, was, secret } of texts) {
    const { tenantId, sealed } = credential
    const now = after.get(tenantId)?.sealed ?? null
    if (now === sealed && sealed !== null) {
      const opened = openStored(ring, tenantId, sealed)
      if (isOpened(opened) && opened.reveal() === secret.reveal()) verified.add(tenantId)
      else throw new TenantryError('INTERNAL', `What was sealed for tenant ${tenantId} does not open again.`)
      continue
    }
    // Cut by a column that is too short; anything else is somebody else's change.
    if (now === null || sealed === null || !sealed.startsWith(now)) continue
    const old = before?.get(tenantId) ?? { ...credential, sealed: was ?? null }
    cut.push({ credential: old, was: now })
    longest = Math.max(longest, sealed.length)
    kept = now.length
  }
  if (cut.length === 0) return verified
  await store.writeCredentials(cut, action, actor)
  throw new TenantryError(
    'CONFIG_INVALID',
    `The column for passwords kept ${kept} of ${longest} characters, so what was there before was put back.`,
    {
      hint: `Make the column wider (text, or varchar(${Math.max(512, longest)})), then run this again.`,
      context: { tenants: cut.slice(0, 20).map(({ credential }) => credential.tenantId), characters: longest, kept },
    },
  )
}
