import type { FindingFleet, LintFinding } from '../../model/lint.ts'
import type { StepCost } from '../../model/statement-facts.ts'
import type { TableQuestion, TableSize } from '../../model/table-sizes.ts'
import type { Target } from '../../model/tenant.ts'
import { estimateMs } from './estimate.ts'
import { findRule } from './rule-table.ts'

const mostWorst = 5
const severities = ['error', 'warning', 'info'] as const

/** How long a finding's statement works on its table; null: it names none, or nobody waits for it. */
function workOf({ rule, table, cost, direction }: LintFinding): StepCost['work'] | null {
  if (table === null || direction === 'down') return null
  return cost?.work ?? findRule(rule)?.work ?? null
}

/** The table that a finding names; null: its size does not matter. */
export function tableOf(finding: LintFinding): TableQuestion | null {
  if (workOf(finding) === null || finding.table === null) return null
  const [schema = '', ...rest] = finding.table.split('.')
  return rest.length === 0 ? { schema: null, name: schema } : { schema, name: rest.join('.') }
}

export interface RankKnowledge {
  /** Targets that have not applied the finding's migration. */
  lacking(finding: LintFinding): readonly Target[]
  /** null: the target has no such table, or could not be asked. */
  sizeOf(target: Target, table: TableQuestion): TableSize | null
}

/** Says of each finding what it meets in real tenants, and sorts: what takes longest first. Pure. */
export function rankFindings(findings: readonly LintFinding[], knowledge: RankKnowledge): LintFinding[] {
  const ranked = findings.map((finding) => ({ ...finding, fleet: meet(finding, knowledge) }))
  const rank = ({ severity }: LintFinding) => severities.indexOf(severity)
  return ranked.sort((a, b) => (b.fleet?.totalMs ?? 0) - (a.fleet?.totalMs ?? 0) || rank(a) - rank(b))
}

function meet(finding: LintFinding, { lacking, sizeOf }: RankKnowledge): FindingFleet | null {
  const [work, table] = [workOf(finding), tableOf(finding)]
  if (work === null || table === null) return null
  const met = lacking(finding).flatMap((target) => {
    const size = sizeOf(target, table)
    if (size === null) return []
    const { rows, bytes, indexBytes } = size
    return [{ target: target.name, rows, bytes: bytes + indexBytes, estimateMs: estimateMs(work, size) }]
  })
  const worst = [...met].sort((a, b) => b.estimateMs - a.estimateMs || b.bytes - a.bytes || byName(a, b))
  const totalMs = met.reduce((sum, one) => sum + one.estimateMs, 0)
  return { targets: met.length, worst: worst.slice(0, mostWorst), totalMs }
}

const byName = (a: { target: string }, b: { target: string }) => (a.target < b.target ? -1 : 1)
