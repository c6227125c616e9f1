import { plannedResult } from '../engine/target-result.ts'
import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { PlannedStep, SetPlan, TargetPlan } from '../model/plan.ts'
import type { PlannedMigrationReport, PlanReport } from '../model/report.ts'
import type { DestructiveStep, Script } from '../model/script.ts'
import { hashPlan } from './carry-out.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { findLateNotices, noticesOf } from './plan-notices.ts'
import { summarise } from './report.ts'

/** What `plan` says: per target what would run, per migration how and why, and what is wrong. Touches nothing. */
export async function reportPlan(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
  startedAt: number,
): Promise<PlanReport> {
  const migrations: PlannedMigrationReport[] = []
  const blocked = new Map<string, Notice>()
  for (const plan of plans) {
    const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
    for (const group of groupSteps(plan)) {
      const script = await compile(fleet, set, group.sample, group.step)
      if (script === null) continue
      const report = describeMigration(set, group, script, await findUndo(fleet, set, group))
      migrations.push(report)
      const [problem] = report.problems
      if (problem !== undefined) for (const target of group.targets) blocked.set(`${plan.set}\0${target}\0`, problem)
    }
  }
  const targets = plans.flatMap(({ set, targets: own }) =>
    own.map((plan) => {
      const result = plannedResult(plan)
      const problem = blocked.get(`${set}\0${plan.target.name}\0`)
      return problem === undefined || result.result !== 'pending'
        ? result
        : { ...result, result: 'failed' as const, error: problemError(plan, problem) }
    }),
  )
  const notices = plans.flatMap((plan) => [...plan.notices, ...findLateNotices(plan)])
  const wrong = targets.some(({ result }) => result === 'failed')
  return {
    command: 'plan',
    rollout: null,
    ok: !wrong && migrations.every(({ problems }) => problems.length === 0),
    summary: summarise(targets, Math.round(performance.now() - startedAt)),
    targets,
    waves: [],
    notices,
    error: null,
    interrupted: false,
    migrations,
    hash: hashPlan(plans),
  }
}

interface StepGroup {
  step: PlannedStep
  sample: TargetPlan
  targets: string[]
}

/** Targets by what they would run; schema targets and whole databases apart, since their scripts differ. */
function groupSteps(plan: SetPlan): StepGroup[] {
  const groups = new Map<string, StepGroup>()
  for (const target of plan.targets) {
    for (const step of target.steps) {
      const key = `${step.direction}\0${step.migration.id}\0${target.target.placement.schema === undefined}`
      const group = groups.get(key) ?? { step, sample: target, targets: [] }
      group.targets.push(target.target.name)
      groups.set(key, group)
    }
  }
  const order = new Map(plan.migrations.map(({ id }, i) => [id, i]))
  return [...groups.values()].sort(
    (a, b) => (order.get(a.step.migration.id) ?? 0) - (order.get(b.step.migration.id) ?? 0),
  )
}

async function compile(fleet: Fleet, set: FleetSet, sample: TargetPlan, step: PlannedStep): Promise<Script | null> {
  const book = fleet.book(set, sample.target)
  return step.direction === 'up' ? book.up(step.migration) : book.down(step.migration)
}

async function findUndo(
  fleet: Fleet,
  set: FleetSet,
  { step: { migration }, sample }: StepGroup,
): Promise<PlannedMigrationReport['undo']> {
  const { down } = migration
  if (down?.kind !== 'code') return down === null ? 'missing' : 'present'
  // A file that cannot be imported is among the problems of its script.
  const loaded = await down.load().catch(() => null)
  if (loaded === null || loaded.run === null) return 'missing'
  if (loaded.empty) return 'empty'
  // One that is inferred is only known to be there once it is built.
  const script = loaded.build === undefined ? null : await fleet.book(set, sample.target).down(migration)
  return script?.problems.some(({ rule }) => rule === 'code-unreadable') ? 'missing' : 'present'
}

function describeMigration(
  set: FleetSet,
  group: StepGroup,
  script: Script,
  undo: PlannedMigrationReport['undo'],
): PlannedMigrationReport {
  const { step, targets } = group
  return {
    set: set.config.name,
    migration: step.migration.id,
    direction: step.direction,
    targets: targets.length,
    mode: script.mode,
    reason: script.reason,
    statements: script.statementCount,
    destructive: script.destructive.map(nameDestructive),
    extensions: script.extensions.map(({ name }) => name),
    notices: noticesOf(set, script),
    problems: script.problems,
    hasUndo: undo === 'present',
    undo,
  }
}

const words: Record<DestructiveStep['kind'], string> = {
  'drop-table': 'drops table',
  'drop-column': 'drops column',
  'drop-schema': 'drops schema',
  truncate: 'empties table',
  delete: 'deletes rows of',
  'change-type': 'changes the type of',
  'drop-other': 'drops',
}

/** `drops column users.email`. */
export function nameDestructive({ kind, schema, object, column, keeps }: DestructiveStep): string {
  const name = [schema, object, column].filter((part) => part !== null).join('.')
  return keeps === undefined ? `${words[kind]} ${name}` : `drops columns of ${name} other than ${keeps.join(', ')}`
}

function problemError(plan: TargetPlan, problem: Notice) {
  return new TenantryError(
    'MIGRATION_UNSUPPORTED',
    `Migration ${problem.migration ?? ''} cannot run in ${plan.target.name}: ${problem.message}`,
    {
      hint: problem.hint,
      context: {
        target: plan.target.name,
        set: plan.set,
        rule: problem.rule,
        ...(problem.migration === undefined ? {} : { migration: problem.migration }),
        ...(problem.line === undefined ? {} : { line: problem.line }),
      },
    },
  ).toJSON()
}
