import { describeFailure } from '../engine/describe-failure.ts'
import { lockKeyOf } from '../engine/work.ts'
import { type Connection, DatabaseError, type Dialect } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import { type NativeLock, type NativeLockState, nativeLockTable } from '../model/history.ts'
import type { Notice } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { HeldLock, UnlockOptions, UnlockReport } from '../model/report.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { runBounded } from './schedule.ts'

type RowLock = Extract<NativeLock, { kind: 'row' }>
type Unlocked = UnlockReport['targets'][number]

/** A lock of the tool's own that is older than this was left behind: no migration run lasts so long unattended. */
const leftBehindMs = 24 * 3600 * 1000

interface Place {
  set: FleetSet
  plan: TargetPlan
  lock: RowLock
  table: string
}

/**
 * Frees the lock rows that a run left behind when it died. A live run of ours is told by its own lock of the target,
 * and left alone. A run of the tool itself cannot be told from a dead one: for those somebody has to say yes. Throws
 * CONFIRMATION_MISSING before anything is changed.
 */
export async function unlockFleet(fleet: Fleet, options: UnlockOptions): Promise<UnlockReport> {
  const { sets } = await fleet.view(options.selectors ?? {}, { whole: true })
  const notices: Notice[] = []
  const results: Unlocked[] = []
  const held: { place: Place; state: NativeLockState }[] = []
  for (const set of sets) {
    const { nativeLock } = set.shape
    if (nativeLock?.kind !== 'row') {
      notices.push(nothingToFree(set))
      continue
    }
    const { targets } = await fleet.plan(set, () => ({ steps: [], error: null }))
    const places = targets.map((plan) => ({
      set,
      plan,
      lock: nativeLock,
      table: nativeLockTable(plan.historyTable, nativeLock),
    }))
    await runBounded(
      places,
      ({ plan }) => plan.target.placement,
      fleet.limits,
      async (place) => {
        if (place.plan.error !== null && place.plan.historySchema === '') {
          results.push({ ...resultOf(place, 'failed', null), error: place.plan.error })
          return
        }
        const state = await attempt(fleet, place, (connection) => read(fleet, place, connection))
        if ('code' in state) results.push({ ...resultOf(place, 'failed', null), error: state })
        else if (state.held === 'free') results.push(resultOf(place, 'free', null))
        else held.push({ place, state })
      },
    )
  }
  await confirm(held, options)
  await runBounded(
    held,
    ({ place }) => place.plan.target.placement,
    fleet.limits,
    async ({ place, state }) => {
      const done = await attempt(fleet, place, (connection) => free(fleet, place, connection))
      const result =
        typeof done === 'string' ? resultOf(place, done, state) : { ...resultOf(place, 'failed', state), error: done }
      results.push(result)
    },
  )
  const order = new Map(
    sets.flatMap((set) => set.targets.map((target) => `${set.config.name}\0${target.name}`)).map((key, i) => [key, i]),
  )
  const place = ({ set, target }: Unlocked) => order.get(`${set}\0${target}`) ?? 0
  results.sort((a, b) => place(a) - place(b))
  return { command: 'unlock', ok: results.every(({ result }) => result !== 'failed'), notices, targets: results }
}

function nothingToFree({ config, shape, table }: FleetSet): Notice {
  const advisory = shape.nativeLock !== null && shape.nativeLock.kind !== 'row'
  return {
    rule: 'no-lock-row',
    message: advisory
      ? `Set ${config.name}: the lock of ${table}'s tool is an advisory lock of the database. It ends with the session that holds it, so there is nothing to free.`
      : `Set ${config.name}: the tool of ${table} keeps no lock, so there is nothing to free.`,
    hint: advisory
      ? '`tenantry explain <tenant>` names the session, where one holds it'
      : "tenantry's own lock of a target ends with its session; on a remote libSQL server it is a lease, which ends within a minute after it",
  }
}

/** Asks about all locks that a living run of the tool may hold. Throws CONFIRMATION_MISSING. */
async function confirm(
  held: readonly { place: Place; state: NativeLockState }[],
  { yes, confirm: ask }: UnlockOptions,
): Promise<void> {
  const doubtful = held.flatMap(({ place, state }): HeldLock[] => {
    const age = state.since === null ? 0 : Date.now() - Date.parse(state.since)
    return state.held === 'tool' && !(age > leftBehindMs)
      ? [{ target: place.plan.target.name, since: state.since }]
      : []
  })
  if (doubtful.length === 0 || yes === true || (await ask?.(doubtful)) === true) return
  const [first] = doubtful
  const others = doubtful.length > 1 ? ` and ${doubtful.length - 1} more` : ''
  throw new TenantryError(
    'CONFIRMATION_MISSING',
    `The lock of ${first?.target}${others} was taken by the tool itself, and a run of it that lives looks the same as one that died. Nothing was freed.`,
    {
      hint: 'Make sure that no migration of the tool is running anywhere, then add --yes.',
      context: { held: doubtful },
    },
  )
}

async function attempt<T>(
  fleet: Fleet,
  { plan }: Place,
  work: (connection: Connection) => Promise<T>,
): Promise<T | ErrorDocument> {
  const { server, database } = plan.target.placement
  try {
    const lease = await fleet.pool.lease(server, database)
    try {
      return await work(lease.connection)
    } finally {
      await lease.release()
    }
  } catch (error) {
    if (error instanceof DatabaseError) return describeFailure(error.failure, { target: plan.target, set: plan.set })
    throw error
  }
}

async function read(fleet: Fleet, place: Place, connection: Connection): Promise<NativeLockState> {
  const dialect = fleet.pool.dialect(place.plan.target.placement.server)
  const state = await dialect.readNativeLock(connection, place.plan.historySchema, place.table, place.lock)
  return state ?? { held: 'free', since: null }
}

/** Under our own lock of the target, so that no run of ours is at work there. */
async function free(fleet: Fleet, place: Place, connection: Connection): Promise<'freed' | 'free' | 'running'> {
  const { plan, lock, table } = place
  const { server, database } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  const own = await dialect.lockTarget(connection, lockKeyOf(plan.target, plan.historySchema), () =>
    fleet.pool.another(server, database),
  )
  if (own === null) return 'running'
  try {
    if ((await read(fleet, place, connection)).held === 'free') return 'free'
    await connection.query(freeSql(dialect, plan.historySchema, table, lock))
    return 'freed'
  } finally {
    await own.release()
  }
}

function freeSql({ quoteIdentifier }: Dialect, schema: string, table: string, { column }: RowLock): string {
  const flag = quoteIdentifier(column)
  return `UPDATE ${quoteIdentifier(schema)}.${quoteIdentifier(table)} SET ${flag} = 0 WHERE ${flag} <> 0`
}

function resultOf({ set, plan }: Place, result: Unlocked['result'], state: NativeLockState | null): Unlocked {
  const heldBy = state === null || state.held === 'free' ? null : state.held
  return { target: plan.target.name, set: set.config.name, result, heldBy, since: state?.since ?? null, error: null }
}
