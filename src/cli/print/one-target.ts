import type { TargetStatus } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { formatCount, listSome } from '../text.ts'
import { commandFor, joinSections, type PrintStyle, printNext } from './style.ts'
import { describeUnusual } from './unusual.ts'

/** Applied and pending lists, required tables, health. */
export function printOneTarget(
  result: TargetResult,
  status: TargetStatus | undefined,
  recent: number | null,
  style: PrintStyle,
): string[] {
  const { colors } = style
  const applied = status?.applied ?? []
  const shown = recent === null ? applied : applied.slice(-recent)
  const tables = (status?.requiredTables ?? []).map((table) =>
    status?.missingTables.includes(table) ? colors.red(`  ✖ ${table} is missing`) : `  ${colors.green('✔')} ${table}`,
  )
  const unverified = new Set(result.unverified)
  const facts = describeUnusual({ ...result, pending: [] }, status)
  const healthy = status?.healthy ?? false
  const others = result.tenants.length > 5 ? listSome(result.tenants, 5) : result.tenants.join(', ')
  return joinSections([
    [`${result.target} · set ${result.set} · ${result.tenants.length === 1 ? 'tenant' : 'tenants'} ${others}`],
    [
      `Applied: ${formatCount(applied.length)}${shown.length < applied.length ? `, the last ${formatCount(shown.length)}:` : ''}`,
      ...shown.map(
        (migration) =>
          `  ${colors.green('✔')} ${migration}${unverified.has(migration) ? colors.dim(' (unverified)') : ''}`,
      ),
    ],
    [`Pending: ${formatCount(result.pending.length)}`, ...result.pending.map((migration) => `  · ${migration}`)],
    tables.length > 0 ? ['Required tables', ...tables] : [],
    facts.length > 0 ? [colors.bold('Not normal'), ...facts.map((fact) => `  ${fact}`)] : [],
    [healthy ? colors.green('✔ healthy') : colors.red('✖ needs attention')],
    printNext(
      result.error !== null || facts.length > 0
        ? [`${commandFor(style, 'explain', result.tenants[0] ?? result.target)}: what happened, and what could follow`]
        : result.pending.length > 0
          ? [`${commandFor(style, 'up', result.tenants[0] ?? result.target)} applies what is pending`]
          : [],
      style,
    ),
  ])
}
