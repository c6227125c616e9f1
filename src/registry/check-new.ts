import { randomUUID } from 'node:crypto'
import { checkSlug, showSlug } from '../config/check-slug.ts'
import { checkName, schemaDialects } from '../config/names.ts'
import { showName, suggest } from '../config/problem.ts'
import { TenantryError } from '../model/errors.ts'
import type { NewTenantRecord } from '../model/registry.ts'
import type { ServerAddress } from '../model/server.ts'
import type { TenantState } from '../model/tenant.ts'
import { placeKey } from './check-new-tenant.ts'

/** Servers by name; a place that is none of them may still be told by `host:port`. */
export type KnownPlaces = (server: string) => ServerAddress | undefined

/** A new tenant with its id. */
export type IdentifiedTenant = NewTenantRecord & { id: string }

/**
 * Refuses what cannot be a tenant, every problem of every one at once, and gives ids to those that have none.
 * Throws TENANT_INVALID, TENANT_EXISTS where two of them are the same.
 */
export function checkNewTenants(
  tenants: readonly NewTenantRecord[],
  servers: ReadonlyMap<string, ServerAddress>,
  places: KnownPlaces,
): IdentifiedTenant[] {
  const problems: string[] = []
  const identified = tenants.map((tenant) => ({ ...tenant, id: tenant.id ?? randomUUID() }))
  for (const tenant of identified) {
    const name = showSlug(tenant.slug)
    for (const problem of findProblems(tenant, servers, places)) problems.push(`${name}: ${problem}`)
  }
  if (problems.length > 0) {
    const [first = ''] = problems
    throw new TenantryError(
      'TENANT_INVALID',
      problems.length === 1 ? `Tenant ${first}.` : `Some tenants cannot be added:\n  ${problems.join('\n  ')}`,
      { hint: 'Nothing was added.', context: { problems } },
    )
  }
  refuseTwins(identified)
  return identified
}

function findProblems(
  { id, slug, topology, placement }: IdentifiedTenant,
  servers: ReadonlyMap<string, ServerAddress>,
  places: KnownPlaces,
): string[] {
  const { server, database, schema } = placement
  const address = places(server)
  const dialect = address?.dialect ?? null
  const schemaProblem =
    schema === undefined
      ? topology === 'schema'
        ? 'the topology `schema` needs a schema'
        : null
      : dialect !== null && !schemaDialects.has(dialect)
        ? `databases of ${dialect} hold no schemas`
        : prefixed('the schema', checkName(schema, 'schema', dialect))
  return [
    prefixed('the slug', checkSlug(slug)),
    id === '' || id.length > 255 || /\s/.test(id)
      ? 'the id is empty, longer than 255 characters, or holds spaces'
      : null,
    address === undefined ? `there is no server ${showName(server)}${suggest(server, servers.keys())}` : null,
    prefixed('the database', checkName(database, 'database', dialect)),
    schemaProblem,
  ].filter((problem) => problem !== null)
}

function prefixed(what: string, problem: string | null): string | null {
  return problem === null ? null : `${what} ${problem}`
}

function refuseTwins(tenants: readonly IdentifiedTenant[]): void {
  const seen = new Set<string>()
  const twins: string[] = []
  for (const { id, slug, topology, placement } of tenants) {
    const keys = [
      [`slug ${showName(slug)}`, `slug\0${slug}`],
      [`id ${showName(id)}`, `id\0${id}`],
      ...(topology === 'shared' ? [] : [[`place of ${showName(slug)}`, `place\0${placeKey(placement)}`]]),
    ]
    for (const [what = '', key = ''] of keys) {
      if (seen.has(key)) twins.push(`${what} is given twice`)
      seen.add(key)
    }
  }
  if (twins.length > 0) throw takenError(twins)
}

/** @param taken one phrase each: `slug "acme" is taken` */
export function takenError(taken: readonly string[]): TenantryError {
  const shown = taken.slice(0, 50)
  const more = taken.length > shown.length ? [`and ${taken.length - shown.length} more`] : []
  const [first = ''] = taken
  return new TenantryError(
    'TENANT_EXISTS',
    taken.length === 1 ? `The ${first}.` : `Some tenants cannot be added:\n  ${[...shown, ...more].join('\n  ')}`,
    { hint: 'Nothing was changed. `tenantry tenants list` shows who has them.', context: { taken: shown } },
  )
}

/** Refuses a step that does not follow; the same state is none. Throws TENANT_STATE. */
export function refuseStep(
  slug: string,
  step: { from: TenantState; expected: TenantState; to: TenantState | undefined },
  transitions: Readonly<Record<TenantState, readonly TenantState[]>>,
): void {
  const { from, expected, to } = step
  if (from !== expected) {
    throw new TenantryError(
      'TENANT_STATE',
      `Tenant ${showName(slug)} is ${from} by now, not ${expected}: somebody else was faster.`,
      { hint: `\`tenantry tenants show ${slug}\` tells who and when.`, context: { tenant: slug, from, expected } },
    )
  }
  if (to === undefined || to === from || transitions[from].includes(to)) return
  throw new TenantryError('TENANT_STATE', `Tenant ${showName(slug)} is ${from}, and cannot become ${to}.`, {
    hint: `From ${from} it can become ${transitions[from].join(' or ')}.`,
    context: { tenant: slug, from, to },
  })
}
