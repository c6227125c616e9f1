import type { LintFinding } from '../../model/lint.ts'
import type { MigrationPhase } from '../../model/migration.ts'
import type { StatementFact, StatementFacts } from '../../model/statement-facts.ts'
import { readIgnores, type Waived, waive } from './ignores.ts'
import { type KnownSchema, learn } from './known-schema.ts'
import { keyOf, type LintedFile, type LintSettings, type Rule, show, type Verdict } from './rule.ts'
import { findRule, rules } from './rule-table.ts'

/** What is known from the migrations before, and grows from file to file. */
export interface LintState {
  known: KnownSchema
  phases: MigrationPhase[]
}

const isOwn = (name: string) => findRule(name) !== undefined || name.startsWith('squawk/')

function makeFinding(
  rule: Pick<Rule, 'id' | 'severity' | 'why' | 'instead'>,
  verdict: Verdict,
  file: LintedFile,
  statement: StatementFacts | null,
  fact: StatementFact | null,
): LintFinding {
  const at = verdict.at ?? fact?.at ?? statement ?? { line: 1, column: 1 }
  const cost = verdict.cost !== undefined ? verdict.cost : fact !== null && 'cost' in fact ? fact.cost : null
  const isLocked = cost !== null && cost.blocks !== 'nothing'
  const rewrite = verdict.rewrite !== undefined ? verdict.rewrite : fact?.rewrite
  return {
    rule: rule.id,
    severity: verdict.severity ?? rule.severity,
    file: file.file,
    line: at.line,
    column: at.column,
    message: verdict.message,
    why: rule.why,
    lock: isLocked ? cost.lock : null,
    rewrite: rewrite ?? rule.instead,
    migration: file.migration,
    set: file.set,
    direction: file.direction,
    statement: verdict.statement !== undefined ? verdict.statement : (statement?.index ?? null),
    excerpt: excerptOf(file, at.line, verdict, statement),
    table: fact !== null && 'table' in fact && fact.table != null ? show(fact.table) : null,
    cost: isLocked ? cost : null,
  }
}

/** The line as it is written; null: the finding is about the file as a whole. */
function excerptOf(
  { text }: LintedFile,
  line: number,
  verdict: Verdict,
  statement: StatementFacts | null,
): string | null {
  if (text === null || (statement === null && verdict.at === undefined)) return null
  return text.split('\n', line)[line - 1]?.replace(/\r$/, '') ?? null
}

/**
 * Applies every rule to one file, in the order of its statements, and takes in what an `up` makes. What the file waives
 * comes back apart. `more`: findings of another linter.
 */
export function judgeFile(
  file: LintedFile,
  state: LintState,
  settings: LintSettings,
  more: readonly LintFinding[] = [],
): Waived {
  const isUp = file.direction === 'up'
  const own = rules.filter((rule) => isUp || rule.both === true)
  const findings: LintFinding[] = [...more]
  const created = new Set<string>()
  const shared = { file, known: state.known, created, phases: state.phases, settings }
  for (const rule of own) {
    for (const verdict of rule.judgeFile?.(file, shared) ?? [])
      findings.push(makeFinding(rule, verdict, file, null, null))
  }
  for (const statement of file.facts.statements) {
    const context = { ...shared, statement }
    for (const fact of statement.facts) {
      for (const rule of own) {
        const verdict = rule.judgeFact?.(fact, context) ?? null
        if (verdict !== null) findings.push(makeFinding(rule, verdict, file, statement, fact))
      }
      if (fact.kind === 'create-table') created.add(keyOf(fact.table))
      if (fact.kind === 'create-view') created.add(keyOf(fact.view))
      if (fact.kind === 'rename-table' && created.has(keyOf(fact.table)))
        created.add(keyOf({ ...fact.table, name: fact.to }))
      if (isUp) learn(state.known, fact)
    }
  }
  if (isUp && file.phase !== null) state.phases.push(file.phase)
  const waived = waive(findings, readIgnores(file.facts.comments), isOwn)
  for (const { rule: id, message, ignore } of waived.problems) {
    const rule = findRule(id)
    if (rule === undefined) continue
    const at = { line: ignore.line, column: ignore.column }
    waived.kept.push(makeFinding(rule, { message, at, statement: ignore.statement }, file, null, null))
  }
  const inOrder = (a: LintFinding, b: LintFinding) => a.line - b.line || a.column - b.column
  return { ...waived, kept: waived.kept.sort(inOrder), ignored: waived.ignored.sort(inOrder) }
}
