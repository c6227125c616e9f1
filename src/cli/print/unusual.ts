import type { TargetStatus } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { formatCount, listSome } from '../text.ts'

/** Everything about a target that is not normal, in a few words each; empty: nothing. */
export function describeUnusual(result: TargetResult, status: TargetStatus | undefined): string[] {
  const named = (state: string, migrations: readonly string[]) =>
    migrations.length > 0 ? [`${formatCount(migrations.length)} ${state}: ${listSome(migrations, 3)}`] : []
  const halfDone = (status?.halfDone ?? []).map(({ migration, statementsDone, statementsTotal }) =>
    statementsTotal === 0
      ? `${migration} failed under the tool itself`
      : `${migration} stopped after statement ${statementsDone}${statementsTotal > statementsDone ? ` of ${statementsTotal}` : ''}`,
  )
  return [
    ...(result.error !== null
      ? [`${result.error.code}: ${(result.error.message.split('\n')[0] ?? '').replace(result.target, 'this target')}`]
      : []),
    ...(halfDone.length > 0 ? halfDone : named('failed', result.failed)),
    ...named('changed', result.changed),
    ...named('missing', result.missing),
    ...named('pending', result.pending),
    ...named('out-of-order', result.outOfOrder),
    ...(status?.renamed ?? []).map(({ from, to }) => `renamed: ${from} is now ${to}`),
    ...((status?.missingTables.length ?? 0) > 0
      ? [`required tables missing: ${listSome(status?.missingTables ?? [], 5)}`]
      : []),
  ]
}
