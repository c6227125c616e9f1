import { relative, resolve, sep } from 'node:path'
import type { LintFinding, LintReport } from '../../model/lint.ts'
import { describeFleet } from './lint-fleet.ts'

const commands = { error: 'error', warning: 'warning', info: 'notice' } as const

/** As GitHub's `toolkit/core` escapes them: a `%` first, since the others become one. */
const escapeData = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const escapeProperty = (text: string) => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** A path as GitHub shows it: from the top of the repository, with slashes. */
export function pathFrom(base: string, root: string, file: string): string {
  return relative(base, resolve(root, file)).split(sep).join('/')
}

/**
 * One workflow command for each finding, which GitHub Actions shows at its line. `workspace`: the checked out repository.
 */
export function printLintForGithub({ findings, root }: LintReport, workspace: string): string[] {
  return findings.map((finding) => printCommand(finding, pathFrom(workspace, root, finding.file)))
}

function printCommand(finding: LintFinding, file: string): string {
  const { severity, rule, line, column, message, why, lock, rewrite } = finding
  const properties = { file, line: String(line), col: String(column), title: rule }
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`)
  const text = [
    message,
    ...describeFleet(finding),
    ...(lock === null ? [] : [`lock: ${lock}`]),
    ...(why === null ? [] : [`why: ${why}`]),
    ...(rewrite === null ? [] : [`instead: ${rewrite}`]),
  ].join('\n')
  return `::${commands[severity]} ${list.join(',')}::${escapeData(text)}`
}
