import { TenantryError } from '../../model/errors.ts'
import type { Notice } from '../../model/migration.ts'
import type { SeedOptions, SeedReport, SeedTargetResult } from '../../model/seed.ts'
import type { Target, Tenant } from '../../model/tenant.ts'
import { engineSettings } from '../../rollout/carry-out.ts'
import type { Fleet, FleetSet } from '../../rollout/fleet.ts'
import { runBounded } from '../../rollout/schedule.ts'
import { chooseTargets } from '../choose-targets.ts'
import { never } from '../run-changes.ts'
import { loadSeeds } from './load-seeds.ts'
import type { Seed } from './seed-file.ts'
import { outcomeOf, type SeedTask, seedTarget, type TargetSeeds } from './seed-target.ts'

/** Carries out the seeds over the fleet. A failed target stops no other. Throws SEEDS_UNREADABLE, SEED_UNKNOWN. */
export async function runSeeds(fleet: Fleet, options: SeedOptions): Promise<SeedReport> {
  const startedAt = performance.now()
  const { config, emit } = fleet
  const signal = options.signal ?? never
  const dryRun = options.dryRun === true
  const seeds = await readSeeds(fleet, options.only)
  const chosen = await chooseTargets(fleet, [], options.selectors ?? {}, { look: true })
  const entries = chosen.map(({ target, sets }) => ({ target, sets, seeds: seedsFor(seeds, sets) }))
  const task: SeedTask = { ...taskOf(fleet), signal, dryRun }
  const results = new Map<TargetSeeds, SeedTargetResult>()
  await runBounded(
    entries,
    ({ target }) => target.placement,
    fleet.limits,
    async (entry) => {
      const result = await seedTarget(entry, task)
      results.set(entry, result)
      emit({ type: 'seed-target-finished', result })
    },
    () => signal.drain.aborted,
    ({ server, database }) => void fleet.pool.closeDatabase(server, database),
  )
  const targets = entries.map((entry) => results.get(entry) ?? unstarted(entry))
  const notices: Notice[] = [...config.notices]
  if (seeds.length === 0) notices.push(noSeeds(fleet))
  return report(targets, { dryRun, environment: config.environmentAsked, notices, startedAt, signal })
}

/** Seeds a tenant that is being made. Throws what ended it, and INTERRUPTED. */
export async function seedNewTenant(fleet: Fleet, target: Target, signal: AbortSignal): Promise<void> {
  const seeds = await readSeeds(fleet)
  if (seeds.length === 0) return
  const only = target.tenants as readonly Tenant[]
  const selectors = { tenants: only.map(({ id }) => id) }
  const { sets } = await fleet.view(selectors, { whole: false, quiet: true, only })
  const own = sets.filter(({ targets }) => targets.length > 0)
  const task: SeedTask = { ...taskOf(fleet), signal: { drain: signal, cancel: signal }, dryRun: false }
  const { error, result } = await seedTarget({ target, sets: own, seeds: seedsFor(seeds, own) }, task)
  if (error !== null) {
    const { code, message, hint, context } = error
    throw new TenantryError(code, message, { hint: hint ?? undefined, context })
  }
  if (result === 'stopped')
    throw new TenantryError('INTERRUPTED', `Interrupted while ${target.name} was seeded; what is done of it stays.`)
}

async function readSeeds(fleet: Fleet, only: readonly string[] = []): Promise<Seed[]> {
  const { root, seedsDir, environmentAsked } = fleet.config
  const seeds = await loadSeeds({ root, dir: seedsDir, environment: environmentAsked }, only)
  const known = new Set((await fleet.loadSets()).map(({ config }) => config.name))
  for (const { file, set } of seeds) {
    if (set === null || known.has(set)) continue
    throw new TenantryError('USAGE', `Seed ${file} is for a set of migrations named "${set}", which there is not.`, {
      hint: `Sets: ${[...known].join(', ')}.`,
      context: { file },
    })
  }
  return seeds
}

function taskOf(fleet: Fleet): Omit<SeedTask, 'signal' | 'dryRun'> {
  return { fleet, settings: engineSettings(fleet), environment: fleet.config.environmentAsked, compiled: new Map() }
}

function seedsFor(seeds: readonly Seed[], sets: readonly FleetSet[]): Seed[] {
  return seeds.filter(({ set }) => set === null || sets.some(({ config }) => config.name === set))
}

function unstarted({ target, seeds }: TargetSeeds): SeedTargetResult {
  return {
    target: target.name,
    tenants: target.tenants.map(({ slug }) => slug),
    result: 'stopped',
    seeds: seeds.map((seed) => outcomeOf({ seed, tenant: null, byTenant: false }, 'skipped')),
    durationMs: 0,
    error: null,
  }
}

function noSeeds({ config }: Fleet): Notice {
  return {
    rule: 'no-seeds',
    message: `There are no seeds in ${config.seedsDir}`,
    hint: 'write `seeds/010_roles.json`, or name another folder with `seeds.dir` in the config; see docs/seeding.md',
  }
}

function report(
  targets: readonly SeedTargetResult[],
  about: Pick<SeedReport, 'dryRun' | 'environment' | 'notices'> & {
    startedAt: number
    signal: NonNullable<SeedOptions['signal']>
  },
): SeedReport {
  const { startedAt, signal, ...more } = about
  const having = (result: SeedTargetResult['result']) => targets.filter((one) => one.result === result).length
  const seeds = targets.flatMap((one) => one.seeds)
  const sum = (name: 'inserted' | 'updated' | 'unchanged' | 'kept' | 'removed' | 'deleted') =>
    seeds.reduce((total, one) => total + one[name], 0)
  const [failed, stopped] = [having('failed'), having('stopped')]
  return {
    command: 'seed',
    ok: failed + stopped === 0,
    ...more,
    summary: {
      targets: targets.length,
      applied: having('applied'),
      upToDate: having('up-to-date'),
      pending: having('pending'),
      failed,
      stopped,
      inserted: sum('inserted'),
      updated: sum('updated'),
      unchanged: sum('unchanged'),
      kept: sum('kept'),
      removed: sum('removed'),
      deleted: sum('deleted'),
    },
    targets,
    durationMs: Math.round(performance.now() - startedAt),
    interrupted: signal.drain.aborted && stopped > 0,
  }
}
