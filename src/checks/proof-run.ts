import type { ProvedMigration } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { RunSignals } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { migrateOne } from '../rollout/migrate-one.ts'
import { pictureScope } from './picture-scope.ts'
import type { Proof } from './proof-cache.ts'
import { ProofPlace } from './proof-place.ts'
import { proveMigration } from './prove-migration.ts'
import type { ScratchKind, ScratchServer } from './scratch.ts'

/** What a command collects on its way. */
export interface ProofRun {
  fleet: Fleet
  signal: RunSignals | undefined
  migrations: ProvedMigration[]
  notices: Notice[]
  /** Something could not be proved at all. */
  stopped: boolean
}

export function say(run: ProofRun, notice: Notice): void {
  run.notices.push(notice)
  run.fleet.emit({ type: 'notice', notice })
}

/** Proves migrations one after the other, each from where the one before has left it. */
export async function proveAll(
  run: ProofRun,
  given: {
    set: FleetSet
    kind: ScratchKind
    pending: readonly Migration[]
    /** A fresh place, in which everything before this migration is applied. */
    build: (before: Migration) => Promise<Target>
    keepRows: boolean
    keep: (migration: Migration, proof: Proof) => void
    scratch: ScratchServer
  },
): Promise<void> {
  const { fleet, signal } = run
  const { set, pending, scratch } = given
  const scope = pictureScope(fleet.config, [set])
  let place: ProofPlace | null = null
  const renew = async (before: Migration): Promise<ProofPlace> => {
    await place?.close()
    place = null
    await scratch.close()
    place = await ProofPlace.open(fleet, set, await given.build(before), scope)
    return place
  }
  try {
    let hash: string | null = null
    for (const [at, migration] of pending.entries()) {
      place ??= await renew(migration)
      const proving = { fleet, set, place, hash, renew, keepRows: given.keepRows, signal }
      const outcome = await proveMigration(proving, migration)
      place = outcome.place
      hash = outcome.hash
      for (const notice of outcome.notices) say(run, notice)
      if (outcome.proof !== null) {
        report(run, set, given.kind, migration, outcome.proof, false)
        given.keep(migration, outcome.proof)
        continue
      }
      run.stopped = true
      const proof: Proof = { verdict: 'broken', detail: 'it cannot be applied', differences: [], error: outcome.error }
      report(run, set, given.kind, migration, proof, false)
      const left = pending.length - at - 1
      if (left > 0) {
        const message = `${left} ${left === 1 ? 'migration' : 'migrations'} after ${migration.id} could not be proved.`
        say(run, { rule: 'not-proved', migration: migration.id, message })
      }
      return
    }
  } catch (error) {
    throw describeScratch(error, scratch.server)
  } finally {
    await (place as ProofPlace | null)?.close()
  }
}

export async function applyAll(run: ProofRun, set: FleetSet, target: Target, to: Migration | null): Promise<void> {
  if (to === null) return
  const { error } = await migrateOne(run.fleet, set, target, { direction: 'up', to }, run.signal)
  if (error === null) return
  throw new TenantryError(error.code, `On the scratch server: ${error.message}`, {
    hint: error.hint ?? undefined,
    context: error.context,
  })
}

export function report(
  run: ProofRun,
  set: FleetSet,
  topology: ScratchKind,
  { id }: Migration,
  proof: Proof,
  cached: boolean,
): void {
  run.migrations.push({ set: set.config.name, migration: id, topology, ...proof, cached })
}

export function describeScratch(error: unknown, server: string): unknown {
  if (!(error instanceof DatabaseError)) return error
  const { failure } = error
  const code = failure.kind === 'unreachable' ? 'SERVER_UNREACHABLE' : 'REFERENCE_FAILED'
  return new TenantryError(code, `The scratch server "${server}" refused: ${failure.message}.`, {
    hint: 'Its role must be allowed to create databases.',
    context: { server, failure: failure.kind, ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }) },
  })
}
