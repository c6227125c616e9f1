import type { TransactionMark } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import { begunNote, writeBegunSql, writeLedgerSql } from './history-sql.ts'
import { prefixOf } from './ledger-prefix.ts'
import type { CompiledStep, TargetWork } from './work.ts'

/**
 * Records that the first `done` statements of a step are carried out, in our ledger and where the tool's own table marks
 * what has begun. `fresh`: the ledger was made in this very run.
 */
export function progressSql(
  work: TargetWork,
  standing: Standing,
  { migration, script, direction }: CompiledStep,
  done: number,
  mark: TransactionMark,
  fresh: boolean,
): string[] {
  const { dialect, place, rollout, settings } = work
  const record = {
    state: direction === 'up' ? ('running' as const) : ('undoing' as const),
    statementsDone: done,
    statementsTotal: script.statementCount,
    prefix: prefixOf(script, done),
    rollout,
    appliedBy: settings.appliedBy,
  }
  const rows = writeLedgerSql(dialect, place, migration, record, mark, fresh)
  const text = `${migration.id} (${direction}), ${done} of ${script.statementCount} statements`
  const begun = direction === 'up' ? writeBegunSql(dialect, place, standing, migration, begunNote(script, done)) : []
  return [...rows, ...begun, ...dialect.phrases.markHalfDone(place.schema, text)]
}
