import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Credential, CredentialBook, KeyRing, StoredCredential, TenantStore } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Target, Tenant } from '../model/tenant.ts'
import type { KeyReader, KeySurroundings } from './key-ring.ts'
import { isOpened, openStored, readNeededKeys } from './open-stored.ts'
import { addUnreadable, noneUnreadable, refuseUnreadable } from './refuse-unreadable.ts'
import { resolveReference } from './resolve-reference.ts'
import type { SealFault } from './seal.ts'

/** How this book reaches the registry, its keys and the servers; wired from above. */
export interface CredentialReading {
  /** Throws REGISTRY_MISSING. */
  store(): Promise<Pick<TenantStore, 'readCredentials'>>
  keys: KeyReader
  server(name: string): ServerAddress | undefined
  surroundings: KeySurroundings
}

const mostPerQuery = 500
const mostReferencesAtOnce = 8
/** A library's process lives long, and what a vault gives changes. */
const referenceAgeMs = 5 * 60_000

interface Opened {
  tenant: Tenant
  credential: Credential
}

type Results = Map<Tenant, { user: string | null; password: Secret | null | SealFault }>

/** Tenants' own credentials: opened all at once, before any target is touched, and kept in memory only. */
export function openCredentials(reading: CredentialReading): CredentialBook {
  const places = new Map<string, Opened>()
  const references = new Map<string, { at: number; found: Promise<Secret | string> }>()
  let others: readonly Tenant[] = []

  function resolveOnce(reference: string): Promise<Secret | string> {
    const known = references.get(reference)
    if (known !== undefined && Date.now() - known.at < referenceAgeMs) return known.found
    const found = resolveReference(reference, reading.surroundings)
    references.set(reference, { at: Date.now(), found })
    return found
  }

  /** What each tenant's credential came to, in the order of tenants; those without one are left out. */
  async function openAll(tenants: readonly Tenant[]) {
    const store = await reading.store()
    const stored = new Map<string, StoredCredential>()
    for (let i = 0; i < tenants.length; i += mostPerQuery) {
      const ids = tenants.slice(i, i + mostPerQuery).map(({ id }) => id)
      for (const [id, credential] of await store.readCredentials(ids)) stored.set(id, credential)
    }
    const ring = await readNeededKeys(reading.keys, stored.values())
    const results: Results = new Map()
    const waiting: { tenant: Tenant; user: string | null; reference: string }[] = []
    for (const tenant of tenants) {
      const credential = stored.get(tenant.id)
      if (credential === undefined) continue
      const { user, sealed, reference } = credential
      if (reference !== null) waiting.push({ tenant, user, reference })
      else results.set(tenant, { user, password: sealed === null ? null : openStored(ring, tenant.id, sealed) })
    }
    await eachOf(waiting, mostReferencesAtOnce, async ({ tenant, user, reference }) => {
      const found = await resolveOnce(reference)
      const password: Secret | SealFault =
        found instanceof Secret ? found : { fault: 'reference', keyId: null, detail: found }
      if (!isOpened(password)) references.delete(reference)
      results.set(tenant, { user, password })
    })
    return { ring, results }
  }

  function keep(results: Results): void {
    for (const [tenant, { user, password }] of results) {
      if (password !== null && !isOpened(password)) continue
      const key = keyOf(tenant)
      const credential = { user, password }
      const known = places.get(key)
      if (known !== undefined && known.tenant.id !== tenant.id && !isSame(known.credential, credential))
        refuseTwo(tenant, known.tenant.slug)
      places.set(key, { tenant, credential })
    }
  }

  return {
    async open(targets, beside) {
      others = beside ?? others
      const tenants = withoutRole(targets, reading)
      if (tenants.length === 0) return
      // Whoever was opened for the same database earlier is asked again: an application's connections are still theirs.
      const ids = new Set(tenants.map(({ id }) => id))
      const earlier = tenants.flatMap((tenant) => places.get(keyOf(tenant))?.tenant ?? [])
      const residents = [...new Map(earlier.map((tenant) => [tenant.id, tenant])).values()]
      const { ring, results } = await openAll([...tenants, ...residents.filter(({ id }) => !ids.has(id))])
      refuseFaults(new Map([...results].filter(([{ id }]) => ids.has(id))), ring)
      for (const tenant of tenants) places.delete(keyOf(tenant))
      keep(results)
    },
    alone: () => openCredentials(reading),
    async ofTenant(tenant) {
      const { ring, results } = await openAll([tenant])
      refuseFaults(results, ring, `so nobody is connected to ${tenant.slug}`)
      const { user = null, password = null } = results.get(tenant) ?? {}
      if (password !== null && !isOpened(password)) return null
      return user === null && password === null ? null : { user, password }
    },
    async of({ name }, database) {
      const key = `${name}\0${database}`
      const known = places.get(key)
      if (known !== undefined) return known.credential
      const here = others.filter((tenant) => keyOf(tenant) === key)
      if (here.length === 0) return null
      try {
        const { results } = await openAll(here)
        keep(results)
      } catch (error) {
        // Nobody selected it: it must not stop what was selected.
        if (!isTenantryError(error)) throw error
      }
      return places.get(key)?.credential ?? null
    },
  }
}

function withoutRole(targets: readonly Target[], { server }: CredentialReading): Tenant[] {
  const tenants = targets.filter(({ placement }) => {
    const address = server(placement.server)
    return address !== undefined && address.user === undefined
  })
  return tenants.flatMap((target) => target.tenants)
}

function refuseFaults(results: Results, ring: KeyRing, consequence = 'so no target was touched'): void {
  const unreadable = noneUnreadable()
  for (const [{ slug }, { password }] of results)
    if (password !== null && !isOpened(password)) addUnreadable(unreadable, slug, password, ring)
  refuseUnreadable(unreadable, results.size, ring, consequence)
}

function isSame(one: Credential, other: Credential): boolean {
  return one.user === other.user && one.password?.reveal() === other.password?.reveal()
}

function refuseTwo({ slug, placement: { server, database } }: Tenant, other: string): never {
  throw new TenantryError(
    'CONFIG_INVALID',
    `Tenants ${other} and ${slug} are in the same database, ${server}/${database}, with different credentials, and the server has no role of its own: it cannot be told as whom to migrate it.`,
    {
      hint: `Give the server "${server}" a user that owns what is in the database (\`servers.${server}.url\`), or store the same credential for both.`,
      context: { server, database, tenants: [other, slug] },
    },
  )
}

function keyOf({ placement: { server, database } }: Tenant): string {
  return `${server}\0${database}`
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
