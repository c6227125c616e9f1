import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeFailure } from '../engine/describe-failure.ts'
import { needsLedger, readStanding } from '../engine/plan.ts'
import type { ConnectionPool } from '../engine/pool.ts'
import { refuseHistory } from '../engine/refuse-history.ts'
import { type Connection, DatabaseError, type DatabaseFailure, type HistoryReading } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { HistoryShape, HistorySnapshot } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { PlannedStep, Standing, TargetPlan } from '../model/plan.ts'
import type { Target } from '../model/tenant.ts'
import { fixedSchema } from './history-place.ts'
import { runBounded, type ScheduleLimits } from './schedule.ts'

/** What is asked of each target of a set. */
export interface FleetQuestion {
  set: string
  migrations: readonly Migration[]
  shape: HistoryShape
  table: string
  /** Schema of the history table in targets that are whole databases; null: among their other tables. */
  historySchema: string | null
  requiredTables: readonly string[]
  lockTimeoutMs: number
  /** Read the ledger of every target, not only where the history cannot tell without. Absent: false. */
  ledger?: boolean
  /** What is to be done where a history stands so. Asked once per distinct history. */
  decide: (standing: Standing) => { steps: readonly PlannedStep[]; error: ErrorDocument | null }
}

/** Most targets read over one connection before another one helps. */
const targetsPerReader = 2500
const mostReaders = 4

/** A server that could not be reached so often in a row is not tried again: a fleet must not wait for each time-out. */
const triesPerServer = 3

/** How often a read is begun again after its connection was lost. */
const readRetries = 2

const none: readonly string[] = Object.freeze([])

const nothing: HistorySnapshot = Object.freeze({ columns: null, entries: [], hasLedger: false, ledger: [] })

/** Servers that could not be reached, and how often in a row. Shared by all reads of a command. */
export type AwayServers = Map<string, { times: number; error: DatabaseError }>

/**
 * Plans every target of a set: one bulk read per database (several at once where a database has thousands of
 * targets), one decision per distinct history. A target whose server, database or schema cannot be read gets an
 * error; the others are planned all the same. In the order of `targets`.
 */
export async function readFleet(
  pool: ConnectionPool,
  targets: readonly Target[],
  question: FleetQuestion,
  limits: ScheduleLimits,
  away: AwayServers = new Map(),
): Promise<TargetPlan[]> {
  const plans = new Array<TargetPlan>(targets.length)
  const judge = judgeOnce(question)
  const reads = groupReads(targets)
  await runBounded(
    reads,
    ({ server, database }) => ({ server, database }),
    limits,
    async ({ server, database, indexes }) => {
      const own = indexes.map((i) => targets[i] as Target)
      try {
        const gone = away.get(server)
        if (gone !== undefined && gone.times >= triesPerServer) throw gone.error
        const read = await readAgain(async () => {
          const lease = await pool.lease(server, database)
          away.delete(server)
          try {
            return await readTargets(lease.connection, pool, own, question, judge)
          } finally {
            // A backend that has seen hundreds of schemas has grown; end it.
            await lease.release(own.length > 250)
          }
        })
        read.forEach((plan, at) => {
          plans[indexes[at] as number] = plan
        })
      } catch (error) {
        if (error instanceof DatabaseError && error.failure.kind === 'unreachable') {
          away.set(server, { times: (away.get(server)?.times ?? 0) + 1, error })
        }
        for (const i of indexes)
          plans[i] = failedPlan(targets[i] as Target, question, toDocument(error, targets[i] as Target, question.set))
      }
    },
  )
  return plans
}

/** Reading can be repeated: a session that is ended in the middle, or a pooler that restarts, is no reason to fail. */
async function readAgain<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      const lost = error instanceof DatabaseError && error.failure.kind === 'connection-lost'
      if (!lost || attempt > readRetries) throw error
      await sleep(200 * attempt)
    }
  }
}

