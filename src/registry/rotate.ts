import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import type { RotateKeysOptions, RotateKeysReport } from '../model/key-report.ts'
import type { Notice } from '../model/migration.ts'
import type { KeyRing, SealingKey, StoredCredential, TenantStore } from '../model/registry.ts'
import { idsOf, isOpened, kindOf, openStored } from './open-stored.ts'
import { addUnreadable, noneUnreadable, refuseUnreadable, type Unreadable } from './refuse-unreadable.ts'
import { keyIdOf, type SealFault, seal } from './seal.ts'
import { type CredentialWriting, type NewText, requireCurrent, writeVerified } from './write-credentials.ts'

export interface Rotation extends CredentialWriting {
  store: CredentialWriting['store'] & Pick<TenantStore, 'find'>
  emit: Emit
  /** Default 500. */
  pageSize?: number
}

/** Others may store credentials while this runs; it ends when one whole reading finds nothing to do. */
const mostRounds = 50
const progressEveryMs = 2000

interface Survey {
  total: number
  sealed: number
  cbc: number
  references: number
  unknown: number
  /** Sealed with another key than the current one. */
  due: number
}

/**
 * Seals every credential with the current key, in pages, each written only where it is still what was read. A kill at
 * any moment leaves each as it was or sealed anew, and both keys open it. Nothing is written where one does not open.
 */
export async function rotateKeys(rotation: Rotation, options: RotateKeysOptions = {}): Promise<RotateKeysReport> {
  const startedAt = performance.now()
  const { keys, mapped } = rotation
  const key = await requireCurrent(keys)
  const reseal = options.reseal === true
  if (reseal && mapped?.password === 'cbc') {
    throw new TenantryError(
      'CONFIG_INVALID',
      "`registry.tenants.password` of the config is 'cbc', and --reseal would move the passwords away from that.",
      { hint: "Set it to 'sealed' once no application reads the AES-256-CBC values any more." },
    )
  }
  const ring: KeyRing = { ...(await keys.sealing()), cbc: reseal ? await keys.cbc() : null }
  const found = await survey(rotation, ring, reseal)
  if (reseal && found.cbc > 0) await confirmReseal(found.cbc, options)
  const counts = { rotated: 0, resealed: 0 }
  const round = { reseal, total: found.due + (reseal ? found.cbc : 0), counts }
  let last = await sealAll(rotation, ring, key, round)
  for (let rounds = 1; last.due > 0; rounds++) {
    if (rounds === mostRounds) throw neverDone(key)
    last = await sealAll(rotation, ring, key, round)
  }
  return {
    command: 'keys rotate',
    ok: true,
    key: key.id,
    total: last.total,
    ...counts,
    cbc: last.cbc,
    references: last.references,
    dispensable: idsOf({ current: null, previous: ring.previous }),
    durationMs: Math.round(performance.now() - startedAt),
    notices: noticesOf(last, ring, reseal),
  }
}

function neverDone(key: SealingKey): TenantryError {
  return new TenantryError(
    'CREDENTIAL_UNREADABLE',
    'Credentials keep being stored with another key than the current one, so the rotation does not end.',
    {
      hint: `Some process still seals with an older key: give all of them the key with id ${key.id} as MASTER_ENCRYPTION_KEY, then run \`tenantry keys rotate\` again.`,
    },
  )
}

function noticesOf({ cbc, unknown }: Survey, { previous }: KeyRing, reseal: boolean): Notice[] {
  return [
    ...(previous.length === 0
      ? []
      : [
          {
            rule: 'key-dispensable',
            message: `No credential needs the previous key (${previous.map(({ id }) => id).join(', ')}) any more: MASTER_ENCRYPTION_KEY_PREVIOUS can be dropped everywhere.`,
          },
        ]),
    ...(cbc === 0 || reseal
      ? []
      : [
          {
            rule: 'cbc-left',
            message: `${cbc} AES-256-CBC ${cbc === 1 ? 'value was' : 'values were'} left as they are: the team's own application reads them with DB_ENCRYPTION_KEY.`,
            hint: '`tenantry keys rotate --reseal` moves them to AES-256-GCM, which that application cannot read',
          },
        ]),
    ...(unknown === 0
      ? []
      : [
          {
            rule: 'not-sealed',
            message: `${unknown} stored ${unknown === 1 ? 'value is' : 'values are'} neither sealed nor AES-256-CBC, and was left alone.`,
            hint: '`tenantry keys check` names the tenants',
          },
        ]),
  ]
}

/** Opens everything and writes nothing. Throws CREDENTIAL_UNREADABLE with all that do not open. */
async function survey(rotation: Rotation, ring: KeyRing, reseal: boolean): Promise<Survey> {
  const found = nothingYet()
  const unreadable = noneUnreadable()
  for await (const page of pagesOf(rotation)) {
    for (const credential of page) {
      const kind = tally(found, credential, ring, reseal)
      if (kind === null || credential.sealed === null) continue
      const opened = openStored(ring, credential.tenantId, credential.sealed)
      if (!isOpened(opened)) addUnreadable(unreadable, credential.tenantId, opened, ring)
    }
  }
  await nameTenants(unreadable, rotation.store)
  refuseUnreadable(unreadable, found.total, ring, 'so none was sealed anew')
  return found
}

