import { comparePictures } from '../engine/compare-pictures.ts'
import { type ErrorDocument, isTenantryError, TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { Difference, PictureScope } from '../model/picture.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { UpOptions } from '../model/report.ts'
import type { TargetResult } from '../model/rollout.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { maskMessage } from '../rollout/mask.ts'
import type { AfterApply } from '../rollout/run.ts'
import { describeTarget } from './compare-hashes.ts'
import { readFingerprints } from './fingerprints.ts'
import { pictureScope } from './picture-scope.ts'
import { References } from './reference.ts'
import { decideNothing, incomparable, stateOf } from './target-states.ts'

/** What is closed when the run is over. */
export interface Verification extends AfterApply {
  close(): Promise<void>
}

/** Differences that an error names; all of them are in its context. */
const mostNamed = 5

/**
 * What `up` looks at after it has applied migrations: every target with `verify`, none without it; where it is not
 * said, the first of several waves, if a scratch server is there. null: nothing. Throws SCRATCH_MISSING with `verify`.
 */
export function planVerification(
  fleet: Fleet,
  stateDir: string,
  sets: readonly FleetSet[],
  options: UpOptions,
): Verification | null {
  const { policy, scratch } = fleet.config
  const asked = options.verify
  if (asked === false || (asked === undefined && policy.waves.length < 2)) return null
  if (asked === undefined && scratch === null) return unverified(policy.waves[0]?.name ?? '')
  return new AppliedTargets(fleet, stateDir, sets, options)
}

/** Says that nothing was looked at, where something would have been. */
function unverified(wave: string): Verification {
  let count = 0
  return {
    waves: 'first',
    check: (_, result) => {
      count++
      return Promise.resolve(result)
    },
    notices: () => (count === 0 ? [] : [notVerified(count, `of wave ${wave}`, 'the config names no scratch server')]),
    close: () => Promise.resolve(),
  }
}

function notVerified(count: number, which: string, why: string): Notice {
  const targets = count === 1 ? '1 target' : `${count} targets`
  return {
    rule: 'not-verified',
    message:
      `${targets} ${which} ${count === 1 ? 'was' : 'were'} not compared with what the migrations make: ${why}.`.replace(
        '  ',
        ' ',
      ),
    hint: '`scratch: { server: … }` in the config names where that can be built; `--no-verify` asks for no comparison',
  }
}

class AppliedTargets implements Verification {
  readonly waves: 'first' | 'all'
  readonly #fleet: Fleet
  readonly #references: References
  readonly #options: UpOptions
  readonly #given: readonly FleetSet[]
  #sets: Promise<readonly FleetSet[]> | null = null
  /** Why targets were left out, and how many. */
  readonly #left = new Map<string, number>()

  constructor(fleet: Fleet, stateDir: string, sets: readonly FleetSet[], options: UpOptions) {
    this.waves = options.verify === true ? 'all' : 'first'
    this.#fleet = fleet
    this.#given = sets
    this.#options = options
    this.#references = new References(fleet, stateDir, options.signal?.drain)
    if (options.verify !== true) return
    const servers = new Set(sets.flatMap(({ targets }) => targets.map(({ placement }) => placement.server)))
    for (const server of servers) this.#references.require(fleet.pool.dialect(server).name)
  }

  async check(plan: TargetPlan, result: TargetResult): Promise<TargetResult> {
    try {
      const error = await this.#compare(plan)
      return error === null ? result : { ...result, result: 'failed', error }
    } catch (error) {
      if (!isTenantryError(error)) throw error
      // Who asked for it must not take what could not be looked at for good.
      if (this.#options.verify === true && error.code !== 'INTERRUPTED')
        return { ...result, result: 'failed', error: error.toJSON() }
      this.#leave(maskMessage(error.message, result))
      return result
    }
  }

  notices(): readonly Notice[] {
    return [...this.#left].map(([why, count]) => notVerified(count, '', why.replace(/\.$/, '')))
  }

  close(): Promise<void> {
    return this.#references.close()
  }

  #leave(why: string): void {
    this.#left.set(why, (this.#left.get(why) ?? 0) + 1)
  }

  /** Every set that serves a target makes its schema, also those that were not selected. */
  #allSets(): Promise<readonly FleetSet[]> {
    const { sets: named, ...others } = this.#options.selectors ?? {}
    this.#sets ??=
      named === undefined || named.length === 0
        ? Promise.resolve(this.#given)
        : this.#fleet.view(others, { whole: false, quiet: true }).then(({ sets }) => sets)
    return this.#sets
  }

  async #compare({ target: { name } }: TargetPlan): Promise<ErrorDocument | null> {
    const sets = await this.#allSets()
    const parts = []
    for (const set of sets) {
      const own = set.targets.find((one) => one.name === name)
      if (own === undefined) continue
      const plan = await this.#fleet.planTarget(set, decideNothing(set), own)
      const obstacle = plan.error ?? incomparable(own, set, plan.standing)
      if (obstacle !== null) {
        this.#leave(maskMessage(obstacle.message, { target: name, tenants: own.tenants.map(({ slug }) => slug) }))
        return null
      }
      parts.push({ set, plan })
    }
    const target = parts[0]?.plan.target
    if (target === undefined) return null
    const scope = pictureScope(this.#fleet.config, sets)
    const state = stateOf(this.#fleet, sets, target, parts)
    const reference = await this.#references.picture(state.recipe, scope)
    const differences = await this.#differences(state.target, reference, scope)
    return differences.length === 0 ? null : verifyError(name, state.set, differences)
  }

  async #differences(
    target: FleetSet['targets'][number],
    reference: Awaited<ReturnType<References['picture']>>,
    scope: PictureScope,
  ): Promise<Difference[]> {
    const print = (await readFingerprints(this.#fleet, [target], scope, { keep: true })).get(target)
    if (print === undefined || 'error' in print) throw asError(print?.error)
    if (print.hash === reference.hash) return []
    const seen = await describeTarget(this.#fleet, target, scope)
    if ('error' in seen) throw asError(seen.error)
    return comparePictures(reference, seen)
  }
}

function asError(error: ErrorDocument | undefined): TenantryError {
  if (error === undefined) return new TenantryError('INTERNAL', 'A target was not looked at.')
  return new TenantryError(error.code, error.message, { hint: error.hint ?? undefined, context: error.context })
}

function verifyError(target: string, set: string, differences: readonly Difference[]): ErrorDocument {
  const named = differences.slice(0, mostNamed).map(({ change, kind, object }) => `${kind} ${object} is ${change}`)
  const more = differences.length - named.length
  return new TenantryError(
    'VERIFY_FAILED',
    `Every migration said ok in ${target}, and its schema is not what they make: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    {
      hint: `Its migrations stay applied. \`tenantry drift\` shows every difference; look in them for checks that see other tenants' objects (a name without its schema).`,
      context: { target, set, differences },
    },
  ).toJSON()
}
