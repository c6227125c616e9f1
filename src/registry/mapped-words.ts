import type { MappedTenants } from '../config/resolved.ts'
import { stateNames, topologyNames } from '../config/to-tenant.ts'
import { TenantryError } from '../model/errors.ts'
import type { TenantState, TopologyName } from '../model/tenant.ts'

/**
 * What a word of theirs means. Where the config does not say, our own words in any letter case mean what they say.
 * null: rows with it are not tenants of this fleet; undefined: nobody knows.
 */
export function stateOf({ values }: MappedTenants, word: string): TenantState | null | undefined {
  if (Object.hasOwn(values.state, word)) return values.state[word]
  return stateNames.find((name) => name === word.toLowerCase())
}

export function topologyOf({ values }: MappedTenants, word: string): TopologyName | null | undefined {
  if (Object.hasOwn(values.topology, word)) return values.topology[word]
  return topologyNames.find((name) => name === word.toLowerCase())
}

/** Which other state's word may stand in their column meanwhile. Never `active`: their application would serve it. */
const standIns: Readonly<Record<TenantState, readonly TenantState[]>> = {
  provisioning: ['failed', 'suspended', 'archived', 'removing'],
  failed: ['provisioning', 'suspended', 'archived', 'removing'],
  suspended: ['archived', 'removing'],
  archived: ['suspended', 'removing'],
  removing: ['archived', 'suspended', 'failed'],
  active: [],
}

/** A word to write into their column of states; `exact` where it means just this state. */
export interface ChosenWord {
  word: string
  exact: boolean
}

/**
 * @param sample a word that stands in their column, whose letter case ours take; null: there is none
 * Throws TENANT_INVALID where their table has no word that would keep their application from serving the tenant.
 */
export function wordForState(
  { values, columns, table }: MappedTenants,
  state: TenantState,
  sample: string | null,
): ChosenWord {
  const words = Object.entries(values.state)
  const wordOf = (wanted: TenantState) => words.find(([, ours]) => ours === wanted)?.[0]
  const exact = wordOf(state)
  if (exact !== undefined) return { word: exact, exact: true }
  if (words.length === 0) {
    const isUpper = sample !== null && sample !== '' && sample === sample.toUpperCase()
    return { word: isUpper ? state.toUpperCase() : state, exact: true }
  }
  for (const standIn of standIns[state]) {
    const word = wordOf(standIn)
    if (word !== undefined) return { word, exact: false }
  }
  throw new TenantryError(
    'TENANT_INVALID',
    `The table "${table}" has no word for the state ${state} in its column "${columns.state}", nor one that could stand for it.`,
    { hint: `Map one in the config: \`registry.tenants.values.state: { theirWord: '${state}' }\`.` },
  )
}

/** As {@link wordForState}; a topology has no stand-in. */
export function wordForTopology({ values, columns, table }: MappedTenants, topology: TopologyName): string {
  const words = Object.entries(values.topology)
  const exact = words.find(([, ours]) => ours === topology)?.[0]
  if (exact !== undefined) return exact
  if (words.length === 0) return topology
  throw new TenantryError(
    'TENANT_INVALID',
    `The table "${table}" has no word for the topology ${topology} in its column "${columns.topology}".`,
    { hint: `Map one in the config: \`registry.tenants.values.topology: { theirWord: '${topology}' }\`.` },
  )
}
