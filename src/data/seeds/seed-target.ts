import { setTimeout as sleep } from 'node:timers/promises'
import { Retries } from '../../engine/retries.ts'
import type { EngineSettings } from '../../engine/settings.ts'
import type { Batches } from '../../model/batches.ts'
import type { Connection, DatabaseFailure, Dialect } from '../../model/dialect.ts'
import type { ErrorDocument } from '../../model/errors.ts'
import { seedTable } from '../../model/history.ts'
import type { RunSignals } from '../../model/report.ts'
import type { SeedOutcome, SeedTargetResult } from '../../model/seed.ts'
import type { SeededTable, SeedWords } from '../../model/seed-words.ts'
import type { Target, Tenant } from '../../model/tenant.ts'
import type { Fleet, FleetSet } from '../../rollout/fleet.ts'
import { isShared } from '../choose-targets.ts'
import { carryOutSeed, failureBehind, type SeedDone } from './carry-out-seed.ts'
import { type CompiledSeed, compileSeed, namesTenant } from './compile-seed.ts'
import { describeSeedFailure } from './describe-seed.ts'
import { columnOf } from './resolve-values.ts'
import { SeedBook } from './seed-book.ts'
import type { Seed, SeedValue } from './seed-file.ts'
import { SeedSession } from './seed-session.ts'
import { emptyCounts, SeedStopped, type SeedWork } from './seed-work.ts'

/** A target with the seeds that are for it. */
export interface TargetSeeds {
  target: Target
  /** The first one's migrations tell which names are the target's own. */
  sets: readonly FleetSet[]
  seeds: readonly Seed[]
}

export interface SeedTask {
  fleet: Fleet
  settings: EngineSettings
  signal: RunSignals
  dryRun: boolean
  environment: string | null
  /** Seeds compiled once for all targets of a kind. */
  compiled: Map<string, Promise<CompiledSeed>>
}

/** Whose turn it is: one of several tenants whose rows are told apart, or the target's. */
interface Turn {
  seed: Seed
  tenant: Tenant | null
  byTenant: boolean
}

/**
 * Carries out the seeds of one target in order, each in a transaction of its own; a dry run has one for all, and rolls it
 * back. After a seed that failed the later ones are not begun: they may build on it. Never throws for what servers say.
 */
export async function seedTarget(entry: TargetSeeds, task: SeedTask): Promise<SeedTargetResult> {
  const job = new TargetJob(entry, task)
  try {
    return await job.run()
  } finally {
    await job.close()
  }
}

class TargetJob {
  readonly #entry: TargetSeeds
  readonly #task: SeedTask
  readonly #session: SeedSession
  readonly #dialect: Dialect
  readonly #words: SeedWords | undefined
  readonly #book: SeedBook | null
  readonly #outcomes: SeedOutcome[] = []
  readonly #startedAt = performance.now()
  #hasBook = false
  #tables = new Map<string, SeededTable | null>()
  #error: ErrorDocument | null = null

  constructor(entry: TargetSeeds, task: SeedTask) {
    const { target, sets } = entry
    this.#entry = entry
    this.#task = task
    this.#dialect = task.fleet.pool.dialect(target.placement.server)
    this.#words = this.#dialect.seedWords
    this.#session = new SeedSession(task.fleet, target, task.settings, sets[0]?.historySchema ?? null)
    this.#book =
      this.#words === undefined ? null : new SeedBook(this.#dialect, this.#words, target.placement.schema ?? null)
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  get #isDrained(): boolean {
    return this.#task.signal.drain.aborted
  }

