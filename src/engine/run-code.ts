import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CodeFault, type CodeFaultKind, type CodeRequest, type CodeSession, type HeldStatement } from '../model/code.ts'
import { type Connection, DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import { type ErrorCode, isTenantryError, TenantryError } from '../model/errors.ts'
import { guardCode } from './code-guard.ts'
import type { Supervision } from './supervise.ts'
import { otherFailure } from './target-lock.ts'
import { type CompiledStep, type StepFailure, schemaOf, type TargetWork } from './work.ts'

/** What became of the code of one step. */
export type CodeOutcome =
  | { ok: true; held: readonly HeldStatement[]; done: number; prefix: string }
  | {
      ok: false
      failure: StepFailure
      done: number
      prefix: string
      /** What was under way, if anything, was not carried out. */
      refused: boolean
      /** First words of the statement that the server refused. */
      kind: string | null
    }

/** How long code may go on after its limit, once the server has cancelled what it was doing. */
const graceMs = 1000

/**
 * Runs the code of one step over our connection. Never throws for what the code does: a failure is told as one of the
 * step. The caller opens and ends the transaction. Code that does not come back after its limit is left behind: its
 * session refuses whatever it still sends.
 */
export async function runCode(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  supervision: Supervision,
  request: Pick<CodeRequest, 'transaction' | 'resume' | 'progress' | 'lockTimeoutMs'>,
): Promise<CodeOutcome> {
  const { code } = step.script
  if (code === undefined) throw new TenantryError('INTERNAL', `${step.migration.id} is not code.`)
  const session = connection.openCode({
    schema: schemaOf(work),
    sharedSchema: work.settings.sharedSchema,
    preview: false,
    ...request,
  })
  const context = { session, direction: step.direction, target: work.target.name, signal: supervision.ended }
  try {
    const held = await guardCode(
      () =>
        untilEnded(async () => {
          await code.run(context)
          return session.finish()
        }, supervision.ended),
      (error) => sayStray(work, step, error),
    )
    return { ok: true, held, done: session.done, prefix: session.prefix }
  } catch (error) {
    const cause = await findFault(session, error)
    const refused = session.failureOf(cause)
    const failure = describe(work, step, session, cause)
    const left = supervision.timedOut || work.cancel.aborted
    // A cancelled statement was refused, too; code that was left behind may have had one under way.
    return {
      ok: false,
      failure,
      done: session.done,
      prefix: session.prefix,
      refused: refused !== null || !left,
      kind: refused?.kind ?? null,
    }
  } finally {
    session.close()
  }
}

/** Tools wrap what they are thrown: a fault of the code's own is told again at the end, as it is. */
async function findFault(session: CodeSession, error: unknown): Promise<unknown> {
  if (error instanceof CodeFault || error instanceof DatabaseError || session.failureOf(error) !== null) return error
  const told = await session.finish().then(
    () => null,
    (reason: unknown) => reason,
  )
  return told instanceof CodeFault && told.kind !== 'left-open' ? told : error
}

async function untilEnded<T>(run: () => Promise<T>, ended: AbortSignal): Promise<T> {
  const running = run()
  const over = new AbortController()
  const limit = new Promise<never>((_, reject) => {
    const end = () =>
      void sleep(graceMs, undefined, { signal: over.signal }).then(
        () => reject(new DatabaseError(leftBehind)),
        () => {},
      )
    if (ended.aborted) end()
    else ended.addEventListener('abort', end, { once: true, signal: over.signal })
  })
  try {
    return await Promise.race([running, limit])
  } finally {
    over.abort()
    running.catch(() => {})
  }
}

const leftBehind: DatabaseFailure = {
  kind: 'cancelled',
  message: 'its code did not come back after it was cancelled, and was left behind',
  detail: null,
  sqlstate: null,
  position: null,
}

/** Something that code started and nobody waited for. It cannot be undone, and must not end the runner. */
function sayStray(work: TargetWork, { migration, script }: CompiledStep, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  work.emit({
    type: 'notice',
    notice: {
      rule: 'stray-failure',
      message: `Something that migration ${migration.id} started and did not wait for failed in ${work.target.name}: ${message}`,
      hint: 'await every promise in the migration',
      migration: migration.id,
      file: script.file,
    },
  })
}

const faultCodes: Record<CodeFaultKind, ErrorCode> = {
  'left-open': 'LEFT_TRANSACTION',
  'rolled-back': 'LEFT_TRANSACTION',
  'ended-ours': 'LEFT_TRANSACTION',
  overlapping: 'LEFT_TRANSACTION',
  late: 'MIGRATION_FAILED',
  diverged: 'MIGRATION_INTERRUPTED',
  'own-connection': 'MIGRATION_UNSUPPORTED',
  exit: 'MIGRATION_FAILED',
}

const faultHints: Record<CodeFaultKind, string> = {
  'left-open': 'Commit or roll back every transaction that the migration begins, and await it.',
  'rolled-back': 'Throw an error instead of rolling back: a migration that did nothing must not count as applied.',
  'ended-ours':
    'Take COMMIT and ROLLBACK out of the migration: it runs in a transaction of ours. One that must commit by itself says so (`exports.config = { transaction: false }`; in a class of TypeORM `transaction = false`; with Kysely its config, `disableTransactions`).',
  overlapping: 'Await each transaction before the next one begins.',
  late: 'await every promise in the migration.',
  diverged:
    'Look at the database, then either mark the migration as applied with `tenantry baseline --migration`, or undo by hand what is there and take its row out of tenantry_ledger.',
  'own-connection':
    'Use what the migration is given (`knex`, `queryInterface`, `queryRunner`): it runs on the connection of its target.',
  exit: 'Throw an error instead of ending the process: other tenants are being migrated in it.',
}

function describe(work: TargetWork, step: CompiledStep, session: CodeSession, error: unknown): StepFailure {
  const place = findPlace(error, step.script.file)
  const refused = session.failureOf(error)
  if (refused !== null) {
    return { failure: refused.failure, step, statement: null, at: { statement: refused.statement, ...place } }
  }
  if (error instanceof DatabaseError) return { failure: error.failure, step, statement: null, at: place }
  const message = error instanceof Error ? error.message : String(error)
  const known = isTenantryError(error) ? error.toJSON() : thrownError(work, step, error, message, place)
  return { failure: otherFailure(message), step, statement: null, error: known }
}

function thrownError(
  work: TargetWork,
  { migration, script, direction }: CompiledStep,
  error: unknown,
  message: string,
  place: { line?: number; column?: number },
) {
  const fault = error instanceof CodeFault ? error.kind : null
  const { target, set } = work
  const where = place.line === undefined ? '' : ` at line ${place.line}, column ${place.column}`
  const tenant = target.tenants.length === 1 ? target.tenants[0]?.slug : undefined
  return new TenantryError(
    fault === null ? 'MIGRATION_FAILED' : faultCodes[fault],
    `Migration ${migration.id} failed in ${target.name}${where}: ${fault === null ? 'it threw: ' : ''}${message.replace(/\.$/, '')}.`,
    {
      hint: fault === null ? `Fix ${script.file} and run \`tenantry ${direction}\` again.` : faultHints[fault],
      context: {
        target: target.name,
        set,
        ...(tenant === undefined ? {} : { tenant }),
        migration: migration.id,
        file: script.file,
        ...place,
        ...(fault === null ? {} : { fault }),
      },
    },
  ).toJSON()
}

/** The line of the migration's own file in an error's stack. */
function findPlace(error: unknown, file: string): { line?: number; column?: number } {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const name = basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const match = new RegExp(`${name}(?:\\?[^:\\s]*)?:(\\d+):(\\d+)`).exec(stack)
  return match === null ? {} : { line: Number(match[1]), column: Number(match[2]) }
}