function groupReads(targets: readonly Target[]): { server: string; database: string; indexes: number[] }[] {
  const groups = new Map<string, { server: string; database: string; indexes: number[] }>()
  targets.forEach(({ placement: { server, database } }, i) => {
    const key = `${server}\0${database}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { server, database, indexes: [i] })
    else group.indexes.push(i)
  })
  return [...groups.values()].flatMap((group) => {
    const parts = Math.min(mostReaders, Math.ceil(group.indexes.length / targetsPerReader))
    const size = Math.ceil(group.indexes.length / parts)
    return Array.from({ length: parts }, (_, part) => ({
      ...group,
      indexes: group.indexes.slice(part * size, (part + 1) * size),
    }))
  })
}

type Judge = (snapshot: HistorySnapshot) => {
  standing: Standing
  steps: readonly PlannedStep[]
  error: ErrorDocument | null
}

/** Verdicts of each decision: reads that ask for the same one, late ones too, share them. */
const judges = new WeakMap<FleetQuestion['decide'], Judge>()

/** Equal histories share one verdict, also across databases. */
function judgeOnce(question: FleetQuestion): Judge {
  const same = judges.get(question.decide)
  if (same !== undefined) return same
  const known = new Map<string, ReturnType<Judge>>()
  const judge: Judge = (snapshot) => {
    const key = createHash('sha256').update(JSON.stringify(snapshot)).digest('base64')
    let verdict = known.get(key)
    if (verdict === undefined) {
      const standing = readStanding(question.migrations, snapshot, question.shape)
      const decided = question.decide(standing)
      const ups = decided.steps.flatMap(({ migration, direction }) => (direction === 'up' ? [migration] : []))
      const refusal = refuseHistory(question.shape, question.table, standing, ups)
      verdict = refusal === null ? { standing, ...decided } : { standing, steps: [], error: refusal.toJSON() }
      known.set(key, verdict)
    }
    return verdict
  }
  judges.set(question.decide, judge)
  return judge
}

async function readTargets(
  connection: Connection,
  pool: ConnectionPool,
  targets: readonly Target[],
  question: FleetQuestion,
  judge: Judge,
): Promise<TargetPlan[]> {
  const reading = await ask(connection, pool, targets, question, question.ledger === true)
  const verdicts = reading.snapshots.map(judge)
  const again = targets.flatMap((_, i) =>
    question.ledger !== true &&
    reading.of[i] !== -1 &&
    needsLedger((verdicts[reading.of[i] as number] as ReturnType<Judge>).standing)
      ? [i]
      : [],
  )
  const second =
    again.length === 0
      ? null
      : await ask(
          connection,
          pool,
          again.map((i) => targets[i] as Target),
          question,
          true,
        )
  const secondVerdicts = second?.snapshots.map(judge)
  const placeAgain = new Map(again.map((i, at) => [i, at]))
  return targets.map((target, i) => {
    const failure = reading.failures.get(i) ?? second?.failures.get(placeAgain.get(i) ?? -1)
    if (failure !== undefined) return failedPlan(target, question, unreadable(failure, target, question.set))
    const at = placeAgain.get(i)
    const verdict = at === undefined ? verdicts[reading.of[i] as number] : secondVerdicts?.[second?.of[at] ?? -1]
    if (verdict === undefined) return failedPlan(target, question, schemaMissing(target, question.set))
    return {
      target,
      set: question.set,
      standing: verdict.standing,
      steps: verdict.steps,
      error: verdict.error,
      missingTables: reading.missingTables.get(i) ?? none,
      historySchema: target.placement.schema ?? question.historySchema ?? reading.defaultSchema,
      historyTable: question.table,
    }
  })
}

/** Whole databases and schemas of them may keep their histories in different places: then both are asked for. */
async function ask(
  connection: Connection,
  pool: ConnectionPool,
  targets: readonly Target[],
  question: FleetQuestion,
  ledger: boolean,
): Promise<HistoryReading> {
  const isWhole = ({ placement }: Target) => fixedSchema(question.historySchema, placement) !== null
  const whole = targets.filter(isWhole)
  if (whole.length === 0) return askOne(connection, pool, targets, { ...question, historySchema: null }, ledger)
  if (whole.length === targets.length) return askOne(connection, pool, targets, question, ledger)
  const others = targets.filter((target) => !isWhole(target))
  const first = await askOne(connection, pool, whole, question, ledger)
  const second = await askOne(connection, pool, others, { ...question, historySchema: null }, ledger)
  return joinReadings(targets.map(isWhole), first, second)
}

/** `isFirst`: for each target in turn, whether the first reading has it or the second one. */
function joinReadings(isFirst: readonly boolean[], first: HistoryReading, second: HistoryReading): HistoryReading {
  const of = new Int32Array(isFirst.length).fill(-1)
  const missingTables = new Map<number, readonly string[]>()
  const failures = new Map<number, DatabaseFailure>()
  let [firsts, seconds] = [0, 0]
  isFirst.forEach((own, i) => {
    const reading = own ? first : second
    const at = own ? firsts++ : seconds++
    const index = reading.of[at] ?? -1
    of[i] = index < 0 || own ? index : index + first.snapshots.length
    const [missing, failure] = [reading.missingTables.get(at), reading.failures.get(at)]
    if (missing !== undefined) missingTables.set(i, missing)
    if (failure !== undefined) failures.set(i, failure)
  })
  const snapshots = [...first.snapshots, ...second.snapshots]
  return { snapshots, of, missingTables, failures, defaultSchema: first.defaultSchema }
}

function askOne(
  connection: Connection,
  pool: ConnectionPool,
  targets: readonly Target[],
  question: FleetQuestion,
  ledger: boolean,
): Promise<HistoryReading> {
  return pool.dialect(connection.server.name).readHistories(connection, {
    shape: question.shape,
    table: question.table,
    schema: question.historySchema,
    targets: targets.map(({ placement }) => placement.schema ?? null),
    ledger,
    requiredTables: question.requiredTables,
    lockTimeoutMs: question.lockTimeoutMs,
  })
}

/** A plan for a target that is looked at only when its turn comes. */
export function unreadPlan(target: Target, question: FleetQuestion): TargetPlan {
  return { ...emptyPlan(target, question), unread: true }
}

function failedPlan(target: Target, question: FleetQuestion, error: ErrorDocument): TargetPlan {
  return { ...emptyPlan(target, question), error }
}

function emptyPlan(target: Target, question: FleetQuestion): TargetPlan {
  return {
    target,
    set: question.set,
    standing: emptyStanding,
    steps: [],
    error: null,
    missingTables: [],
    historySchema: '',
    historyTable: question.table,
  }
}

/** Stands for a history that could not be read. */
const emptyStanding: Standing = readStanding([], nothing, { finishedAt: null } as HistoryShape)

function toDocument(error: unknown, target: Target, set: string): ErrorDocument {
  if (error instanceof DatabaseError) return describeFailure(error.failure, { target, set })
  throw error
}

function unreadable(failure: DatabaseFailure, target: Target, set: string): ErrorDocument {
  const unusable =
    failure.sqlstate === '42703'
      ? 'HISTORY_UNUSABLE'
      : failure.kind === 'lock-timeout'
        ? 'LOCK_TIMEOUT'
        : 'HISTORY_UNUSABLE'
  return new TenantryError(unusable, `${target.name}: ${failure.message}.`, {
    hint:
      failure.kind === 'lock-timeout'
        ? 'Another session has locked the history table; end it or wait for it, then run again.'
        : 'Give the migration role rights on the history table, or name the right one with `migrations.history`.',
    context: { target: target.name, set, ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }) },
  }).toJSON()
}

function schemaMissing(target: Target, set: string): ErrorDocument {
  return new TenantryError('SCHEMA_MISSING', `The schema of ${target.name} does not exist.`, {
    hint: 'Create the schema, or take the tenant out of the list. tenantry never makes one by accident.',
    context: { target: target.name, set },
  }).toJSON()
}
