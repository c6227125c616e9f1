import { mkdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { refuseUnproven } from './checks/refuse-unproven.ts'
import { planVerification } from './checks/verify-applied.ts'
import type { ResolvedConfig } from './config/resolved.ts'
import { beginAnew } from './data/begin-anew.ts'
import { openDataChanges } from './data/data-changes.ts'
import { findUnfinished } from './data/unfinished-changes.ts'
import { planUp } from './engine/plan-up.ts'
import { writeTemplate } from './formats/write-template.ts'
import type { GuardOptions } from './model/app.ts'
import type { BackfillOptions, DriftOptions, ProveOptions, VerifyOptions } from './model/check-report.ts'
import type { DataChanges } from './model/data-change.ts'
import { isTenantryError, TenantryError } from './model/errors.ts'
import type { Keys } from './model/key-report.ts'
import type { LintOptions } from './model/lint.ts'
import type { Migration } from './model/migration.ts'
import type { PhaseReport } from './model/phase-report.ts'
import type { SetPlan, Standing } from './model/plan.ts'
import type { ProvisionOptions } from './model/provision.ts'
import type { RegistryTool } from './model/registry-report.ts'
import type {
  AdoptReport,
  BaselineOptions,
  DownOptions,
  FleetReport,
  MakeReport,
  PlanOptions,
  Selectors,
  Tenantry,
  UnlockOptions,
  UpOptions,
} from './model/report.ts'
import type { Policy } from './model/rollout.ts'
import type { SampleDbOptions } from './model/sample-db.ts'
import type { SeedOptions } from './model/seed.ts'
import type { Tenants } from './model/tenant-report.ts'
import { OpenRegistry } from './open-registry.ts'
import { HeadRun } from './provision/head-run.ts'
import { type ChooseTargets, planLate } from './provision/late-targets.ts'
import type { Provisioning } from './provision/making.ts'
import { provisionTenant, requireRegistry } from './provision/provisioner.ts'
import { takeBackHeads } from './provision/undone-heads.ts'
import type { Registry } from './registry/registry.ts'
import { AppConnections } from './rollout/app-connections.ts'
import { AppVersions } from './rollout/app-versions.ts'
import { type CarryOut, carryOut } from './rollout/carry-out.ts'
import { explainTarget } from './rollout/explain.ts'
import { type Fleet, type FleetSet, type LoadedSet, resolveInSets } from './rollout/fleet.ts'
import { holdContracts, reportHeld, reportPhases } from './rollout/hold-contracts.ts'
import { describeHeld, heldIds } from './rollout/phases.ts'
import { planUndo } from './rollout/plan-undo.ts'
import type { FleetQuestion } from './rollout/read-fleet.ts'
import { reportPlan } from './rollout/report-plan.ts'
import { reportCheck, reportStatus } from './rollout/report-status.ts'
import { runBaseline } from './rollout/run-baseline.ts'
import { RolloutStore } from './rollout/store.ts'
import { unlockFleet } from './rollout/unlock.ts'
import { awaitServers, type WaitOptions, waitForServers } from './rollout/wait-for-servers.ts'

import { findTenantOf, fleetOf } from './wiring.ts'

/** A fleet that is open: each method plans or reads with the fleet, and hands over to a room. */
export class OpenFleet implements Tenantry {
  readonly keys: Keys
  readonly tenants: Tenants
  readonly registry: RegistryTool
  readonly #config: ResolvedConfig
  readonly #fleet: Fleet
  readonly #registry: Registry | null
  readonly #store: RolloutStore
  readonly #stateDir: string
  readonly #cwd: string
  readonly #connections: AppConnections
  readonly #versions: AppVersions
  readonly #provisioning: Provisioning | null
  readonly dataChanges: DataChanges

  constructor(
    config: ResolvedConfig,
    fleet: Fleet,
    registry: Registry | null,
    keys: Keys,
    tenants: Tenants,
    stateDir: string,
    cwd: string,
    provisioning: Provisioning | null = null,
  ) {
    this.keys = keys
    this.tenants = tenants
    this.#provisioning = provisioning
    const find = (name: string) => findTenantOf(config, fleet, registry, name)
    this.#connections = new AppConnections(fleet, find, config.appPool)
    this.#versions = new AppVersions(fleet, find)
    this.#config = config
    this.#fleet = fleet
    this.dataChanges = openDataChanges(fleet)
    this.#registry = registry
    const openAlone = (own: ResolvedConfig) =>
      new OpenFleet(own, fleetOf(own, fleet.emit), null, keys, tenants, stateDir, cwd)
    this.registry = new OpenRegistry(config, registry, openAlone)
    this.#store = new RolloutStore(join(stateDir, 'rollouts'))
    this.#stateDir = stateDir
    this.#cwd = cwd
  }

  async plan(options: PlanOptions = {}) {
    const startedAt = performance.now()
    const { sets, plans, held } = await this.#planUp(options, false)
    const report = await reportPlan(this.#fleet, sets, plans, startedAt)
    return { ...report, notices: [...describeHeld(held), ...report.notices] }
  }

  async up(options: UpOptions = {}): Promise<FleetReport> {
    const startedAt = performance.now()
    // Before the tenants are listed: who becomes active later has seen it.
    const run = await HeadRun.begin(this.#provisioning, options)
    let report: FleetReport | null = null
    try {
      const { sets, plans, decide, held } = await this.#planUp(options, true, this.#mayReadLate(options))
      const afterApply = planVerification(this.#fleet, this.#stateDir, sets, options)
      const late =
        run === null ? undefined : planLate(this.#fleet, run, (only) => this.#planUp(options, true, false, only))
      const task = this.#task('up', sets, plans, decide, options, startedAt)
      try {
        report = await carryOut({ ...task, afterApply, rollout: run?.rollout, late })
        return reportHeld(report, held)
      } finally {
        await afterApply?.close()
      }
    } finally {
      await run?.close(report?.targets ?? [])
    }
  }

  async down(options: DownOptions = {}): Promise<FleetReport> {
    const startedAt = performance.now()
    const planned = await planUndo(this.#fleet, this.#store, options, startedAt, (sets, plans) =>
      refuseUnproven(this.#fleet, this.#stateDir, sets, plans, { allowDataLoss: options.allowDataLoss === true }),
    )
    if ('refused' in planned) return planned.refused
    const report = await carryOut(this.#task('down', planned.sets, planned.plans, planned.decide, options, startedAt))
    await takeBackHeads(this.#provisioning, options.selectors, report.targets)
    const targets = planned.plans.flatMap((plan) => plan.targets.map(({ target }) => target))
    return beginAnew(this.#fleet, report, targets)
  }

  async status(options: { selectors?: Selectors } = {}) {
    const startedAt = performance.now()
    const { plans } = await this.#planUp(options, false)
    return reportStatus(plans, this.#config.requiredTables, startedAt)
  }

  async check(options: { selectors?: Selectors } = {}): Promise<FleetReport> {
    const startedAt = performance.now()
    const { plans } = await this.#planUp(options, false)
    return reportCheck(plans, startedAt)
  }

  async phaseStatus(): Promise<PhaseReport> {
    return reportPhases(this.#fleet, await findUnfinished(this.#fleet))
  }

  async drift(options: DriftOptions = {}) {
    const { findDrift } = await import('./checks/drift.ts')
    return findDrift(this.#fleet, this.#stateDir, options)
  }

  async verify(options: VerifyOptions = {}) {
    const { verifyFleet } = await import('./checks/verify.ts')
    return verifyFleet(this.#fleet, this.#stateDir, options)
  }

  async backfill(options: BackfillOptions = {}) {
    const { backfillFleet } = await import('./checks/backfill.ts')
    return backfillFleet(this.#fleet, this.#stateDir, options)
  }

  async prove(options: ProveOptions = {}) {
    const { proveFleet } = await import('./checks/prove.ts')
    return proveFleet(this.#fleet, this.#stateDir, options)
  }

  async lint(options: LintOptions = {}) {
    const { openLint } = await import('./open-lint.ts')
    return openLint(this.#fleet, options)
  }

  async sampleDb(options: SampleDbOptions = {}) {
    const { makeSample } = await import('./data/sample-db/sample-db.ts')
    const { dumpTool } = await import('./provision/dump-place.ts')
    return makeSample(this.#fleet, options, { cwd: this.#cwd, dump: dumpTool })
  }

  async baseline(options: BaselineOptions): Promise<FleetReport> {
    return runBaseline(this.#fleet, options)
  }

  async explain(tenant: string) {
    const { sets, plans } = await this.#planUp({ selectors: { tenants: [tenant] } }, false)
    const targets = []
    for (const plan of plans) {
      const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
      for (const target of plan.targets)
        targets.push(await explainTarget(this.#fleet, this.#store, set, target, tenant))
    }
    return { command: 'explain' as const, ok: targets.every(({ healthy }) => healthy), tenant, targets }
  }

  async seed(options: SeedOptions = {}) {
    const { runSeeds } = await import('./data/seeds/run-seeds.ts')
    return runSeeds(this.#fleet, options)
  }

  async make(name: string, options: { set?: string; description?: string } = {}): Promise<MakeReport> {
    const { sets } = this.#config
    const chosen = options.set === undefined ? sets.at(-1) : sets.find((set) => set.name === options.set)
    if (chosen === undefined) throw new TenantryError('USAGE', `There is no set of migrations named "${options.set}".`)
    if (options.set === undefined && sets.length > 1) {
      throw new TenantryError('USAGE', 'There are several sets of migrations; say which with --set.', {
        hint: `Sets: ${sets.map(({ name: own }) => own).join(', ')}.`,
      })
    }
    // The first migration of a project may find no folder yet.
    const [dir] = chosen.dirs
    if (dir !== undefined && chosen.dirs.length === 1) await mkdir(dir, { recursive: true })
    const set = (await this.#fleet.loadSets()).find(({ config }) => config === chosen) as LoadedSet
    const details = { description: options.description ?? null, now: new Date() }
    const made = await set.format.delegate?.(set.options, name, details)
    const own = made?.files == null ? await set.format.template(set.options, name, details) : made.also
    for (const file of own) await writeTemplate(file)
    const notices = made?.notices ?? []
    for (const notice of notices) this.#fleet.emit({ type: 'notice', notice })
    const files = [...(made?.files ?? []), ...own.map(({ path }) => path)]
    return { command: 'make', ok: true, files: files.map((path) => relative(this.#cwd, path)), notices }
  }

  async adopt(options: { selectors?: Selectors; write?: boolean } = {}): Promise<AdoptReport> {
    const { adoptProject } = await import('./open-adopt.ts')
    return adoptProject({ config: this.#config, fleet: this.#fleet, registry: this.#registry }, options)
  }

  async unlock(options: UnlockOptions = {}) {
    return unlockFleet(this.#fleet, options)
  }

  async wait(options: WaitOptions) {
    const registry = this.#registry
    const book = registry === null ? [] : [{ server: 'registry', connect: async () => void (await registry.status()) }]
    return waitForServers([...awaitServers(this.#fleet), ...book], options)
  }

  async rollouts() {
    return this.#store.list()
  }

  async rollout(id: string) {
    return this.#store.read(id)
  }

  async resolveMigration(text: string): Promise<string | null> {
    const sets = await this.#fleet.loadSets()
    try {
      return [...resolveInSets(sets, text).values()][0]?.id ?? null
    } catch (error) {
      // "Several have it" is told; a word that names none may be a tenant.
      if (isTenantryError(error) && error.code === 'MIGRATION_UNKNOWN' && error.context.migrations === undefined)
        return null
      throw error
    }
  }

  namesTenant(text: string): Promise<boolean> {
    return this.#fleet.namesTenant(text)
  }

  async provision(options: ProvisionOptions) {
    return provisionTenant(requireRegistry(this.#provisioning), options)
  }

  connectionFor(idOrSlug: string) {
    return this.#connections.connectionFor(idOrSlug)
  }

  tenantVersion(idOrSlug: string) {
    return this.#versions.tenantVersion(idOrSlug)
  }

  minimumFleetVersion() {
    return this.#versions.minimumFleetVersion()
  }

  guardTenant(idOrSlug: string, options: GuardOptions = {}) {
    return this.#versions.guardTenant(idOrSlug, options)
  }

  async close(): Promise<void> {
    await this.#connections.close()
    await this.#fleet.close()
    await this.#registry?.close()
  }

  /** Where failures may stop the rollout, everything is looked at first: what is wrong already counts. */
  #mayReadLate({ maxFailures }: UpOptions): boolean {
    const { policy } = this.#config
    return maxFailures === undefined && policy.maxFailures === null && policy.waves.length === 1
  }

  async #planUp(options: PlanOptions, whole: boolean, late = false, choose: ChooseTargets | null = null) {
    const { sets: all } = await this.#fleet.view(options.selectors ?? {}, { whole, quiet: choose !== null })
    const sets = choose === null ? all : choose(all)
    const last = nameIn(sets, options.to)
    const decideWith = (held: ReadonlySet<string>) => (set: FleetSet) => (standing: Standing) =>
      last !== null && !last.has(set)
        ? { steps: [], error: null }
        : planUp(standing, set.migrations, {
            to: last?.get(set) ?? null,
            allowChanged: options.allowChanged ?? false,
            strictOrder: options.strictOrder ?? false,
            toolOrder: set.strictOrder,
            held,
          })
    const free = decideWith(new Set())
    const mayReadLate =
      late && !sets.some(({ migrations }) => migrations.some(({ phase }) => phase?.kind === 'contract'))
    const plans = await this.#planSets(sets, free, mayReadLate)
    const held = await holdContracts(this.#fleet, sets, plans, () => findUnfinished(this.#fleet))
    if (held.length === 0) return { sets, plans, decide: free, held }
    const decide = decideWith(heldIds(held))
    const cut = plans.map((plan, i) => {
      const own = decide(sets[i] as FleetSet)
      return {
        ...plan,
        targets: plan.targets.map((target) =>
          target.error === null ? { ...target, ...own(target.standing) } : target,
        ),
      }
    })
    return { sets, plans: cut, decide, held }
  }

  async #planSets(
    sets: readonly FleetSet[],
    decide: (set: FleetSet) => FleetQuestion['decide'],
    late = false,
  ): Promise<SetPlan[]> {
    const plans: SetPlan[] = []
    const { requiredTables } = this.#config
    for (const set of sets) plans.push(await this.#fleet.plan(set, decide(set), { requiredTables, late }))
    return plans
  }

  #task(
    command: 'up' | 'down',
    sets: readonly FleetSet[],
    plans: readonly SetPlan[],
    decide: CarryOut['decide'],
    options: Pick<UpOptions, 'maxFailures' | 'backup' | 'signal'>,
    startedAt: number,
  ): CarryOut {
    const { policy, notices } = this.#config
    const given: Partial<Policy> =
      options.maxFailures === undefined ? {} : { maxFailures: options.maxFailures, stopAfterFailedWave: false }
    return {
      command,
      fleet: this.#fleet,
      store: this.#store,
      sets,
      plans,
      decide,
      policy: { ...policy, ...given },
      backup: options.backup,
      signal: options.signal,
      notices: [...notices, ...plans.flatMap((plan) => plan.notices)],
      startedAt,
    }
  }
}

function nameIn(sets: readonly FleetSet[], name: string | undefined): ReadonlyMap<FleetSet, Migration> | null {
  return name === undefined ? null : resolveInSets(sets, name)
}
