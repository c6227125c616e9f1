import type { ProveOptions, ProveReport } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { majorOf, type Proof, ProofCache, proofKeys } from './proof-cache.ts'
import { applyAll, describeScratch, type ProofRun, proveAll, report, say } from './proof-run.ts'
import { proveLike } from './prove-like.ts'
import { kindOf } from './recipe.ts'
import { type ScratchKind, ScratchServer } from './scratch.ts'

/** Targets that are made in the same way: the same sets, in schemas or in databases. */
interface Group {
  dialect: string
  kind: ScratchKind
  /** In the order they run. */
  sets: readonly FleetSet[]
  /** Sets of the database around a schema. */
  around: readonly FleetSet[]
}

/**
 * Proves every migration of the selected sets on the scratch server, for each kind of target that the fleet has. No
 * tenant's database is written to; without `like` none is connected to but for its history's kind.
 */
export async function proveFleet(fleet: Fleet, stateDir: string, options: ProveOptions): Promise<ProveReport> {
  const startedAt = performance.now()
  const run: ProofRun = { fleet, signal: options.signal, migrations: [], notices: [], stopped: false }
  if (options.like !== undefined) await proveLike(run, options.like, options)
  else {
    const { sets } = await fleet.view(options.selectors ?? {}, { whole: false })
    run.notices.push(...sets.flatMap(({ notices }) => notices))
    const cache = new ProofCache(stateDir)
    const proved = new Set<string>()
    for (const group of groupTargets(fleet, sets)) await proveGroup(run, group, cache, proved, options.fresh === true)
    if (proved.size === 0) say(run, nothingToProve)
  }
  return {
    command: 'prove',
    ok: !run.stopped && run.migrations.every(({ verdict }) => verdict !== 'broken'),
    migrations: run.migrations,
    notices: run.notices,
    durationMs: Math.round(performance.now() - startedAt),
  }
}

const nothingToProve: Notice = {
  rule: 'no-targets',
  message: 'No set of migrations has a target, so nothing was proved.',
}

/** The more sets a group has, the earlier: what is proved on top of others counts for those that stand alone. */
function groupTargets(fleet: Fleet, sets: readonly FleetSet[]): Group[] {
  const setsOf = new Map<string, { target: Target; sets: FleetSet[] }>()
  for (const set of sets) {
    for (const target of set.targets) {
      const known = setsOf.get(target.name)
      if (known === undefined) setsOf.set(target.name, { target, sets: [set] })
      else known.sets.push(set)
    }
  }
  const groups = new Map<string, Group>()
  for (const { target, sets: own } of setsOf.values()) {
    const kind = kindOf(target, fleet.config.sharedSchema)
    const { server, database } = target.placement
    const dialect = fleet.pool.dialect(server).name
    const around = kind === 'schema' ? sets.filter((set) => set.wholeDatabases.has(`${server}\0${database}`)) : []
    const key = JSON.stringify([dialect, kind, own.map(nameOf), around.map(nameOf)])
    if (!groups.has(key)) groups.set(key, { dialect, kind, sets: own, around })
  }
  return [...groups.values()].sort((a, b) => b.sets.length + b.around.length - a.sets.length - a.around.length)
}

const nameOf = ({ config }: FleetSet) => config.name

async function proveGroup(run: ProofRun, group: Group, cache: ProofCache, proved: Set<string>, fresh: boolean) {
  const { fleet } = run
  const keyOf = (set: FleetSet) => JSON.stringify([set.config.name, group.dialect, group.kind])
  const due = group.sets.filter((set) => !proved.has(keyOf(set)))
  if (due.length === 0) return
  const scratch = new ScratchServer(fleet, group.dialect)
  try {
    const major = majorOf(await askVersion(fleet, scratch.server))
    for (const set of due) {
      proved.add(keyOf(set))
      const { sharedSchema, provision } = fleet.config
      const about = { dialect: group.dialect, kind: group.kind, sharedSchema, extensions: provision.extensions }
      const keys = proofKeys(set, about)
      const known = (migration: Migration) => (fresh ? null : cache.find(keys.get(migration) ?? '', major))
      const first = set.migrations.findIndex((migration) => known(migration) === null)
      const count = first === -1 ? set.migrations.length : first
      for (const migration of set.migrations.slice(0, count))
        report(run, set, group.kind, migration, known(migration) as Proof, true)
      if (first === -1) continue
      const keep = (migration: Migration, proof: Proof) => cache.add(keys.get(migration) ?? '', major, proof)
      try {
        await proveSet(run, group, set, first, scratch, keep)
      } finally {
        store(run, cache)
      }
    }
  } finally {
    await scratch.close().catch(() => {})
  }
}

async function proveSet(
  run: ProofRun,
  group: Group,
  set: FleetSet,
  first: number,
  scratch: ScratchServer,
  keep: (migration: Migration, proof: Proof) => void,
): Promise<void> {
  const build = (before: Migration) => buildPlace(run, group, set, before, scratch)
  const pending = set.migrations.slice(first)
  await proveAll(run, { set, kind: group.kind, pending, build, keepRows: false, keep, scratch })
}

/** A new place with everything in it that comes before a migration. */
async function buildPlace(
  run: ProofRun,
  group: Group,
  set: FleetSet,
  before: Migration,
  scratch: ScratchServer,
): Promise<Target> {
  const { fleet } = run
  const place = await scratch.make(group.kind)
  const { server, database } = place.placement
  const whole: Target = { ...place, name: `${server}/${database}`, placement: { server, database } }
  for (const one of group.around) await applyAll(run, one, whole, one.migrations.at(-1) ?? null)
  const earlier = group.sets.slice(0, group.sets.indexOf(set))
  for (const one of earlier) await applyAll(run, one, place, one.migrations.at(-1) ?? null)
  if (set.historySchema !== null && fleet.pool.dialect(server).features.schemas)
    await makeSchema(fleet, place, set.historySchema)
  const last = set.migrations[set.migrations.indexOf(before) - 1] ?? null
  await applyAll(run, set, place, last)
  return place
}

/** A history table may be kept in a schema that no migration makes. */
async function makeSchema({ pool }: Fleet, { placement: { server, database } }: Target, name: string): Promise<void> {
  const lease = await pool.lease(server, database)
  try {
    await pool.dialect(server).scratch.createSchema(lease.connection, name)
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.failure.kind !== 'already-exists') throw error
  } finally {
    await lease.release()
  }
}

/** A folder that cannot be written costs time at the next run, nothing else. */
function store(run: ProofRun, cache: ProofCache): void {
  try {
    cache.write()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    say(run, {
      rule: 'proofs-not-stored',
      message: `The proofs could not be kept: ${why}.`,
      hint: 'make the folder writable, or name another one with TENANTRY_STATE_DIR',
    })
  }
}

async function askVersion({ pool }: Fleet, server: string): Promise<number> {
  try {
    const home = await pool.another(server, pool.server(server).database ?? pool.dialect(server).scratch.home)
    await home.close()
    return home.version
  } catch (error) {
    throw describeScratch(error, server)
  }
}
