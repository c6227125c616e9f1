import { ulid } from 'ulid'
import { describeFailure } from '../engine/describe-failure.ts'
import { plannedResult } from '../engine/target-result.ts'
import type { BackfillOptions, BackfillReport, BackfillResult } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError, TenantryError } from '../model/errors.ts'
import type { PictureScope } from '../model/picture.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { summarise } from '../rollout/report.ts'
import { runBounded } from '../rollout/schedule.ts'
import { type BackfillOutcome, backfillTarget } from './backfill-target.ts'
import { readFingerprints } from './fingerprints.ts'
import { type FleetTarget, readFleetTargets } from './fleet-targets.ts'
import { pictureScope } from './picture-scope.ts'
import { References } from './reference.ts'
import { ReferenceSource } from './reference-source.ts'
import { incomparable, stateOf, type TargetState } from './target-states.ts'

/**
 * Makes what targets lack of what their applied migrations make: read from a reference on the scratch server, in the
 * catalog's own words. Never drops or changes what is there. A failure of one target stops no other. Throws
 * SCRATCH_MISSING.
 */
export async function backfillFleet(
  fleet: Fleet,
  stateDir: string,
  options: BackfillOptions = {},
): Promise<BackfillReport> {
  const startedAt = performance.now()
  const dryRun = options.dryRun === true
  const drain = options.signal?.drain
  const stop = () => drain?.aborted === true
  const { sets, chosen, targets } = await readFleetTargets(fleet, options.selectors ?? {}, { whole: !dryRun })
  const scope = pictureScope(fleet.config, sets)
  const references = new References(fleet, stateDir, options.signal?.cancel)
  const source = new ReferenceSource(fleet, references, scope)
  const rollout = dryRun ? null : `r_${ulid()}`
  const results = new Map<FleetTarget, BackfillResult>()
  const finish = (entry: FleetTarget, outcome: BackfillOutcome, since = performance.now()) =>
    void results.set(entry, resultOf(entry, chosen, outcome, dryRun, Math.round(performance.now() - since)))
  try {
    const states = findStates(fleet, sets, targets, (entry, error) => finish(entry, { ...nothing, error }))
    for (const { recipe } of states.values()) references.require(recipe.dialect)
    const prints = await readFingerprints(
      fleet,
      [...states.values()].map(({ target }) => target),
      scope,
      { stop, keep: true },
    )
    await runBounded(
      states,
      ([, { target }]) => target.placement,
      fleet.limits,
      async ([entry, state]) => {
        const since = performance.now()
        const print = prints.get(state.target)
        if (print === undefined) return
        if ('error' in print) return finish(entry, { ...nothing, error: print.error }, since)
        const outcome = await backfillOne(fleet, entry, state, print.hash, { source, scope, rollout })
        if (outcome !== null) finish(entry, outcome, since)
      },
      stop,
      ({ server, database }) => void fleet.pool.closeDatabase(server, database),
    )
    const interrupted = stop()
    const all = targets.map(
      (entry) => results.get(entry) ?? { ...resultOf(entry, chosen, nothing, dryRun, 0), result: 'stopped' as const },
    )
    const summary = summarise(all, Math.round(performance.now() - startedAt))
    return {
      command: 'backfill',
      ok: summary.failed === 0 && !interrupted,
      dryRun,
      rollout,
      summary,
      targets: all,
      notices: [...fleet.config.notices, ...sets.flatMap(({ notices }) => notices)],
      interrupted,
    }
  } finally {
    await references.close()
  }
}

const nothing: BackfillOutcome = Object.freeze({ made: [], left: [], statements: [], error: null })

/** Targets that a reference can be built for; the others are told. */
function findStates(
  fleet: Fleet,
  sets: readonly FleetSet[],
  targets: readonly FleetTarget[],
  refuse: (entry: FleetTarget, error: ErrorDocument) => void,
): Map<FleetTarget, TargetState> {
  const states = new Map<FleetTarget, TargetState>()
  for (const entry of targets) {
    const errors = entry.parts.map(({ set, plan }) => plan.error ?? incomparable(entry.target, set, plan.standing))
    const error = errors.find((one) => one !== null)
    if (error != null) refuse(entry, error)
    else states.set(entry, stateOf(fleet, sets, entry.target, entry.parts))
  }
  return states
}

/** null: interrupted before it was begun. */
async function backfillOne(
  fleet: Fleet,
  entry: FleetTarget,
  state: TargetState,
  seen: string,
  { source, scope, rollout }: { source: ReferenceSource; scope: PictureScope; rollout: string | null },
): Promise<BackfillOutcome | null> {
  try {
    const { hash } = await source.picture(state.recipe)
    return hash === seen ? nothing : await backfillTarget(fleet, entry, state, source, scope, rollout)
  } catch (error) {
    if (isTenantryError(error) && error.code === 'INTERRUPTED') return null
    return { ...nothing, error: describe(error, entry, state) }
  }
}

function describe(error: unknown, { target }: FleetTarget, { set }: TargetState): ErrorDocument {
  // A reference that cannot be built stops no target that needs another one.
  if (isTenantryError(error)) return error.toJSON()
  if (!(error instanceof DatabaseError)) throw error
  const { code, message, hint, context } = describeFailure(error.failure, { target, set })
  const again = hint?.replaceAll('`tenantry up`', '`tenantry backfill`')
  const own = message.replace(' could not be migrated', ' could not be looked at or mended')
  return new TenantryError(code === 'MIGRATION_FAILED' ? 'BACKFILL_FAILED' : code, own, {
    hint: code === 'MIGRATION_FAILED' ? 'The migration role must be allowed to use the schema.' : again,
    context,
  }).toJSON()
}

function resultOf(
  { parts }: FleetTarget,
  chosen: ReadonlySet<string>,
  { made, left, statements, error }: BackfillOutcome,
  dryRun: boolean,
  durationMs: number,
): BackfillResult {
  const [first] = parts
  const base = plannedResult(first?.plan as TargetPlan)
  const names = parts.map(({ set }) => set.config.name).filter((name) => chosen.has(name))
  const done = dryRun ? 'pending' : 'applied'
  const result = error !== null ? 'failed' : made.length > 0 ? done : 'up-to-date'
  return { ...base, set: names.join(', '), result, made, left, statements, durationMs, error }
}