  async run(): Promise<SeedTargetResult> {
    const { seeds } = this.#entry
    if (seeds.length > 0) await (this.#task.dryRun ? this.#look() : this.#carryOutAll())
    const done = new Set(this.#outcomes.map(({ seed }) => seed))
    for (const seed of seeds)
      if (!done.has(seed.name)) this.#outcomes.push(outcomeOf({ seed, tenant: null, byTenant: false }, 'skipped'))
    return this.#result()
  }

  async #carryOutAll(): Promise<void> {
    if (!(await this.#attempt(null, null, (connection) => this.#makeBook(connection)))) return
    for (const seed of this.#entry.seeds) {
      const turns: Turn[] = []
      const found = await this.#attempt(seed, null, async (connection) => {
        turns.splice(0, turns.length, ...(await this.#turnsOf(seed, connection)))
      })
      if (!found) {
        this.#outcomes.push(outcomeOf({ seed, tenant: null, byTenant: false }, 'failed'))
        return
      }
      for (const turn of turns) {
        if (this.#isDrained || this.#error !== null) {
          this.#outcomes.push(outcomeOf(turn, 'skipped'))
          continue
        }
        let done: SeedDone | null = null
        const isDone = await this.#attempt(seed, turn.tenant, async (connection) => {
          const mark = await this.#session.begin(connection)
          done = await this.#carryOut(turn, connection, false)
          await this.#session.commit(connection, mark)
        })
        this.#outcomes.push(isDone && done !== null ? finish(turn, done, false) : outcomeOf(turn, 'failed'))
      }
      if (this.#error !== null) return
    }
  }

  /** Everything in one transaction, so that later seeds find what earlier ones make. */
  async #look(): Promise<void> {
    await this.#attempt(null, null, async (connection) => {
      this.#outcomes.length = 0
      this.#tables.clear()
      await this.#session.begin(connection)
      this.#hasBook = (await this.#findBook(connection)) !== null
      let mayLackRows = false
      for (const seed of this.#entry.seeds) {
        for (const turn of await this.#turnsOf(seed, connection)) {
          if (this.#isDrained) return
          try {
            const done = await this.#carryOut(turn, connection, mayLackRows)
            this.#outcomes.push(finish(turn, done, true))
            mayLackRows ||= seed.body.kind === 'code' && done.kind === 'done'
          } catch (error) {
            if (!isStopped(error)) throw error
            this.#outcomes.push(outcomeOf(turn, 'failed'))
            this.#error = describeSeedFailure(error, seed, this.#entry.target, turn.tenant?.slug ?? null)
            return
          }
        }
      }
    }).finally(() => this.#session.rollback())
  }

  /** False: it failed for good, and the error is noted. Other failures than those of servers and seeds are thrown. */
  async #attempt(
    seed: Seed | null,
    tenant: Tenant | null,
    work: (connection: Connection) => Promise<void>,
  ): Promise<boolean> {
    const { target } = this.#entry
    const retries = new Retries(this.#task.settings)
    let mayMeet = true
    for (;;) {
      try {
        if (this.#words === undefined || this.#dialect.batches === undefined) throw unsupported()
        await work(await this.#session.open(this.#words))
        return true
      } catch (error) {
        await this.#session.rollback()
        const failure = failureBehind(error)
        if (failure === null && !isStopped(error)) throw error
        const again =
          failure === null || this.#task.signal.cancel.aborted ? null : this.#again(failure, retries, mayMeet)
        if (again === null || (this.#isDrained && failure?.kind === 'locked')) {
          this.#error = describeSeedFailure(
            isStopped(error) ? error : (failure as DatabaseFailure),
            seed,
            target,
            tenant?.slug ?? null,
          )
          return false
        }
        if (again.met) mayMeet = false
        await sleep(again.delayMs)
      }
    }
  }

  /** Somebody else may have inserted the same row a moment ago: then it is there now. */
  #again(failure: DatabaseFailure, retries: Retries, mayMeet: boolean): { delayMs: number; met: boolean } | null {
    if (mayMeet && this.#dialect.registryWords?.isDuplicate(failure) === true) return { delayMs: 20, met: true }
    const next = retries.next(failure)
    return next === null ? null : { delayMs: next.delayMs, met: false }
  }

  async #findBook(connection: Connection): Promise<SeededTable | null> {
    return (await this.#words?.table(connection, this.#session.schema, seedTable)) ?? null
  }

  async #makeBook(connection: Connection): Promise<void> {
    if ((await this.#findBook(connection)) === null) {
      const mark = await this.#session.begin(connection)
      await connection.query((this.#book as SeedBook).create)
      // Where DDL commits by itself there is no transaction left to look at.
      if (this.#dialect.features.transactionalDdl) await this.#session.commit(connection, mark)
      else await this.#session.rollback()
    }
    this.#hasBook = true
  }

  async #turnsOf(seed: Seed, connection: Connection): Promise<Turn[]> {
    const { target } = this.#entry
    const single = target.tenants.length === 1 && !isShared(target) ? (target.tenants[0] as Tenant) : null
    if (!isShared(target) || !(await this.#isByTenant(seed, connection)))
      return [{ seed, tenant: single, byTenant: false }]
    return target.tenants.map((tenant) => ({ seed, tenant, byTenant: true }))
  }

  async #isByTenant({ body }: Seed, connection: Connection): Promise<boolean> {
    if (body.kind === 'code') return body.scope === 'tenant'
    if (body.kind === 'sql') return namesTenant(this.#dialect.batches as Batches, body)
    if (body.rows.some(({ values }) => [...values.values()].some(isOfTenant))) return true
    const table = await this.#words?.table(connection, this.#session.schema, body.table)
    return table != null && columnOf(table, this.#rules.column) !== null
  }

  get #rules() {
    return this.#task.fleet.config.sharedTables ?? { column: 'tenant_id', setting: 'app.tenant_id' }
  }

  async #carryOut({ seed, tenant, byTenant }: Turn, connection: Connection, mayLackRows: boolean): Promise<SeedDone> {
    const { fleet, settings, signal, dryRun, environment } = this.#task
    const { target } = this.#entry
    const batches = this.#dialect.batches as Batches
    for (const statement of batches.actAs(this.#rules.setting, tenant?.id ?? null)) await connection.query(statement)
    const work: SeedWork = {
      seed,
      target,
      connection,
      dialect: this.#dialect,
      words: this.#words as SeedWords,
      batches,
      schema: this.#session.schema,
      book: this.#book as SeedBook,
      tenant,
      tenantColumn: byTenant ? this.#rules.column : null,
      mayLackRows,
      tables: this.#tables,
    }
    const compiled = seed.body.kind === 'sql' ? await this.#compile(seed, fleet) : null
    const limitMs = Math.max(60_000, settings.idleInTransactionTimeoutMs)
    const discard = () => this.#session.discard()
    return carryOutSeed(work, {
      compiled,
      hasBook: this.#hasBook,
      environment,
      limitMs,
      cancel: signal.cancel,
      discard,
      dryRun,
    })
  }

  #compile(seed: Seed, { config }: Fleet): Promise<CompiledSeed> {
    const { body } = seed
    if (body.kind !== 'sql') throw new Error('only SQL is compiled')
    const { sets, target } = this.#entry
    const { schema } = target.placement
    const schemaTargets = schema !== undefined && schema !== config.sharedSchema
    const set = sets.find((one) => one.config.name === seed.set) ?? (sets[0] as FleetSet)
    const key = [seed.name, set.config.name, this.#dialect.name, schemaTargets].join('\0')
    const known = this.#task.compiled.get(key)
    if (known !== undefined) return known
    // Which names are the target's own is told by the migrations that make them; a whole database owns all of it.
    const migrations = schemaTargets ? set.migrations : []
    const options = { schemaTargets, targetsPerDatabase: set.targetsPerDatabase, sharedSchema: config.sharedSchema }
    const compiled = compileSeed(seed, body, this.#dialect, this.#dialect.batches as Batches, migrations, options)
    compiled.catch(() => {})
    this.#task.compiled.set(key, compiled)
    return compiled
  }

  #result(): SeedTargetResult {
    const { target } = this.#entry
    const some = (result: SeedOutcome['result']) => this.#outcomes.some((one) => one.result === result)
    const result =
      this.#error !== null
        ? 'failed'
        : some('skipped')
          ? 'stopped'
          : some('pending')
            ? 'pending'
            : some('applied')
              ? 'applied'
              : 'up-to-date'
    return {
      target: target.name,
      tenants: target.tenants.map(({ slug }) => slug),
      result,
      seeds: this.#outcomes,
      durationMs: Math.round(performance.now() - this.#startedAt),
      error: this.#error,
    }
  }
}

/** A seed that was not begun, or failed. */
export function outcomeOf({ seed, tenant, byTenant }: Turn, result: 'failed' | 'skipped'): SeedOutcome {
  return {
    seed: seed.name,
    kind: seed.body.kind,
    tenant: byTenant ? (tenant?.slug ?? null) : null,
    result,
    ...emptyCounts(),
  }
}

function finish(turn: Turn, { kind, counts }: SeedDone, dryRun: boolean): SeedOutcome {
  const result = kind === 'nothing' ? 'up-to-date' : dryRun ? 'pending' : 'applied'
  return { ...outcomeOf(turn, 'skipped'), ...counts, result }
}

function isOfTenant(value: SeedValue): boolean {
  if (value.kind === 'reference') return [...value.by.values()].some(isOfTenant)
  return value.kind === 'tenant'
}

function unsupported(): SeedStopped {
  return new SeedStopped('its kind of database is not seeded by this version', {}, { hint: 'Leave the target out.' })
}

function isStopped(error: unknown): error is SeedStopped {
  return error instanceof SeedStopped
}
