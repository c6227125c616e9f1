import { wasRefused } from '../engine/ledger-prefix.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { ExplainReport } from '../model/report.ts'
import type { Script } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { describeNativeLock } from './look-native-lock.ts'
import { describeStatus } from './report-status.ts'
import type { RolloutStore } from './store.ts'

type Explained = ExplainReport['targets'][number]

/** What happened in a target, what the catalog says about it, and the commands that could follow. */
export async function explainTarget(
  fleet: Fleet,
  store: RolloutStore,
  set: FleetSet,
  plan: TargetPlan,
  name: string,
): Promise<Explained> {
  const last = store.lastOf(plan.target.name)
  const probe = await probeHalfDone(fleet, set, plan)
  const failed = plan.standing.halfDone.find(({ logs }) => logs !== undefined)
  return {
    ...describeStatus(plan, fleet.config.requiredTables),
    pending: plan.standing.pending.map(({ id }) => id),
    error: plan.error,
    last:
      last === null
        ? null
        : { rollout: last.rollout, at: last.at, result: last.result.result, error: plan.error ?? last.result.error },
    logs: failed?.logs === undefined ? null : { migration: failed.migration, text: failed.logs },
    nativeLock: await describeNativeLock(fleet, set, plan).catch(() => null),
    probe,
    next: nextCommands(plan, probe, last?.result.error?.code ?? null, last?.rollout ?? null, name),
  }
}

/** Asks the catalog about the statement that a half-done migration stopped at. */
async function probeHalfDone(fleet: Fleet, set: FleetSet, plan: TargetPlan): Promise<Explained['probe']> {
  const half = plan.standing.halfDone.find(({ source }) => source === 'ledger')
  const migration = set.migrations.find(({ id }) => id === half?.migration)
  if (half === undefined || migration === undefined) return null
  const script = await scriptOf(fleet, set, plan, migration, half.direction)
  const statement = script?.segments.flatMap(({ statements }) => statements)[half.statementsDone]
  if (statement === undefined) return null
  const entry = plan.standing.snapshot.ledger.find((row) => row.migration === migration.id)
  const refused = entry !== undefined && wasRefused(entry)
  const { server, database, schema } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    const { verdict, cleanup, reason } = await fleet.pool
      .dialect(server)
      .probe(lease.connection, statement, schema ?? null)
    const place = { migration: migration.id, statement: statement.index, kind: statement.kind }
    if (!refused || cleanup.length > 0) return { ...place, verdict, reason }
    return { ...place, verdict: 'absent', reason: 'the server refused it when it was sent' }
  } finally {
    await lease.release()
  }
}

function scriptOf(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  direction: 'up' | 'down',
): Promise<Script | null> {
  const book = fleet.book(set, plan.target)
  return direction === 'up' ? book.up(migration) : book.down(migration)
}

function nextCommands(
  { standing, error }: TargetPlan,
  probe: Explained['probe'],
  lastCode: string | null,
  rollout: string | null,
  name: string,
): Explained['next'] {
  const next: { command: string; why: string }[] = []
  const [half] = standing.halfDone
  if (half !== undefined) {
    const command = half.direction === 'up' ? `tenantry up ${name}` : `tenantry down ${half.migration} ${name}`
    if (half.source === 'native' || half.disputed === true) {
      next.push({
        command: `tenantry baseline --migration ${half.migration} ${name}`,
        why: 'if everything it makes is there: record it as applied',
      })
      next.push({
        command: `tenantry baseline --rolled-back ${half.migration} ${name}`,
        why: 'if nothing of it is there: it is pending again',
      })
    } else if (probe?.verdict === 'unknown') {
      next.push({
        command: `tenantry baseline --migration ${half.migration} ${name}`,
        why: 'if you see that everything it makes is there',
      })
      next.push({ command, why: 'asks the catalog again; it stops at the same place while that cannot be told' })
    } else next.push({ command, why: `goes on at statement ${half.statementsDone + 1} of ${half.statementsTotal}` })
  }
  const [changed] = standing.changed
  if (changed !== undefined) {
    next.push({
      command: `git log -p -- ${changed.up.file}`,
      why: 'see what was changed after it had been applied, and put it back',
    })
    next.push({ command: `tenantry up ${name} --allow-changed`, why: 'go on with the files as they are' })
  }
  const [renamed] = standing.renamed
  if (renamed !== undefined) {
    next.push({
      command: `tenantry baseline --rename ${renamed.from} ${renamed.to} ${name}`,
      why: 'record the new name of the same content',
    })
  }
  const [pending] = standing.pending
  if (pending !== undefined && half === undefined && error === null) {
    if (lastCode === 'ALREADY_EXISTS') {
      next.push({
        command: `tenantry baseline --migration ${pending.id} ${name}`,
        why: 'if what is there is what the migration makes',
      })
    }
    next.push({ command: `tenantry plan ${name} --verbose`, why: 'see what would run, and how' })
    next.push({ command: `tenantry up ${name}`, why: `apply ${standing.pending.length} pending` })
  }
  if (rollout !== null && lastCode !== null)
    next.push({ command: `tenantry rollout show ${rollout}`, why: 'see what the last rollout did elsewhere' })
  return next
}
