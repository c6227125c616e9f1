import type { BackfillReport, BackfillResult } from '../../model/check-report.ts'
import type { Difference } from '../../model/picture.ts'
import { formatCount, formatDuration, indent, listSome, plural } from '../text.ts'
import { printFailures } from './failures.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostGroups = 25
const mostNames = 3
const mostLeft = 12

/** Totals; what was made, the same once; with a dry run its SQL; what is left alone; what failed. */
export function printBackfill(report: BackfillReport, style: PrintStyle): string[] {
  const headline = printHeadline(report, style)
  const failures = printFailures(report.targets, style)
  if (style.quiet) return [headline, ...failures]
  return joinSections([
    [headline],
    printNotices(report.notices, style),
    report.dryRun ? printSql(report, style) : printMade(report, style),
    printLeft(report, style),
    failures,
    printNext(nextAfterBackfill(report, style), style),
  ])
}

function printHeadline({ dryRun, summary, targets, interrupted }: BackfillReport, { colors }: PrintStyle): string {
  const objects = targets.reduce((sum, { made }) => sum + made.length, 0)
  const mended = targets.filter(({ made }) => made.length > 0).length
  const what =
    objects === 0
      ? dryRun
        ? 'nothing would be made'
        : 'nothing was made'
      : `${plural(objects, 'object')} ${dryRun ? 'would be made' : 'made'} in ${plural(mended, 'target')}`
  const parts = [
    what,
    ...(summary.upToDate > 0 ? [`${formatCount(summary.upToDate)} with nothing to make`] : []),
    ...(summary.failed > 0 ? [`${formatCount(summary.failed)} failed`] : []),
    ...(summary.stopped > 0 ? [`${formatCount(summary.stopped)} not begun`] : []),
  ].join(' · ')
  const isGood = summary.failed === 0 && !interrupted
  return `${isGood ? colors.green(`✔ ${parts}`) : colors.red(`✖ ${parts}`)} ${colors.dim(`in ${formatDuration(summary.durationMs)}`)}`
}

/** Targets by what they have in common, the largest group first. */
function groupBy(targets: readonly BackfillResult[], keyOf: (one: BackfillResult) => readonly unknown[]) {
  const groups = new Map<string, BackfillResult[]>()
  for (const one of targets) {
    const parts = keyOf(one)
    if (parts.length === 0) continue
    const key = JSON.stringify(parts)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

function namesOf(group: readonly BackfillResult[], verbose: boolean): string {
  const names = group.map(({ target }) => target)
  const count = names.length === 1 ? '' : `${plural(names.length, 'target')}: `
  return `${count}${verbose ? names.join(', ') : listSome(names, mostNames)}`
}

function printMade({ targets }: BackfillReport, style: PrintStyle): string[] {
  const groups = groupBy(targets, ({ made }) => made)
  const shown = style.verbose ? groups : groups.slice(0, mostGroups)
  return [
    ...shown.flatMap((group) => [
      `${style.colors.green('+')} ${namesOf(group, style.verbose)}`,
      ...(group[0]?.made ?? []).map((one) => `    ${one}`),
    ]),
    ...rest(groups.length - shown.length, style),
  ]
}

/** Ready to be run: one script, with the target in a comment. */
function printSql({ targets }: BackfillReport, style: PrintStyle): string[] {
  const some = targets.filter(({ statements }) => statements.length > 0)
  const shown = style.verbose ? some : some.slice(0, mostGroups)
  return [
    ...shown.flatMap(({ target, statements }, i) => [
      ...(i === 0 ? [] : ['']),
      style.colors.dim(`-- ${target}`),
      ...statements.map((text) => `${text.trimEnd()};`),
    ]),
    ...rest(some.length - shown.length, style, 'targets'),
  ]
}

function printLeft({ targets }: BackfillReport, style: PrintStyle): string[] {
  const groups = groupBy(targets, ({ left }) => left)
  const shown = style.verbose ? groups : groups.slice(0, mostGroups)
  const lines = shown.flatMap((group) => {
    const left = group[0]?.left ?? []
    const some = style.verbose ? left : left.slice(0, mostLeft)
    return [
      `${style.colors.yellow('!')} ${namesOf(group, style.verbose)}`,
      ...some.flatMap((one) => indent(describeLeft(one), '    ')),
      ...(some.length < left.length
        ? [style.colors.dim(`    and ${formatCount(left.length - some.length)} more`)]
        : []),
    ]
  })
  return lines.length === 0
    ? []
    : [style.colors.bold('Different, and left as it is'), ...lines, ...rest(groups.length - shown.length, style)]
}

function describeLeft({ change, kind, object, detail }: Difference): string {
  return `${change} ${kind.replaceAll('-', ' ')} ${object}${detail === '' ? '' : `: ${detail}`}`
}

function rest(count: number, { colors }: PrintStyle, what = 'kinds'): string[] {
  return count === 0 ? [] : [colors.dim(`and ${formatCount(count)} more ${what} (--verbose shows them)`)]
}

function nextAfterBackfill({ dryRun, targets }: BackfillReport, style: PrintStyle): string[] {
  return [
    ...(dryRun && targets.some(({ made }) => made.length > 0) ? [`\`${style.shell} backfill\` makes it`] : []),
    ...(targets.some(({ left }) => left.length > 0)
      ? ['for what is left: a migration for all, a correction by hand, or `drift.ignore` in the config with a reason']
      : []),
  ]
}
