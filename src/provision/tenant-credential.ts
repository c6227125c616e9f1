import { randomBytes } from 'node:crypto'
import { TenantryError } from '../model/errors.ts'
import { Secret } from '../model/secret.ts'
import { isOpened, openStored, readNeededKeys } from '../registry/open-stored.ts'
import { addUnreadable, noneUnreadable, refuseUnreadable } from '../registry/refuse-unreadable.ts'
import { resolveReference } from '../registry/resolve-reference.ts'
import { chooseSealing, type Sealing, sealWith, writeVerified } from '../registry/write-credentials.ts'
import type { Provisioning } from './making.ts'

/** As the team's own application reads it, where it has a table of its own. Throws KEY_INVALID. */
export async function chooseKey({ registry, fleet, keys, actor }: Provisioning, tenantId: string): Promise<Sealing> {
  const mapped = fleet.config.registry?.mapped ?? null
  if (mapped !== null) return chooseSealing({ store: registry.tenants, keys, mapped, actor }, tenantId)
  const { current } = await keys.sealing()
  if (current !== null) return { kind: 'sealed', key: current }
  throw new TenantryError(
    'KEY_INVALID',
    'A new tenant gets a role of its own, and no key is set to seal its password with.',
    {
      hint: 'Set MASTER_ENCRYPTION_KEY (`tenantry keys generate` prints one), or `provision: { role: false }` in the config.',
      context: { key: 'current' },
    },
  )
}

/**
 * The password of a tenant's role: the one that is stored, else a new one, which is sealed and stored before any server
 * hears of it. Throws KEY_INVALID, CREDENTIAL_UNREADABLE.
 */
export async function tenantPassword(
  about: Provisioning,
  tenant: { id: string; slug: string },
  role: string,
): Promise<Secret> {
  const { tenants } = about.registry
  const password = new Secret(randomBytes(24).toString('base64url'))
  const known = await storedPassword(about, tenant)
  if (known !== null) return known
  const sealing = await chooseKey(about, tenant.id)
  const credential = {
    tenantId: tenant.id,
    user: role,
    sealed: sealWith(sealing, tenant.id, password),
    reference: null,
  }
  const ring = sealing.kind === 'cbc' ? await about.keys.ring() : { ...(await about.keys.sealing()), cbc: null }
  const written = await writeVerified(
    { store: tenants, actor: about.actor },
    [{ credential, was: null, secret: password }],
    'credential',
    ring,
  )
  if (written.size === 1) return password
  // Somebody stored one meanwhile.
  return (await storedPassword(about, tenant)) ?? password
}

async function storedPassword(
  { registry, keys, surroundings }: Provisioning,
  tenant: { id: string; slug: string },
): Promise<Secret | null> {
  const stored = (await registry.tenants.readCredentials([tenant.id])).get(tenant.id)
  if (stored === undefined) return null
  if (stored.reference !== null) {
    const found = await resolveReference(stored.reference, surroundings)
    if (found instanceof Secret) return found
    throw new TenantryError('CREDENTIAL_UNREADABLE', `The credential of tenant ${tenant.slug} ${found}.`, {
      hint: 'Mend what the reference names, then provision the tenant again.',
      context: { tenant: tenant.slug },
    })
  }
  if (stored.sealed === null) return null
  const ring = await readNeededKeys(keys, [stored])
  const opened = openStored(ring, tenant.id, stored.sealed)
  if (isOpened(opened)) return opened
  const unreadable = noneUnreadable()
  addUnreadable(unreadable, tenant.slug, opened, ring)
  refuseUnreadable(unreadable, 1, ring, 'so the tenant was not made')
  throw new TenantryError('CREDENTIAL_UNREADABLE', `The credential of tenant ${tenant.slug} cannot be opened.`)
}

/** The user that its credential names; null: it has none. */
export async function storedUser({ registry }: Provisioning, tenantId: string): Promise<string | null> {
  return (await registry.tenants.readCredentials([tenantId])).get(tenantId)?.user ?? null
}
