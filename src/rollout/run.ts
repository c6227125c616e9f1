import { applyTarget } from '../engine/apply-target.ts'
import type { ConnectionPool } from '../engine/pool.ts'
import { plannedResult, untouchedResult } from '../engine/target-result.ts'
import type { TargetWork } from '../engine/work.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import type { Notice } from '../model/migration.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { RunSignals } from '../model/report.ts'
import type { Policy, TargetResult, WaveResult } from '../model/rollout.ts'
import { runBounded, type ScheduleLimits } from './schedule.ts'
import type { RolloutWriter } from './store.ts'
import { dealWaves, stopReason } from './waves.ts'

/** Looks at targets once their migrations were applied. */
export interface AfterApply {
  /** `first`: only those of the first wave. */
  waves: 'first' | 'all'
  /** Gives the result on, or a failed one in its place. Throws nothing that belongs to the target. */
  check: (plan: TargetPlan, result: TargetResult) => Promise<TargetResult>
  /** After the run: what was not looked at, and why. */
  notices: () => readonly Notice[]
}

export interface RolloutRun {
  sets: readonly SetPlan[]
  policy: Policy
  limits: ScheduleLimits
  pool: ConnectionPool
  writer: RolloutWriter
  emit: Emit
  signal: RunSignals
  /** Looks at a target that was left unread. */
  read: (plan: TargetPlan) => Promise<TargetPlan>
  /** Everything that applying one target needs. */
  workFor: (plan: TargetPlan) => TargetWork
  afterApply: AfterApply | null
}

export interface RolloutOutcome {
  results: TargetResult[]
  waves: WaveResult[]
  /** Why it ended early; null: it did not. */
  stopped: { reason: 'max-failures' | 'interrupt' | 'set-failed'; message: string } | null
}

/**
 * Carries out a plan: set by set, wave by wave, targets within the limits. A failing target stops no other one,
 * except by the policy. Targets that a stop keeps from starting are reported as `stopped`; a target whose earlier set
 * failed is `skipped` in the later ones.
 */
export async function runRollout(run: RolloutRun): Promise<RolloutOutcome> {
  const outcome: RolloutOutcome = { results: [], waves: [], stopped: null }
  const failedTargets = new Set<string>()
  for (const set of run.sets) {
    const results = await runSet(run, set, failedTargets, outcome)
    outcome.results.push(...results)
    for (const { target, result } of results) if (result === 'failed') failedTargets.add(target)
    stopLaterSets(run, set, results, outcome)
  }
  return outcome
}

/**
 * Sets run in a written order: when a set fails in a place that a later set does not serve (a platform database before
 * its tenants), that later set would build on what is not there.
 */
function stopLaterSets(run: RolloutRun, set: SetPlan, results: readonly TargetResult[], outcome: RolloutOutcome): void {
  if (outcome.stopped !== null) return
  const later = run.sets.slice(run.sets.indexOf(set) + 1)
  const failed = results.filter(({ result }) => result === 'failed')
  const served = new Set(later.flatMap(({ targets }) => targets.map(({ target }) => target.name)))
  const foundation = failed.find(({ target }) => !served.has(target))
  if (later.length === 0 || foundation === undefined) return
  const message = `set ${set.set} failed in ${foundation.target}, and later sets build on it`
  outcome.stopped = { reason: 'set-failed', message }
  run.emit({ type: 'rollout-stopping', reason: 'set-failed', message })
}

