import { DatabaseError } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Selectors, UpOptions } from '../model/report.ts'
import type { TargetResult } from '../model/rollout.ts'
import { beatHeads, beginHeads, endHeads, type FleetHead } from '../registry/heads.ts'
import { newRolloutId } from '../rollout/carry-out.ts'
import { chooseSets, type LoadedSet, resolveInSets } from '../rollout/fleet.ts'
import { FleetAhead } from './await-head.ts'
import { Making, type Provisioning } from './making.ts'
import { ProvisionRecord } from './provision-record.ts'
import { carryOn } from './provisioner.ts'

const heartbeatMs = 3000

/** Is a run about all tenants (or, with others beside it, about a share of them)? */
export function isWholeFleet({ tenants, labels, servers, exclude, percent, limit }: Selectors = {}): boolean {
  const none = (list: readonly string[] | undefined) => list === undefined || list.length === 0
  return [tenants, labels, servers, exclude].every(none) && percent === undefined && limit === undefined
}

/**
 * An `up` of the whole fleet, as those see it that make tenants meanwhile: the head that it brings the fleet to is
 * written before the tenants are listed, and it takes along who comes late.
 */
export class HeadRun {
  readonly rollout: string
  readonly #about: Provisioning
  readonly #sets: readonly LoadedSet[]
  readonly #before: ReadonlyMap<string, FleetHead>
  readonly #heads: ReadonlyMap<string, readonly string[]>
  readonly #signal: AbortSignal
  readonly #tried = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #ended = false

  private constructor(
    about: Provisioning,
    sets: readonly LoadedSet[],
    heads: ReadonlyMap<string, readonly string[]>,
    signal: AbortSignal,
    before: ReadonlyMap<string, FleetHead>,
    rollout: string,
  ) {
    this.rollout = rollout
    this.#about = about
    this.#sets = sets
    this.#heads = heads
    this.#signal = signal
    this.#before = before
  }

  /** null: the run is not about a registry's whole fleet, or its head cannot be written, which is said. */
  static async begin(about: Provisioning | null, options: UpOptions): Promise<HeadRun | null> {
    if (about === null || about.fleet.config.tenants.from !== 'registry' || !isWholeFleet(options.selectors))
      return null
    const { registry, fleet, actor } = about
    const sets = chooseSets(await fleet.loadSets(), options.selectors?.sets ?? [])
    const last = options.to === undefined ? null : resolveInSets(sets, options.to)
    const heads = new Map<string, readonly string[]>()
    const plan = sets.map((set) => ({
      set: set.config.name,
      migrations: (before: readonly string[]) => {
        const ids = set.migrations.map(({ id }) => id)
        const to = last?.get(set)
        // Up to a migration: what the fleet has beyond it stays.
        const own = last === null ? ids : ids.slice(0, to === undefined ? 0 : ids.indexOf(to.id) + 1)
        const head = last === null ? ids : ids.filter((id) => own.includes(id) || before.includes(id))
        heads.set(set.config.name, head)
        return head
      },
    }))
    // Without our tables nobody can be making tenants; a team's own table is read without them.
    if ((await registry.status()).version === null) return null
    await registry.assertReady()
    const signal = options.signal?.drain ?? new AbortController().signal
    const rollout = newRolloutId()
    try {
      const before = await beginHeads(registry, plan, rollout, actor)
      const run = new HeadRun(about, sets, heads, signal, before, rollout)
      run.#beat()
      return run
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.kind !== 'statement') throw error
      fleet.emit({
        type: 'notice',
        notice: {
          rule: 'head-not-written',
          message: `Tenants that are made while this runs may be missed: the registry refused to note what the fleet is brought to: ${error.failure.message}.`,
          hint: 'its role needs to write to the table tenantry_heads',
        },
      })
      return null
    }
  }

  #beat(): void {
    this.#timer = setInterval(() => void beatHeads(this.#about.registry, this.rollout).catch(() => {}), heartbeatMs)
    this.#timer.unref()
  }

  /**
   * Finishes tenants that wait for this run, since those who make them have older files. What goes wrong with one is
   * written down with it.
   */
  async finishWaiting(): Promise<void> {
    const { registry } = this.#about
    for await (const tenant of registry.tenants.list({ states: ['provisioning'] })) {
      if (this.#tried.has(tenant.id) || this.#signal.aborted) continue
      const record = await ProvisionRecord.claim(registry, tenant.id, 'await-head')
      if (record === null) continue
      this.#tried.add(tenant.id)
      try {
        await carryOn(new Making(this.#about, record, tenant, this.#signal), 'provisioning', performance.now())
      } catch (error) {
        if (error instanceof FleetAhead) continue
        const message = isTenantryError(error) ? error.message : String(error)
        this.#about.fleet.emit({ type: 'notice', notice: { rule: 'tenant-not-made', message } })
      }
    }
  }

  /** True: nobody waits, and the run is over for those that come from now on. */
  tryEnd(results: readonly TargetResult[]): Promise<boolean> {
    return this.#end(results, async (query) => {
      const rows = await query(
        `SELECT tenant_id FROM ${this.#about.registry.table('provisions')} WHERE step = 'await-head' AND owner IS NULL`,
      )
      return rows.every(({ tenant_id: id }) => this.#tried.has(String(id)))
    })
  }

  /** However it ended. */
  async close(results: readonly TargetResult[]): Promise<void> {
    try {
      if (!this.#ended) await this.#end(results)
    } catch (error) {
      // Those that wait find out by its silence.
      if (!isTenantryError(error) && !(error instanceof DatabaseError)) throw error
    } finally {
      if (this.#timer !== null) clearInterval(this.#timer)
    }
  }

  async #end(results: readonly TargetResult[], mayEnd?: Parameters<typeof endHeads>[3]): Promise<boolean> {
    this.#ended = await endHeads(this.#about.registry, this.rollout, this.#correct(results), mayEnd)
    return this.#ended
  }

  /** What not a single target has got is not where the fleet is: it may have been wrong, and be taken back. */
  #correct(results: readonly TargetResult[]): Map<string, readonly string[]> {
    const corrected = new Map<string, readonly string[]>()
    for (const { config } of this.#sets) {
      const own = results.filter(({ set }) => set === config.name)
      const head = this.#heads.get(config.name) ?? []
      if (own.length === 0 || own.some(({ result }) => result === 'up-to-date')) continue
      const there = new Set([
        ...(this.#before.get(config.name)?.migrations ?? []),
        ...own.flatMap(({ applied }) => applied),
      ])
      const reached = head.filter((id) => there.has(id))
      const whole = own.some(({ result, pending }) => result === 'applied' && pending.length === 0)
      if (!whole && reached.length < head.length) corrected.set(config.name, reached)
    }
    return corrected
  }
}
