import type { TargetResult } from '../../model/rollout.ts'
import { type FailureGroup, groupFailures } from '../../rollout/report.ts'
import { formatCount, indent, plural } from '../text.ts'
import type { PrintStyle } from './style.ts'

const mostGroups = 15

/** Failures, the same error once: what, in how many targets and which, where in the files, what to do. */
export function printFailures(results: Iterable<TargetResult>, style: PrintStyle): string[] {
  const groups = groupFailures(results)
  const shown = style.verbose ? groups : groups.slice(0, mostGroups)
  const lines = shown.flatMap((group) => printFailureGroup(group, style))
  if (shown.length < groups.length) {
    lines.push(
      style.colors.dim(`and ${formatCount(groups.length - shown.length)} more kinds of error (--verbose shows them)`),
    )
  }
  return lines
}

function printFailureGroup(group: FailureGroup, { colors }: PrintStyle): string[] {
  const names = group.samples.map(({ target }) => target).join(', ')
  const more = group.count > group.samples.length ? ` and ${formatCount(group.count - group.samples.length)} more` : ''
  const count = group.count === 1 ? '' : `${plural(group.count, 'target')}: `
  const place = describePlace(group)
  return [
    `${colors.red('✖')} ${count}${names}${more}  ${colors.dim(group.code)}`,
    ...(place === '' ? [] : [`  at ${place}`]),
    ...indent(group.message, '  '),
    ...(group.hint === null ? [] : hintLines(group.hint)),
  ]
}

function hintLines(hint: string): string[] {
  const [first = '', ...rest] = hint.split('\n')
  return [`  hint: ${first}`, ...rest.map((line) => `        ${line}`)]
}

/** `migrations/0042_add_email.sql:12:5, statement 3 of 0042_add_email`. */
function describePlace({ file, line, column, statement, migration }: FailureGroup): string {
  const position = [file, line, column].filter((part) => part !== null).join(':')
  const what = statement === null ? (migration ?? '') : `statement ${statement}${migration ? ` of ${migration}` : ''}`
  return (file === null ? [what] : [position, what]).filter((part) => part !== '').join(', ')
}
