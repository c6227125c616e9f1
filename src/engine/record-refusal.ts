import type { Connection } from '../model/dialect.ts'
import { refuseNextSql } from './history-sql.ts'
import { refusedPrefixOf } from './ledger-prefix.ts'
import { type CompiledStep, markFor, type TargetWork, transactionSettings } from './work.ts'

/**
 * Notes that the server refused the statement after the first `done`, so that the next run does not take it for one
 * that was interrupted. Where this cannot be written the next run looks the statement up, as if it had been.
 * @param locks whether the transaction takes the target's lock by itself; false: it is held by another session
 */
export async function recordRefusal(
  work: TargetWork,
  connection: Connection,
  { migration, direction, script }: CompiledStep,
  done: number,
  locks = true,
): Promise<void> {
  const { dialect, place } = work
  const row = {
    state: direction === 'up' ? ('running' as const) : ('undoing' as const),
    statementsDone: done,
    prefix: refusedPrefixOf(script, done),
  }
  await connection.pipeline([
    ...dialect.phrases.begin(transactionSettings(work), markFor(work, locks), connection.version),
    refuseNextSql(dialect, place, migration.id, row),
    dialect.phrases.commit,
  ])
}