function nothingYet(): Survey {
  return { total: 0, sealed: 0, cbc: 0, references: 0, unknown: 0, due: 0 }
}

/** Counts one in. Gives what is to be done with it: `due`, or `done` already; null: it is none of a rotation's. */
function tally(found: Survey, credential: StoredCredential, ring: KeyRing, reseal: boolean): 'due' | 'done' | null {
  const { sealed, reference } = credential
  if (sealed === null) {
    if (reference !== null) found.references++
    return null
  }
  const kind = kindOf(sealed)
  found[kind]++
  found.total++
  if (kind === 'unknown' || (kind === 'cbc' && !reseal)) return null
  if (kind === 'sealed' && keyIdOf(sealed) === ring.current?.id) return 'done'
  found.due++
  return 'due'
}

/** Ids are of no use to people. */
export async function nameTenants(unreadable: Unreadable, store: Pick<TenantStore, 'find'>): Promise<void> {
  for (const entry of unreadable.named) entry.tenant = (await store.find(entry.tenant))?.slug ?? entry.tenant
}

async function* pagesOf({ store, pageSize = 500 }: Rotation): AsyncIterable<StoredCredential[]> {
  for (let after: string | null = null; ; ) {
    const page: StoredCredential[] = await store.pageCredentials(after, pageSize)
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.tenantId
  }
}

async function confirmReseal(cbc: number, { yes, confirm }: RotateKeysOptions): Promise<void> {
  if (yes === true || (await confirm?.(cbc)) === true) return
  throw new TenantryError(
    'CONFIRMATION_MISSING',
    `${cbc} AES-256-CBC ${cbc === 1 ? 'value' : 'values'} would be sealed anew, and whatever else reads them with DB_ENCRYPTION_KEY could not do so any more. Nothing was changed.`,
    { hint: 'Where nothing else reads them, run it again with --yes.' },
  )
}

interface Round {
  reseal: boolean
  /** As counted before; others may add some. */
  total: number
  counts: { rotated: number; resealed: number }
}

/**
 * One reading of everything, each opened: what another key sealed is sealed anew. Where it finds none of those, it is the
 * proof that no other key is needed.
 */
async function sealAll(rotation: Rotation, ring: KeyRing, key: SealingKey, round: Round): Promise<Survey> {
  const found = nothingYet()
  let saidAt = Date.now()
  const { counts, reseal, total } = round
  const gone = new Set<string>()
  for await (const page of pagesOf(rotation)) {
    const texts: NewText[] = []
    for (const credential of page) {
      const { sealed, tenantId } = credential
      const what = tally(found, credential, ring, reseal)
      if (what === null || sealed === null) continue
      const opened = openStored(ring, tenantId, sealed)
      // It opened a moment ago: somebody stored another one, with a key that is not set here.
      if (!isOpened(opened)) await refuseOne(rotation, tenantId, opened, ring)
      else if (what === 'due')
        texts.push({
          credential: { ...credential, sealed: seal(key, tenantId, opened) },
          was: sealed,
          secret: opened,
        })
    }
    const verified = await writePage(rotation, texts, ring, gone)
    counts.rotated += verified.size
    for (const { credential, was } of texts)
      if (verified.has(credential.tenantId) && kindOf(was ?? '') === 'cbc') counts.resealed++
    if (Date.now() - saidAt < progressEveryMs) continue
    saidAt = Date.now()
    rotation.emit({ type: 'keys-progress', done: counts.rotated, total: Math.max(total, counts.rotated) })
  }
  return { ...found, due: found.due - gone.size }
}

async function refuseOne({ store }: Rotation, tenantId: string, fault: SealFault, ring: KeyRing): Promise<void> {
  const unreadable = noneUnreadable()
  addUnreadable(unreadable, tenantId, fault, ring)
  await nameTenants(unreadable, store)
  refuseUnreadable(unreadable, 1, ring, 'so the rotation ended before all was sealed anew')
}

/** A tenant that was removed meanwhile takes its credential along; the others of its page are written. */
async function writePage(
  rotation: Rotation,
  texts: readonly NewText[],
  ring: KeyRing,
  gone: Set<string>,
): Promise<Set<string>> {
  for (;;) {
    const due = texts.filter(({ credential }) => !gone.has(credential.tenantId))
    if (due.length === 0) return new Set()
    try {
      return await writeVerified(rotation, due, 'rotate', ring)
    } catch (error) {
      if (!isTenantryError(error) || error.code !== 'TENANT_UNKNOWN') throw error
      const id = due.find(({ credential }) => credential.tenantId === error.context.tenant)?.credential.tenantId
      if (id === undefined) throw error
      gone.add(id)
    }
  }
}
