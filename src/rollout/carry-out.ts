import { createHash } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { ulid } from 'ulid'
import { readStanding } from '../engine/plan.ts'
import type { EngineSettings } from '../engine/settings.ts'
import type { TargetWork } from '../engine/work.ts'
import type { ErrorDocument } from '../model/errors.ts'
import { isTenantryError, type TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { SetPlan, Standing, TargetPlan } from '../model/plan.ts'
import type { FleetReport, RunSignals } from '../model/report.ts'
import type { Policy, TargetResult } from '../model/rollout.ts'
import { runBackup } from './backup.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { historyPlace } from './history-place.ts'
import { type LookAtCode, lookAtCode } from './look-at-code.ts'
import { findPlanNotices } from './plan-notices.ts'
import type { FleetQuestion } from './read-fleet.ts'
import { summarise } from './report.ts'
import { type AfterApply, type RolloutOutcome, runRollout } from './run.ts'
import type { RolloutHeader, RolloutStore, RolloutWriter } from './store.ts'

export interface CarryOut {
  command: 'up' | 'down'
  fleet: Fleet
  store: RolloutStore
  sets: readonly FleetSet[]
  plans: readonly SetPlan[]
  /** The decision of each set, to be taken again under the lock. */
  decide: (set: FleetSet) => FleetQuestion['decide']
  policy: Policy
  backup: string | undefined
  signal: RunSignals | undefined
  /** Absent: what was applied is believed. */
  afterApply?: AfterApply | null
  /** Its id, where it was told before it began. */
  rollout?: string | undefined
  /**
   * Asked once all waves are over, until it has nothing more: targets that were not there when the plan was made. They
   * are a wave of their own. Must not throw.
   */
  late?: ((seen: ReadonlySet<string>, results: readonly TargetResult[]) => Promise<LatePlan | null>) | undefined
  notices: readonly Notice[]
  startedAt: number
}

export type LatePlan = Pick<CarryOut, 'sets' | 'plans' | 'decide'>

const never: RunSignals = { drain: new AbortController().signal, cancel: new AbortController().signal }

/** Carries out a plan as a rollout: recorded first, then run, then summed up. */
export async function carryOut(given: CarryOut): Promise<FleetReport> {
  // One decision per set, not per target: verdicts on equal histories are kept by it.
  const decisions = new Map(given.sets.map((set) => [set, given.decide(set)]))
  const lookAt = lookAtCode(given.fleet, given.command)
  const task = { ...given, lookAt, decide: (set: FleetSet) => decisions.get(set) ?? given.decide(set) }
  const { fleet, command, plans, policy } = task
  const id = given.rollout ?? newRolloutId()
  const said = await findPlanNotices(fleet, task.sets, plans)
  for (const notice of said) fleet.emit({ type: 'notice', notice })
  const notices = [...task.notices, ...said]
  const count = plans.reduce((sum, { targets }) => sum + targets.length, 0)
  const writer = openWriter(task, id, count, notices)
  fleet.emit({ type: 'rollout-started', rollout: id, command, targets: count, waves: policy.waves.length })
  const run = (part: CarryOut & { lookAt: LookAtCode }, waves: Policy['waves']) =>
    runRollout({
      sets: part.plans,
      policy: { ...policy, waves },
      limits: fleet.limits,
      pool: fleet.pool,
      writer,
      emit: fleet.emit,
      signal: task.signal ?? never,
      read: (plan) => readLate(part, plan, notices),
      workFor: (plan) => workFor(part, plan, id),
      afterApply: task.afterApply ?? null,
    })
  const outcome = await run(task, policy.waves)
  await runLate(task, outcome, (late) => run({ ...task, ...late }, [{ name: 'late' }]))
  for (const notice of task.afterApply?.notices() ?? []) {
    notices.push(notice)
    fleet.emit({ type: 'notice', notice })
  }
  const durationMs = Math.round(performance.now() - task.startedAt)
  const interrupted = outcome.stopped?.reason === 'interrupt' || (task.signal?.drain.aborted ?? false)
  const summary = summarise(outcome.results, durationMs)
  writer.end(stateOf(outcome, interrupted), summary)
  fleet.emit({ type: 'rollout-finished', rollout: id, summary })
  return {
    command,
    rollout: id,
    ok: summary.failed === 0 && summary.stopped === 0 && summary.skipped === 0,
    summary,
    targets: outcome.results,
    waves: outcome.waves,
    notices,
    error: null,
    interrupted,
  }
}

/** What came while the others were migrated, until nothing more has come. A rollout that stopped takes nothing on. */
async function runLate(
  { plans, late, signal }: CarryOut,
  outcome: RolloutOutcome,
  run: (late: LatePlan) => Promise<RolloutOutcome>,
): Promise<void> {
  const seen = new Set(plans.flatMap(({ targets }) => targets.map(({ target }) => target.name)))
  while (late !== undefined && outcome.stopped === null && signal?.drain.aborted !== true) {
    const next = await late(seen, outcome.results)
    if (next === null) return
    for (const { targets } of next.plans) for (const { target } of targets) seen.add(target.name)
    const { results, waves, stopped } = await run(next)
    outcome.results.push(...results)
    outcome.waves.push(...waves)
    outcome.stopped = stopped
  }
}

export function newRolloutId(): string {
  return `r_${ulid()}`
}

/** Plans a target that was left unread; what its scripts have to say is said once. */
async function readLate(task: CarryOut, { set: name, target }: TargetPlan, notices: Notice[]): Promise<TargetPlan> {
  const { fleet } = task
  const set = task.sets.find(({ config }) => config.name === name) as FleetSet
  const plan = await fleet.planTarget(set, task.decide(set), target)
  const own = { set: name, migrations: set.migrations, targets: [plan], notices: [] }
  for (const notice of await findPlanNotices(fleet, [set], [own])) {
    const known = notices.some(
      ({ rule, migration, line }) => rule === notice.rule && migration === notice.migration && line === notice.line,
    )
    if (known) continue
    notices.push(notice)
    fleet.emit({ type: 'notice', notice })
  }
  return plan
}

function stateOf(
  { stopped, results }: RolloutOutcome,
  interrupted: boolean,
): 'done' | 'failed' | 'stopped' | 'interrupted' {
  if (interrupted) return 'interrupted'
  if (stopped !== null) return 'stopped'
  return results.some(({ result }) => result === 'failed') ? 'failed' : 'done'
}

/** A folder that cannot be written must not keep a deploy from running: each target's ledger has the rollout too. */
function openWriter(
  { store, command, policy, plans }: CarryOut,
  id: string,
  targets: number,
  notices: Notice[],
): RolloutWriter {
  const say = ({ message, hint }: TenantryError) =>
    void notices.push({ rule: 'rollout-not-stored', message, ...(hint === null ? {} : { hint }) })
  const header: RolloutHeader = {
    type: 'rollout',
    id,
    command,
    startedAt: new Date().toISOString(),
    policy,
    targets,
    planHash: hashPlan(plans),
    pid: process.pid,
    host: hostname(),
  }
  try {
    return store.create(header, say)
  } catch (error) {
    if (!isTenantryError(error)) throw error
    say(error)
    return { wave() {}, result() {}, end() {} }
  }
}

/** SHA-256 over what would run where, and on which text. */
export function hashPlan(plans: readonly SetPlan[]): string {
  const hash = createHash('sha256')
  for (const { set, targets } of plans) {
    for (const { target, steps } of targets) {
      if (steps.length === 0) continue
      const list = steps.map(({ migration, direction }) => `${direction} ${migration.id} ${migration.checksum}`)
      hash.update(`${JSON.stringify([set, target.name, list])}\n`)
    }
  }
  return hash.digest('hex')
}

function workFor(task: CarryOut & { lookAt: LookAtCode }, plan: TargetPlan, rollout: string): TargetWork {
  const set = task.sets.find(({ config }) => config.name === plan.set) as FleetSet
  return describeWork({ ...task, set, decide: task.decide(set) }, plan, rollout)
}

/** Everything that carrying out one target's plan needs. */
export function describeWork(
  task: Pick<CarryOut, 'command' | 'fleet' | 'backup' | 'signal'> & {
    set: FleetSet
    decide: FleetQuestion['decide']
    lookAt?: LookAtCode
  },
  plan: TargetPlan,
  rollout: string,
): TargetWork {
  const { fleet, backup, signal, set, decide } = task
  const { server } = plan.target.placement
  return {
    dialect: fleet.pool.dialect(server),
    pool: fleet.pool,
    target: plan.target,
    set: plan.set,
    plan,
    place: historyPlace(set, plan, fleet.pool.dialect(server)),
    book: fleet.book(set, plan.target),
    session: set.config.session,
    oneTransaction: set.config.transaction === 'target',
    replan: (snapshot) => {
      const standing = readStanding(set.migrations, snapshot, set.shape)
      return task.command === 'up' ? { standing, ...keepPlanned(plan, decide(standing)) } : leftToUndo(plan, standing)
    },
    settings: engineSettings(fleet),
    rollout,
    emit: fleet.emit,
    cancel: signal?.cancel ?? never.cancel,
    // What cannot be told of code counts as destructive: a backup too many costs only time.
    isDestructive: async ({ migration, script }) => {
      const seen = script.mode === 'code' ? await task.lookAt?.(set, plan, migration) : script
      return seen === undefined || 'why' in seen || seen.destructive.length > 0
    },
    backup:
      backup === undefined
        ? null
        : (target) => runBackup(backup, target, fleet.pool.server(server), fleet.config.root, signal?.cancel),
  }
}

/** What is left of an undo. Nothing is decided anew: "the last one" would by now be another one. */
function leftToUndo({ steps }: TargetPlan, standing: Standing) {
  const open = new Set([
    ...standing.applied.map(({ id }) => id),
    ...standing.halfDone.filter(({ direction }) => direction === 'down').map(({ migration }) => migration),
  ])
  return { standing, steps: steps.filter(({ migration }) => open.has(migration.id)), error: null }
}

/** Looking again may find less to do, never more: files that were not planned are not run. */
function keepPlanned(plan: TargetPlan, decided: { steps: TargetPlan['steps']; error: ErrorDocument | null }) {
  const planned = new Set(plan.steps.map(({ migration, direction }) => `${direction} ${migration.id}`))
  return {
    ...decided,
    steps: decided.steps.filter(({ migration, direction }) => planned.has(`${direction} ${migration.id}`)),
  }
}

export function engineSettings({ config }: Fleet): EngineSettings {
  return {
    lockTimeoutMs: config.lockTimeoutMs,
    lockRetryBudgetMs: config.lockRetryBudgetMs,
    targetLockWaitMs: config.targetLockWaitMs,
    statementTimeoutMs: config.statementTimeoutMs,
    migrationTimeoutMs: config.migrationTimeoutMs,
    idleInTransactionTimeoutMs: config.idleInTransactionTimeoutMs,
    sharedSchema: config.sharedSchema,
    appliedBy: `${userName()}@${hostname()}`,
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown' // a container's user id without a passwd entry
  }
}