async function runSet(
  run: RolloutRun,
  set: SetPlan,
  failedTargets: ReadonlySet<string>,
  outcome: RolloutOutcome,
): Promise<TargetResult[]> {
  const { emit, policy } = run
  emit({ type: 'set-started', set: set.set, targets: set.targets.length, migrations: set.migrations.length })
  const results = new Map<TargetPlan, TargetResult>()
  let failures = 0
  const finish = (plan: TargetPlan, result: TargetResult) => {
    results.set(plan, result)
    if (result.result === 'failed') failures++
    // What was up to date is counted, not stored: a deploy without news writes next to nothing.
    if (result.result !== 'up-to-date') run.writer.result(result)
    emit({ type: 'target-finished', set: set.set, result })
  }
  const stop = (reason: 'max-failures' | 'interrupt', message: string) => {
    if (outcome.stopped !== null) return
    outcome.stopped = { reason, message }
    emit({ type: 'rollout-stopping', reason, message })
  }
  const mustStop = () => {
    if (run.signal.drain.aborted) stop('interrupt', 'interrupted; what is in flight is finished')
    const reason = stopReason(policy, failures, set.targets.length)
    if (reason !== null) stop('max-failures', reason)
    return outcome.stopped !== null
  }

  for (const [index, wave] of dealWaves(set.targets, policy.waves).entries()) {
    const name = run.sets.length > 1 && policy.waves.length > 1 ? `${set.set}: ${wave.name}` : wave.name
    if (mustStop()) {
      for (const plan of wave.items) finish(plan, untouchedResult(plan, 'stopped', stoppedError(plan, outcome)))
      closeWave(run, outcome, { name, state: 'stopped', targets: wave.items.length, failed: 0 })
      continue
    }
    emit({ type: 'wave-started', set: set.set, wave: wave.name, targets: wave.items.length })
    run.writer.wave({ name, state: 'running', targets: wave.items.length, failed: 0 })
    const before = failures
    const isLookedAt = index === 0 || run.afterApply?.waves === 'all'
    await runWave(isLookedAt ? run : { ...run, afterApply: null }, set, wave.items, failedTargets, finish, mustStop)
    for (const plan of wave.items) {
      if (!results.has(plan)) finish(plan, untouchedResult(plan, 'stopped', stoppedError(plan, outcome)))
    }
    const failed = failures - before
    const cut = wave.items.some((plan) => results.get(plan)?.result === 'stopped')
    closeWave(run, outcome, {
      name,
      state: cut ? 'stopped' : failed > 0 ? 'failed' : 'done',
      targets: wave.items.length,
      failed,
    })
    emit({ type: 'wave-finished', set: set.set, wave: wave.name, targets: wave.items.length, failed })
    if (failed > 0 && policy.stopAfterFailedWave === true && wave.items.length < set.targets.length) {
      stop('max-failures', `${failed} failed in wave ${wave.name}`)
    }
  }
  return set.targets.map((plan) => results.get(plan) as TargetResult)
}

function closeWave(run: RolloutRun, outcome: RolloutOutcome, wave: WaveResult): void {
  outcome.waves.push(wave)
  run.writer.wave(wave)
}

async function runWave(
  run: RolloutRun,
  set: SetPlan,
  plans: readonly TargetPlan[],
  failedTargets: ReadonlySet<string>,
  finish: (plan: TargetPlan, result: TargetResult) => void,
  mustStop: () => boolean,
): Promise<void> {
  const working: TargetPlan[] = []
  for (const plan of plans) {
    if (failedTargets.has(plan.target.name)) finish(plan, untouchedResult(plan, 'skipped', skippedError(plan)))
    else if (plan.unread !== true && isSettled(plan)) finish(plan, plannedResult(plan))
    else working.push(plan)
  }
  await runBounded(
    working,
    ({ target }) => target.placement,
    run.limits,
    async (plan) => {
      run.emit({ type: 'target-started', set: set.set, target: plan.target.name })
      const read = plan.unread === true ? await run.read(plan) : plan
      if (isSettled(read)) return finish(plan, plannedResult(read))
      const result = await applyTarget(run.workFor(read))
      const { afterApply } = run
      finish(plan, afterApply === null || result.result !== 'applied' ? result : await afterApply.check(read, result))
    },
    mustStop,
    ({ server, database }) => void run.pool.closeDatabase(server, database),
  )
}

/** Nothing is to be carried out there. */
function isSettled({ error, steps }: TargetPlan): boolean {
  return error !== null || steps.length === 0
}

function stoppedError(plan: TargetPlan, { stopped }: RolloutOutcome): ErrorDocument {
  const interrupted = stopped?.reason === 'interrupt'
  return new TenantryError(
    interrupted ? 'INTERRUPTED' : 'STOPPED',
    `${plan.target.name} was not started: ${stopped?.message ?? 'the rollout stopped'}.`,
    {
      hint: interrupted ? 'Run the same command again to go on.' : 'Mend what failed, then run the same command again.',
      context: { target: plan.target.name, set: plan.set },
    },
  ).toJSON()
}

function skippedError(plan: TargetPlan): ErrorDocument {
  return new TenantryError(
    'STOPPED',
    `${plan.target.name} was skipped in set ${plan.set}: an earlier set failed there.`,
    {
      hint: 'Mend what failed, then run the same command again.',
      context: { target: plan.target.name, set: plan.set },
    },
  ).toJSON()
}
