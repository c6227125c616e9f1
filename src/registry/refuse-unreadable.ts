import { TenantryError } from '../model/errors.ts'
import type { UnreadableCredential } from '../model/key-report.ts'
import type { KeyRing } from '../model/registry.ts'
import { describeFault, hintFor, idsOf } from './open-stored.ts'
import type { SealFault } from './seal.ts'

const mostNamed = 20

/** Credentials that do not open: all are counted, some are kept to be named. */
export interface Unreadable {
  count: number
  /** Up to 20. */
  named: UnreadableCredential[]
  /** The first one's. */
  fault: SealFault | null
  keyIds: Set<string>
}

export function noneUnreadable(): Unreadable {
  return { count: 0, named: [], fault: null, keyIds: new Set() }
}

export function addUnreadable(all: Unreadable, tenant: string, fault: SealFault, ring: KeyRing): void {
  all.count++
  all.fault ??= fault
  if (fault.keyId !== null) all.keyIds.add(fault.keyId)
  if (all.named.length < mostNamed) all.named.push({ tenant, keyId: fault.keyId, why: describeFault(fault, ring) })
}

/**
 * One error for all of them. `so` says what was left alone because of it: `so no target was touched`. Throws
 * CREDENTIAL_UNREADABLE; nothing where there are none.
 */
export function refuseUnreadable(all: Unreadable, total: number, ring: KeyRing, so: string): void {
  const { count, named, fault } = all
  if (fault === null) return
  const [first] = named
  const rest = count - named.length
  const message =
    count === 1
      ? `The credential of ${first?.tenant} ${first?.why}, ${so}.`
      : `${count} of ${total} credentials do not open, ${so}:\n${groupLines(named).join('\n')}${rest === 0 ? '' : `\n  … and ${rest} more`}`
  throw new TenantryError('CREDENTIAL_UNREADABLE', message, {
    hint: hintFor(fault),
    context: {
      tenants: named.map(({ tenant }) => tenant),
      unreadable: count,
      keyIds: [...all.keyIds],
      keysSet: idsOf(ring),
      ...(count === 1 && first !== undefined ? { tenant: first.tenant } : {}),
    },
  })
}

/** The same reason once, with all it is about. */
function groupLines(named: readonly UnreadableCredential[]): string[] {
  const groups = new Map<string, string[]>()
  for (const { tenant, why } of named) groups.set(why, [...(groups.get(why) ?? []), tenant])
  return [...groups].map(([why, tenants]) => `  ${tenants.join(', ')}: ${why}`)
}
