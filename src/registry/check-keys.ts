import type { CredentialCount, KeyCheckReport, KeyItem } from '../model/key-report.ts'
import type { Notice } from '../model/migration.ts'
import type { KeyRing, TenantStore } from '../model/registry.ts'
import type { KeyFinding, KeyReader } from './key-ring.ts'
import { isOpened, kindOf, openStored } from './open-stored.ts'
import { addUnreadable, noneUnreadable } from './refuse-unreadable.ts'
import { nameTenants } from './rotate.ts'
import { keyIdOf } from './seal.ts'

const rowsPerPage = 1000

export interface KeyChecking {
  keys: KeyReader
  /** null: there is no registry. */
  store: Pick<TenantStore, 'pageCredentials' | 'find'> | null
}

/** Opens every stored credential with the keys that are set, and tells which key opens how many. Writes nothing. */
export async function checkKeys({ keys, store }: KeyChecking): Promise<KeyCheckReport> {
  const findings = await keys.survey()
  const ring = ringOf(findings)
  const opens = new Map<string, number>()
  const missing = new Map<string, number>()
  const unreadable = noneUnreadable()
  const count: CredentialCount = { total: 0, sealed: 0, cbc: 0, references: 0, unreadable: 0 }
  for (let after: string | null = null; store !== null; ) {
    const page = await store.pageCredentials(after, rowsPerPage)
    for (const { tenantId, sealed, reference } of page) {
      if (sealed === null) {
        if (reference !== null) count.references++
        continue
      }
      count.total++
      const kind = kindOf(sealed)
      if (kind !== 'unknown') count[kind]++
      const opened = openStored(ring, tenantId, sealed)
      if (isOpened(opened)) {
        const id = kind === 'cbc' ? ring.cbc?.id : keyIdOf(sealed)
        if (id != null) opens.set(id, (opens.get(id) ?? 0) + 1)
        continue
      }
      addUnreadable(unreadable, tenantId, opened, ring)
      if (opened.fault === 'unknown-key' && opened.keyId !== null)
        missing.set(opened.keyId, (missing.get(opened.keyId) ?? 0) + 1)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < rowsPerPage) break
    after = last.tenantId
  }
  count.unreadable = unreadable.count
  if (store !== null) await nameTenants(unreadable, store)
  const items = findings.map((finding) => toItem(finding, opens))
  return {
    command: 'keys check',
    ok: unreadable.count === 0 && items.every(({ error }) => error === null),
    keys: items,
    credentials: store === null ? null : count,
    missing: [...missing].map(([keyId, credentials]) => ({ keyId, credentials })),
    unreadable: unreadable.named,
    notices: noticesOf(items, ring, count),
  }
}

function ringOf(findings: readonly KeyFinding[]): KeyRing {
  const of = (role: KeyFinding['role']) => findings.flatMap((found) => (found.role === role ? (found.key ?? []) : []))
  return { current: of('current')[0] ?? null, previous: of('previous'), cbc: of('cbc')[0] ?? null }
}

function toItem({ role, source, key, error }: KeyFinding, opens: ReadonlyMap<string, number>): KeyItem {
  return {
    role,
    source,
    id: key?.id ?? null,
    error: error === null ? null : error.toJSON(),
    opens: key === null ? 0 : (opens.get(key.id) ?? 0),
  }
}

function noticesOf(keys: readonly KeyItem[], ring: KeyRing, { sealed }: CredentialCount): Notice[] {
  if (keys.some(({ error }) => error !== null)) return []
  const current = ring.current?.id
  const before = keys.filter(({ role, id }) => role === 'previous' && id !== null)
  if (current !== undefined && before.some(({ id }) => id === current))
    return [{ rule: 'same-key', message: 'The previous key is the current one: it can be dropped.' }]
  const due = before.reduce((sum, { opens }) => sum + opens, 0)
  if (due > 0)
    return [
      {
        rule: 'rotation-due',
        message: `${due} ${due === 1 ? 'credential is' : 'credentials are'} sealed with the previous key.`,
        hint: '`tenantry keys rotate` seals them with the current one',
      },
    ]
  if (before.length > 0 && sealed > 0)
    return [
      {
        rule: 'key-dispensable',
        message: 'No credential needs the previous key: MASTER_ENCRYPTION_KEY_PREVIOUS can be dropped.',
      },
    ]
  return []
}
