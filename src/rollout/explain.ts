import { wasRefused } from '../engine/ledger-prefix.ts'
import type { ErrorDocument } from '../model/errors.ts'
import type { LedgerEntry } from '../model/history.ts'
import type { HalfDone, TargetPlan } from '../model/plan.ts'
import type { ExplainReport } from '../model/report.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { findInTheWay, type InTheWay } from './in-the-way.ts'
import { describeNativeLock } from './look-native-lock.ts'
import { previewStatements } from './preview-code.ts'
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
  const half = plan.standing.halfDone.find(({ source }) => source === 'ledger')
  const probe = half === undefined ? null : await probeHalfDone(fleet, set, plan, half)
  const inTheWay = await lookForInTheWay(fleet, set, plan, half, last?.result.error ?? null, last === null)
  const failed = plan.standing.halfDone.find(({ logs }) => logs !== undefined)
  const stopped = half === undefined ? null : ledgerRow(plan, half.migration)?.rollout
  return {
    ...describeStatus(plan, fleet.config.requiredTables),
    pending: plan.standing.pending.map(({ id }) => id),
    error: plan.error,
    last:
      last === null
        ? null
        : { rollout: last.rollout, at: last.at, result: last.result.result, error: last.result.error },
    stoppedIn: stopped == null || stopped === '' || stopped === last?.rollout ? null : stopped,
    logs: failed?.logs === undefined ? null : { migration: failed.migration, text: failed.logs },
    nativeLock: await describeNativeLock(fleet, set, plan).catch(() => null),
    probe,
    inTheWay,
    next: nextCommands(plan, probe, inTheWay, last?.result.error?.code ?? null, last?.rollout ?? null, name),
  }
}

function ledgerRow({ standing }: TargetPlan, migration: string): LedgerEntry | undefined {
  return standing.snapshot.ledger.find((row) => row.migration === migration)
}

/** Asks the catalog about the statement that a half-done migration stopped at. */
async function probeHalfDone(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  half: HalfDone,
): Promise<Explained['probe']> {
  const migration = set.migrations.find(({ id }) => id === half.migration)
  const entry = ledgerRow(plan, half.migration)
  if (migration === undefined) return null
  const { server, database, schema } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    const { statements, why } = await previewStatements(fleet, set, plan, migration, lease.connection, half.direction)
    const isCode = (half.direction === 'up' ? migration.up : migration.down)?.kind === 'code'
    const statement = statements[half.statementsDone]
    const number = statement?.index ?? half.statementsDone + 1
    const place = { migration: migration.id, statement: number, kind: statement?.kind ?? 'statement' }
    // Code says beforehand that it is about to send one more; without that it had stopped by itself.
    if (isCode && half.statementsTotal <= half.statementsDone)
      return { ...place, verdict: 'absent', reason: 'it stopped by itself, with nothing under way' }
    if (statement === undefined)
      return why === null ? null : { ...place, verdict: 'unknown', reason: `what it would send cannot be told: ${why}` }
    const probe = fleet.pool.dialect(server).probe
    const { verdict, cleanup, reason } = await probe(lease.connection, statement, schema ?? null)
    if (entry === undefined || !wasRefused(entry) || cleanup.length > 0) return { ...place, verdict, reason }
    return { ...place, verdict: 'absent', reason: 'the server refused it when it was sent' }
  } finally {
    await lease.release()
  }
}

/**
 * What is there already and should not be: where the last run said so, where a half-done migration was refused, and
 * where nothing is known of any run.
 */
async function lookForInTheWay(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  half: HalfDone | undefined,
  lastError: ErrorDocument | null,
  nothingKnown: boolean,
): Promise<InTheWay | null> {
  const { standing } = plan
  const row = half === undefined ? undefined : ledgerRow(plan, half.migration)
  const stopped =
    row !== undefined && (wasRefused(row) || (row.statementsDone > 0 && row.statementsTotal <= row.statementsDone))
  const refused = half?.direction === 'up' && (stopped || lastError?.code === 'ALREADY_EXISTS')
  const fresh = half === undefined && (lastError?.code === 'ALREADY_EXISTS' || nothingKnown)
  const id = refused ? half?.migration : fresh ? (lastError?.context.migration ?? standing.pending[0]?.id) : undefined
  const migration = set.migrations.find((one) => one.id === id)
  if (migration === undefined || standing.applied.includes(migration)) return null
  const { server, database } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    const { statements } = await previewStatements(fleet, set, plan, migration, lease.connection)
    const at = half?.statementsDone ?? 0
    const asked = refused ? statements.slice(at, at + 1) : statements
    return await findInTheWay(fleet, plan, migration.id, asked, lease.connection)
  } finally {
    await lease.release()
  }
}

function nextCommands(
  { standing, error }: TargetPlan,
  probe: Explained['probe'],
  inTheWay: InTheWay | null,
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
      if (half.direction === 'up')
        next.push({
          command: `tenantry baseline --migration ${half.migration} ${name}`,
          why: 'if you see that everything it makes is there',
        })
      next.push({ command, why: 'asks the catalog again; it stops at the same place while that cannot be told' })
    } else if (inTheWay !== null) next.push(...pastWhatIsThere(inTheWay, command, name))
    else next.push({ command, why: whereItGoesOn(half) })
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
    if (inTheWay !== null) next.push(...pastWhatIsThere(inTheWay, `tenantry up ${name}`, name))
    else if (lastCode === 'ALREADY_EXISTS') {
      next.push({
        command: `tenantry baseline --migration ${pending.id} ${name}`,
        why: 'if what is there is what the migration makes',
      })
    }
    next.push({ command: `tenantry plan ${name} --verbose`, why: 'see what would run, and how' })
    if (inTheWay === null)
      next.push({ command: `tenantry up ${name}`, why: `apply ${standing.pending.length} pending` })
  }
  if (rollout !== null && lastCode !== null)
    next.push({ command: `tenantry rollout show ${rollout}`, why: 'see what the last rollout did elsewhere' })
  return next
}

function pastWhatIsThere({ migration, object, verdict }: InTheWay, again: string, name: string): Explained['next'] {
  const mark = { command: `tenantry baseline --migration ${migration} ${name}`, why: '' }
  if (verdict === 'equal') {
    return [
      { ...mark, why: `${object} equals what it makes: record it as applied, if all of it is there` },
      { command: again, why: `if the rest is not there: once ${object} is renamed or dropped` },
    ]
  }
  const differs = verdict === 'different' ? 'differs from what it makes' : 'is there, and may differ from what it makes'
  return [
    { command: again, why: `${object} ${differs}: once it is renamed or dropped` },
    { ...mark, why: 'only if what is there is what it should leave' },
  ]
}

/** How many statements code is going to send is not known beforehand: the ledger counts those that it did. */
function whereItGoesOn({ statementsDone, statementsTotal }: HalfDone): string {
  if (statementsTotal > statementsDone + 1 || statementsDone === 0)
    return `goes on at statement ${statementsDone + 1} of ${statementsTotal}`
  return `goes on after the ${statementsDone === 1 ? 'statement that is' : `${statementsDone} statements that are`} done`
}
