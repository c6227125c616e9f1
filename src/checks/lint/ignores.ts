import type { LintFinding } from '../../model/lint.ts'
import type { FileComment } from '../../model/statement-facts.ts'

/** `-- tenantry:ignore <rule>[, <rule>] because <reason>` */
export interface Ignore {
  rules: readonly string[]
  reason: string | null
  line: number
  column: number
  /** Statement that it stands before or in; null: none follows. */
  statement: number | null
  isHeader: boolean
}

/** What is wrong with an ignore, for the rules about ignores. */
export interface IgnoreProblem {
  rule: 'ignore-without-reason' | 'ignore-unknown-rule' | 'ignore-unused'
  message: string
  ignore: Ignore
}

const directive = /^tenantry:ignore\b\s*(.*)$/i
const names = /^([a-z][\w/-]*(?:\s*,\s*[a-z][\w/-]*)*)\s*(.*)$/i
const because = /^because\b\s*(.*)$/i

export function readIgnores(comments: readonly FileComment[]): Ignore[] {
  return comments.flatMap(({ text, line, column, statement, isHeader }) => {
    const said = directive.exec(text)?.[1]
    if (said === undefined) return []
    const [, list = '', rest = ''] = names.exec(said) ?? []
    const reason = because.exec(rest)?.[1]?.trim() ?? ''
    // `because` alone is no rule.
    const rules = /^because$/i.test(list) ? [] : list.split(',').map((name) => name.trim())
    return [
      {
        rules: rules.filter((name) => name !== ''),
        reason: reason === '' ? null : reason,
        line,
        column,
        statement,
        isHeader,
      },
    ]
  })
}

/** Does it stand where this finding is? What is about the whole file is waived above its first statement. */
function reaches(ignore: Ignore, { statement }: LintFinding): boolean {
  if (ignore.isHeader) return true
  if (statement === null) return ignore.statement === null || ignore.statement === 1
  return ignore.statement === statement
}

export interface Waived {
  kept: LintFinding[]
  ignored: (LintFinding & { reason: string })[]
  problems: IgnoreProblem[]
}

/** Takes out what the file waives, and tells what is wrong with how it does. */
export function waive(
  findings: readonly LintFinding[],
  ignores: readonly Ignore[],
  isRule: (name: string) => boolean,
): Waived {
  const waived: Waived = { kept: [], ignored: [], problems: [] }
  const used = new Set<string>()
  for (const finding of findings) {
    const ignore = ignores.find((one) => one.rules.includes(finding.rule) && reaches(one, finding))
    if (ignore === undefined) {
      waived.kept.push(finding)
      continue
    }
    used.add(`${ignore.line}:${finding.rule}`)
    if (ignore.reason === null) waived.kept.push(finding)
    else waived.ignored.push({ ...finding, reason: ignore.reason })
  }
  for (const ignore of ignores) waived.problems.push(...judgeIgnore(ignore, used, isRule))
  return waived
}

function judgeIgnore(ignore: Ignore, used: ReadonlySet<string>, isRule: (name: string) => boolean): IgnoreProblem[] {
  if (ignore.rules.length === 0) {
    return [{ rule: 'ignore-unknown-rule', message: '`tenantry:ignore` names no rule', ignore }]
  }
  const problems: IgnoreProblem[] = []
  if (ignore.reason === null) {
    const message = `${ignore.rules.join(', ')} is waived without \`because …\``
    problems.push({ rule: 'ignore-without-reason', message, ignore })
  }
  for (const name of ignore.rules) {
    if (!isRule(name)) problems.push({ rule: 'ignore-unknown-rule', message: `there is no rule ${name}`, ignore })
    // It is found only where histories are read: the comment is right without them, too.
    else if (name !== 'changed-after-applied' && !used.has(`${ignore.line}:${name}`)) {
      const where = ignore.isHeader ? 'in this file' : 'in the statement below'
      problems.push({ rule: 'ignore-unused', message: `${name} finds nothing ${where}`, ignore })
    }
  }
  return problems
}
