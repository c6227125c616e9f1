import type { VerifyFinding } from '../model/check-report.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { FleetSet } from '../rollout/fleet.ts'

/** What one target's history and one set's files disagree about, and the required tables that are missing. Pure. */
export function findInHistory({ notices }: Pick<FleetSet, 'notices'>, plan: TargetPlan): VerifyFinding[] {
  const { standing, missingTables, target } = plan
  const name = target.tenants[0]?.slug ?? target.name
  return [
    ...missingTables.map((table) =>
      found(
        'missing-table',
        table,
        `Required table ${table} is missing.`,
        '`tenantry backfill --dry-run` shows what makes it.',
      ),
    ),
    ...standing.halfDone.map(({ migration, direction, statementsDone, statementsTotal, source }) =>
      found(
        'half-applied',
        migration,
        source === 'native'
          ? `${migration} is recorded as failed by the tool itself.`
          : `${direction === 'up' ? migration : `The undo of ${migration}`} stopped after statement ${statementsDone}${statementsTotal > statementsDone ? ` of ${statementsTotal}` : ''}.`,
        `\`tenantry explain ${name}\` says how it is settled.`,
      ),
    ),
    ...standing.changed.map(({ id }) =>
      found(
        'changed',
        id,
        `${id} was changed after it had been applied.`,
        'Put the file back as it was, and the change into a new migration.',
      ),
    ),
    ...standing.missing.map((key) =>
      found(
        'missing-file',
        key,
        `${key} is applied, and there is no such file.`,
        'Bring the file back, or mark its new name with `tenantry baseline --rename`.',
      ),
    ),
    ...standing.renamed.map(({ from, to }) =>
      found(
        'missing-file',
        from,
        `${from} is applied, and its file is called ${to} now.`,
        `\`tenantry baseline --rename ${from} ${to}\` records the new name.`,
      ),
    ),
    ...standing.outOfOrder.map(({ id }) =>
      found(
        'out-of-order',
        id,
        `${id} is pending, and newer migrations are applied.`,
        '`tenantry up` applies it; `tenantry plan` shows what it would do.',
      ),
    ),
    ...notices
      .filter(({ rule }) => rule === 'numbering-gap')
      .map(({ message, hint }): VerifyFinding => {
        const numbers = /number (.*?)\.?$/.exec(message)?.[1] ?? ''
        return { rule: 'numbering-gap', severity: 'warning', object: numbers, message, hint: hint ?? null }
      }),
  ]
}

function found(rule: VerifyFinding['rule'], object: string, message: string, hint: string): VerifyFinding {
  return { rule, severity: 'error', object, message, hint }
}
