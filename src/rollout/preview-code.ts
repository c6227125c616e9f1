import { randomBytes } from 'node:crypto'
import { guardCode } from '../engine/code-guard.ts'
import { type Connection, DatabaseError } from '../model/dialect.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Script, ScriptStatement } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'

/** Longest that code may take while it is only looked at. */
const mostPreviewMs = 30_000

/** What a migration would send, as far as that can be told. */
export interface Preview {
  statements: readonly ScriptStatement[]
  why: string | null
}

/**
 * The statements that a migration would send to this target, in order. Code is run on a session that carries out
 * reads only, in a transaction that is rolled back. `why`: it did not come to its end, and why; what it had sent until
 * then is there. Code that looks at what it has just made meets an older state, or a newer one.
 */
export async function previewStatements(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  connection: Connection,
  direction: 'up' | 'down' = 'up',
): Promise<Preview> {
  const { script, why } = await lookAt(fleet, set, plan, migration, direction, connection)
  return { statements: script === null ? [] : statementsOf(script), why }
}

/**
 * The script of one direction of a migration; of code: what it would send to this target, compiled as if it were SQL.
 * `why`: what it would send cannot be told to its end. Throws `DatabaseError` where the connection is lost.
 */
export async function previewScript(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  direction: 'up' | 'down',
  connection: Connection,
): Promise<Script | { why: string }> {
  const { script, why } = await lookAt(fleet, set, plan, migration, direction, connection)
  return script === null || why !== null ? { why: why ?? 'it has no undo' } : script
}

async function lookAt(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  direction: 'up' | 'down',
  connection: Connection,
): Promise<{ script: Script | null; why: string | null }> {
  const book = fleet.book(set, plan.target)
  const script = await (direction === 'up' ? book.up(migration) : book.down(migration))
  if (script?.mode !== 'code') return { script, why: null }
  const [problem] = script.problems
  if (problem !== undefined) return { script: null, why: problem.message }
  const { texts, why } = await runPreview(fleet, set, plan, script, direction, connection)
  return { script: await compileTexts(fleet, set, plan, migration, script, texts), why }
}

/** What code sent, as a script of SQL. */
async function compileTexts(
  fleet: Fleet,
  set: FleetSet,
  { target }: TargetPlan,
  migration: Migration,
  { file, direction }: Script,
  texts: readonly string[],
): Promise<Script> {
  const { server, schema, database } = target.placement
  const dialect = fleet.pool.dialect(server)
  // Query builders that write the default schema mean the target's own.
  const move = (text: string) =>
    schema === undefined ? text : text.replaceAll('"public".', `${dialect.quoteIdentifier(schema)}.`)
  const text = texts.map((one) => move(one.replace(/;\s*$/, ''))).join(';\n')
  const pseudo: Migration = { ...migration, up: { kind: 'sql', file, text }, down: null }
  const book = dialect.compile([...set.migrations, pseudo], {
    schemaTargets: schema !== undefined && schema !== fleet.config.sharedSchema,
    targetsPerDatabase: set.targetsPerDatabase,
    sharedSchema: fleet.config.sharedSchema,
  })
  const script = await book.up(pseudo)
  // Where a schema is the whole database, names are written with that one in front.
  const own = schema ?? (dialect.features.schemas ? null : database)
  const destructive = script.destructive.map((step) => (step.schema === own ? { ...step, schema: null } : step))
  return { ...script, direction, destructive }
}

function statementsOf({ segments }: Script): ScriptStatement[] {
  return segments.flatMap(({ statements }) => statements)
}

async function runPreview(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  { code, file }: Script,
  direction: 'up' | 'down',
  connection: Connection,
): Promise<{ texts: readonly string[]; why: string | null }> {
  const { server, schema = null } = plan.target.placement
  const { features, phrases } = fleet.pool.dialect(server)
  const settings = {
    lockTimeoutMs: fleet.config.lockTimeoutMs,
    idleInTransactionTimeoutMs: fleet.config.idleInTransactionTimeoutMs,
    sharedSchema: fleet.config.sharedSchema,
    statementTimeoutMs: mostPreviewMs,
    schema,
    session: set.config.session,
  }
  const mark = { lockKey: null, token: randomBytes(9).toString('base64url') }
  const { failure } = await connection.pipeline(phrases.begin(settings, mark, connection.version))
  if (failure !== null) throw new DatabaseError(failure)
  const session = connection.openCode({
    schema,
    sharedSchema: fleet.config.sharedSchema,
    transaction: features.transactionalDdl,
    resume: null,
    progress: null,
    preview: true,
  })
  const signal = AbortSignal.timeout(mostPreviewMs)
  try {
    await guardCode(
      () =>
        Promise.race([
          (async () => {
            await code?.run({ session, direction, target: plan.target.name, signal })
            await session.finish()
          })(),
          new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () =>
              reject(new Error(`${file} did not come back in ${mostPreviewMs} ms`)),
            ),
          ),
        ]),
      () => {},
    )
    return { texts: session.collected, why: null }
  } catch (error) {
    if (connection.broken && error instanceof DatabaseError) throw error
    // The server's own words: what a tool makes of them holds the statement, and with it values.
    const refused = session.failureOf(error)?.failure.message
    return { texts: session.collected, why: refused ?? (error instanceof Error ? error.message : String(error)) }
  } finally {
    session.close()
    if (!connection.broken) await connection.pipeline([phrases.rollback])
    if (!connection.broken) await connection.reset()
  }
}
