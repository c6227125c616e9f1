import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTablesSql, writeLedgerSql } from '../engine/history-sql.ts'
import { lockedFailure } from '../engine/target-lock.ts'
import { lockKeyOf } from '../engine/work.ts'
import {
  type Connection,
  DatabaseError,
  type DatabaseFailure,
  type Dialect,
  type TargetLock,
} from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import { type Creation, type Difference, ownSchema, type PictureScope, type SchemaPicture } from '../model/picture.ts'
import type { TargetPlan } from '../model/plan.ts'
import { engineSettings } from '../rollout/carry-out.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { fixedSchema } from '../rollout/history-place.ts'
import { chooseMissing, keyOf, tablesToLookInto, whatIsLeft } from './choose-missing.ts'
import { ownName } from './clone-target.ts'
import { goneError } from './fingerprints.ts'
import type { FleetTarget } from './fleet-targets.ts'
import type { ReferenceSource } from './reference-source.ts'
import type { TargetState } from './target-states.ts'

/** Name under which the ledger keeps what was made: no history table's, so that nothing takes it for a migration. */
export const backfillHistory = 'tenantry backfill'

/** What was done, or would be, in one target. */
export interface BackfillOutcome {
  made: string[]
  left: Difference[]
  statements: string[]
  error: ErrorDocument | null
}

/** One object with everything that makes it. */
interface Piece {
  key: string
  statements: string[]
}

/**
 * Makes in one target what its migrations make and it lacks: under its lock, in one transaction where DDL can be undone.
 * Looks again under the lock, so that nothing is made twice. What the server refuses is the outcome's error.
 *
 * @param rollout null: nothing is changed
 */
export async function backfillTarget(
  fleet: Fleet,
  { target, parts }: FleetTarget,
  state: TargetState,
  source: ReferenceSource,
  scope: PictureScope,
  rollout: string | null,
): Promise<BackfillOutcome> {
  const { server, database } = state.target.placement
  const dialect = fleet.pool.dialect(server)
  // Built before the lock is taken: that may take its time.
  const reference = await source.picture(state.recipe)
  const [first] = parts
  if (first === undefined) return { made: [], left: [], statements: [], error: null }
  const lease = await fleet.pool.lease(server, database)
  let lock: TargetLock | null = null
  try {
    const { connection } = lease
    if (rollout !== null) {
      lock = await takeLock(fleet, dialect, connection, lockKeyOf(target, first.plan.historySchema), {
        server,
        database,
      })
      await refuseMoved(fleet, dialect, connection, { target, parts })
    }
    const found = await findPieces(dialect, connection, state, source, reference, scope)
    if ('error' in found) return { made: [], left: [], statements: [], error: found.error }
    const { pieces, left } = found
    const outcome = {
      made: pieces.map(({ key }) => key),
      left,
      statements: pieces.flatMap(({ statements }) => statements),
      error: null,
    }
    if (rollout === null || pieces.length === 0) return outcome
    return await carryOutPieces(fleet, dialect, connection, first.plan, first.set.shape, { pieces, outcome, rollout })
  } finally {
    await lock?.release()
    // Bodies of functions are only made, not run; but settings of ours are in the session.
    if (lock !== null && !lease.connection.broken) await lease.connection.pipeline(dialect.phrases.reset)
    await lease.release()
  }
}

async function takeLock(
  fleet: Fleet,
  dialect: Dialect,
  connection: Connection,
  key: string,
  { server, database }: { server: string; database: string },
): Promise<TargetLock> {
  const until = Date.now() + fleet.config.targetLockWaitMs
  for (;;) {
    const lock = await dialect.lockTarget(connection, key, () => fleet.pool.another(server, database))
    if (lock !== null) return lock
    if (Date.now() >= until) throw new DatabaseError(lockedFailure)
    await sleep(250)
  }
}

/** What is missing was found out for the history as it was read. */
async function refuseMoved(fleet: Fleet, dialect: Dialect, connection: Connection, { target, parts }: FleetTarget) {
  for (const { set, plan } of parts) {
    const reading = await dialect.readHistories(connection, {
      shape: set.shape,
      table: set.table,
      schema: fixedSchema(set.historySchema, target.placement),
      targets: [target.placement.schema ?? null],
      ledger: true,
      requiredTables: [],
      lockTimeoutMs: fleet.config.lockTimeoutMs,
    })
    const failure = reading.failures.get(0)
    if (failure !== undefined) throw new DatabaseError(failure)
    const now = reading.snapshots[reading.of[0] ?? -1]
    const keys = (entries: typeof plan.standing.snapshot.entries = []) =>
      JSON.stringify(entries.map((entry) => [entry.key, entry.state]))
    if (keys(now?.entries) === keys(plan.standing.snapshot.entries)) continue
    throw new TenantryError('BACKFILL_FAILED', `The history of ${target.name} changed while it was looked at.`, {
      hint: 'Nothing was made. Run the same command again.',
      context: { target: target.name, set: set.config.name },
    })
  }
}

