import { randomBytes } from 'node:crypto'
import { guardCode } from '../engine/code-guard.ts'
import { type Connection, DatabaseError } from '../model/dialect.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Script, ScriptStatement } from '../model/script.ts'
import { engineSettings } from './carry-out.ts'
import type { Fleet, FleetSet } from './fleet.ts'

/** Longest that code may take while it is only looked at. */
const mostPreviewMs = 30_000

/** What a migration would send, as far as that can be told. */
export interface Preview {
  statements: readonly ScriptStatement[]
  why: string | null
}

/**
 * The statements that a migration's `up` would send to this target, in order. Code is run on a session that carries out
 * reads only, in a transaction that is rolled back. `why`: it did not come to its end, and why; what it had sent until
 * then is there. Code that looks at what it has just made meets an older state, or a newer one.
 */
export async function previewStatements(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  connection: Connection,
): Promise<Preview> {
  const script = await fleet.book(set, plan.target).up(migration)
  if (script.mode !== 'code') return { statements: statementsOf(script), why: null }
  const [problem] = script.problems
  if (problem !== undefined) return { statements: [], why: problem.message }
  const { texts, why } = await runPreview(fleet, set, plan, script, connection)
  const { server, schema } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  // Query builders that write the default schema mean the target's own.
  const move = (text: string) =>
    schema === undefined ? text : text.replaceAll('"public".', `${dialect.quoteIdentifier(schema)}.`)
  const text = texts.map((one) => move(one.replace(/;\s*$/, ''))).join(';\n')
  const body = { kind: 'sql' as const, file: script.file, text }
  const pseudo: Migration = { ...migration, up: body, down: null }
  const book = dialect.compile([...set.migrations, pseudo], {
    schemaTargets: schema !== undefined && schema !== fleet.config.sharedSchema,
    targetsPerDatabase: set.targetsPerDatabase,
    sharedSchema: fleet.config.sharedSchema,
  })
  return { statements: statementsOf(await book.up(pseudo)), why }
}

function statementsOf({ segments }: Script): ScriptStatement[] {
  return segments.flatMap(({ statements }) => statements)
}

async function runPreview(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  { code, file }: Script,
  connection: Connection,
): Promise<{ texts: readonly string[]; why: string | null }> {
  const { server, schema = null } = plan.target.placement
  const { features, phrases } = fleet.pool.dialect(server)
  const settings = {
    ...engineSettings(fleet),
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
            await code?.run({ session, direction: 'up', target: plan.target.name, signal })
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
