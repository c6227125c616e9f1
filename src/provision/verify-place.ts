import { describeTarget } from '../checks/compare-hashes.ts'
import { readFingerprints } from '../checks/fingerprints.ts'
import { References } from '../checks/reference.ts'
import { comparePictures } from '../engine/compare-pictures.ts'
import { TenantryError } from '../model/errors.ts'
import type { Difference } from '../model/picture.ts'
import { asThrown, type Making } from './making.ts'
import type { TenantSets } from './tenant-sets.ts'

const mostNamed = 5

/**
 * Compares the new schema with what its migrations make. Gives false where there is nothing to compare it with, and
 * says so. Throws VERIFY_FAILED.
 */
export async function verifyPlace(making: Making, tenantSets: TenantSets): Promise<boolean> {
  const { about, target } = making
  const { recipe, scope } = tenantSets
  const state = { ...target, placement: { ...target.placement } }
  if (recipe.within !== null) state.placement.schema = recipe.within
  const { fleet } = about
  const dialect = fleet.pool.dialect(target.placement.server)
  const read = async () => {
    const print = (await readFingerprints(fleet, [state], scope, { keep: true })).get(state)
    if (print === undefined) throw new TenantryError('INTERNAL', 'A new tenant was not looked at.')
    if ('error' in print) throw asThrown(print.error)
    return print.hash
  }
  if (making.expected !== null) {
    if ((await read()) === making.expected) return true
  }
  const scratch = fleet.config.scratch?.server
  if (scratch === undefined || fleet.pool.dialect(scratch).name !== dialect.name) {
    if (making.expected !== null) throw different(making, [])
    making.say({
      rule: 'not-verified',
      message: `The schema of ${target.name} was not compared with what the migrations make: the config names no scratch server of its kind.`,
      hint: "`scratch: { server: '…' }` in the config names where that can be built",
    })
    return false
  }
  const references = new References(fleet, about.stateDir, making.signal)
  try {
    const reference = await references.picture(recipe, scope)
    if ((await read()) === reference.hash) return true
    const seen = await describeTarget(fleet, state, scope)
    if ('error' in seen) throw asThrown(seen.error)
    const differences = comparePictures(reference, seen)
    if (differences.length > 0) throw different(making, differences)
    return true
  } finally {
    await references.close()
  }
}

function different({ target }: Making, differences: readonly Difference[]): TenantryError {
  const named = differences.slice(0, mostNamed).map(({ change, kind, object }) => `${kind} ${object} is ${change}`)
  const more = differences.length - named.length
  const what = named.length === 0 ? '' : `: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return new TenantryError(
    'VERIFY_FAILED',
    `The schema of ${target.name} is not what the migrations make${what}, so the tenant was not made active.`,
    {
      hint: 'Look at what differs: seeds, first rows and triggers of the server may change schemas, too. Then provision it again, or remove it.',
      context: { target: target.name, differences },
    },
  )
}