async function findPieces(
  dialect: Dialect,
  connection: Connection,
  state: TargetState,
  source: ReferenceSource,
  reference: SchemaPicture,
  scope: PictureScope,
): Promise<{ pieces: Piece[]; left: Difference[] } | { error: ErrorDocument }> {
  const { target, recipe } = state
  const { schema = null } = target.placement
  const seen = await dialect.pictures.describe(connection, schema, scope)
  if (seen === null) return { error: goneError(target) }
  const own = await ownName(dialect, connection, target)
  const hasRows = new Set<string>()
  for (const table of tablesToLookInto(reference, seen)) {
    const name = [own, table].map(dialect.quoteIdentifier).join('.')
    // A table that cannot be read may well have rows.
    const rows = await connection.query(`SELECT 1 FROM ${name} LIMIT 1`).catch((error: unknown) => {
      if (connection.broken) throw error
      return [{}]
    })
    if (rows.length > 0) hasRows.add(table)
  }
  const { make, reasons } = chooseMissing(reference, seen, hasRows)
  const creations = make.length === 0 ? [] : await source.creations(recipe, make)
  const given = new Set(creations.map(keyOf))
  const comes = make.filter((one) => given.has(keyOf(one)) || (one.of !== null && given.has(`table ${one.of}`)))
  for (const one of make)
    if (!comes.includes(one)) reasons.set(keyOf(one), 'it can only be made by changing what is there')
  return {
    pieces: joinPieces(creations, dialect.quoteIdentifier(own)),
    left: whatIsLeft(reference, seen, comes, reasons),
  }
}

/** Some objects are made in two steps: they are recorded with the last. */
function joinPieces(creations: readonly Creation[], own: string): Piece[] {
  const last = new Map(creations.map((creation, i) => [keyOf(creation), i]))
  const pieces: Piece[] = []
  let before: string[] = []
  for (const [i, creation] of creations.entries()) {
    const key = keyOf(creation)
    const statements = [...before, ...creation.statements.map((text) => text.replaceAll(ownSchema, own))]
    before = last.get(key) === i ? [] : statements
    if (before.length === 0) pieces.push({ key, statements })
  }
  return pieces
}

/** Longest that the ledger takes for a migration. */
const longestKey = 255

async function carryOutPieces(
  fleet: Fleet,
  dialect: Dialect,
  connection: Connection,
  plan: TargetPlan,
  shape: Parameters<typeof createTablesSql>[1]['shape'],
  { pieces, outcome, rollout }: { pieces: readonly Piece[]; outcome: BackfillOutcome; rollout: string },
): Promise<BackfillOutcome> {
  const { phrases, features } = dialect
  const settings = { ...engineSettings(fleet), schema: plan.target.placement.schema ?? null, session: [] }
  const place = { shape, schema: plan.historySchema, table: backfillHistory }
  const { snapshot } = plan.standing
  // The history table itself is there, or not ours to make: nothing is applied then.
  const ledger = createTablesSql(dialect, place, { ...snapshot, columns: [] })
  const token = randomBytes(9).toString('base64url')
  const steps: { sql: string; piece: Piece | null; last: boolean }[] = []
  const add = (list: readonly string[], piece: Piece | null = null, last = false) =>
    void steps.push(...list.map((sql, i) => ({ sql, piece, last: last && i === list.length - 1 })))
  add(phrases.begin(settings, { lockKey: null, token }, connection.version))
  add(ledger)
  for (const piece of pieces) {
    add(piece.statements, piece)
    add(recordSql(dialect, place, piece, rollout, engineSettings(fleet).appliedBy), piece, true)
  }
  add([phrases.commit])
  const { done, failure } = await connection.pipeline(steps.map(({ sql }) => sql))
  if (failure === null) return outcome
  const made = features.transactionalDdl
    ? []
    : steps.slice(0, done).flatMap(({ piece, last }) => (piece !== null && last ? [piece] : []))
  return {
    ...outcome,
    made: made.map(({ key }) => key),
    statements: made.flatMap(({ statements }) => statements),
    error: failedPiece(plan, failure, steps[done]?.piece?.key ?? null, made.length),
  }
}

function recordSql(
  dialect: Dialect,
  place: Parameters<typeof writeLedgerSql>[1],
  { key, statements }: Piece,
  rollout: string,
  appliedBy: string,
): string[] {
  const checksum = createHash('sha256').update(statements.join(';\n')).digest('hex')
  const id =
    [...`backfill:${key}`].length <= longestKey
      ? `backfill:${key}`
      : `backfill:${[...key].slice(0, 220).join('')}#${checksum.slice(0, 16)}`
  const { length } = statements
  const record = {
    state: 'applied' as const,
    statementsDone: length,
    statementsTotal: length,
    prefix: '',
    rollout,
    appliedBy,
  }
  return writeLedgerSql(dialect, place, { id, checksum }, record, null, false)
}

function failedPiece(
  { target, set }: TargetPlan,
  failure: DatabaseFailure,
  key: string | null,
  made: number,
): ErrorDocument {
  const what = key === null ? 'What is missing' : `The ${key}`
  const rest = made === 0 ? 'Nothing was made there.' : `What was made before it (${made}) stays.`
  return new TenantryError(
    'BACKFILL_FAILED',
    `${what} could not be made in ${target.name}: ${failure.message.replace(/\.$/, '')}. ${rest}`,
    {
      hint: failure.sqlstate?.startsWith('23')
        ? 'The rows that are there do not fit it: mend them, then run `tenantry backfill` again.'
        : '`tenantry backfill --dry-run` shows its SQL; the others go on without this target.',
      context: {
        target: target.name,
        set,
        ...(key === null ? {} : { object: key }),
        failure: failure.kind,
        serverMessage: failure.message,
        ...(failure.detail === null ? {} : { detail: failure.detail }),
        ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }),
      },
    },
  ).toJSON()
}
