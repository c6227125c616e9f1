import type { Connection, ProbeVerdict } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { ScriptStatement } from '../model/script.ts'
import { schemaOf, type TargetWork } from './work.ts'

/**
 * Asks the catalog whether an interrupted statement landed; false: it did. Clears away what is left of it.
 * Throws MIGRATION_INTERRUPTED where that cannot be told, TARGET_LOCKED where it still runs, `DatabaseError`.
 * @param stopIfEnded throws when the run was cancelled meanwhile
 * @param refused the server is known to have refused it: only what it left behind is looked for
 */
export async function mustRun(
  work: TargetWork,
  connection: Connection,
  migration: string,
  statement: ScriptStatement,
  stopIfEnded: () => void,
  refused = false,
): Promise<boolean> {
  const { target, set } = work
  const { verdict, cleanup, reason } = await probe(work, connection, migration, statement, stopIfEnded)
  for (const sql of cleanup) await connection.query(sql)
  if (refused) return verdict !== 'landed' || cleanup.length === 0
  if (verdict === 'landed') return false
  if (verdict === 'unknown') {
    const { line, column } = statement.locate(schemaOf(work))
    throw new TenantryError(
      'MIGRATION_INTERRUPTED',
      `Migration ${migration} was interrupted in ${target.name} at statement ${statement.index} (${statement.kind}, line ${line}), and it cannot be told whether that statement was carried out: ${reason}.`,
      {
        hint: `Look at the database, then either \`tenantry baseline --migration ${migration} ${target.name}\` (everything is there), or undo by hand what is there and take its row out of tenantry_ledger.`,
        context: {
          target: target.name,
          set,
          migration,
          statement: statement.index,
          line,
          column,
        },
      },
    )
  }
  return true
}

/** A statement that the server still carries out is waited for, as another run of ours would be. */
async function probe(
  work: TargetWork,
  connection: Connection,
  migration: string,
  statement: ScriptStatement,
  stopIfEnded: () => void,
): Promise<ProbeVerdict> {
  const { dialect, settings, emit, set, target } = work
  const until = Date.now() + settings.targetLockWaitMs
  for (let attempt = 1; ; attempt++) {
    stopIfEnded()
    const found = await dialect.probe(connection, statement, schemaOf(work))
    if (found.runningIn === undefined) return found
    if (Date.now() > until) {
      throw new TenantryError(
        'TARGET_LOCKED',
        `Migration ${migration} was interrupted in ${target.name}, and the server is still carrying out statement ${statement.index} (${statement.kind}) in session ${found.runningIn}.`,
        {
          hint: 'Wait until it is done (or end that session), then run `tenantry up` again: it goes on from there.',
          context: { target: target.name, set, migration, statement: statement.index },
        },
      )
    }
    emit({
      type: 'target-waiting',
      set,
      target: target.name,
      reason: 'target-lock',
      attempt,
      delayMs: 0,
      blockers: [],
    })
  }
}
