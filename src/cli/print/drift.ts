import type { DriftCluster, DriftReport } from '../../model/check-report.ts'
import type { Difference } from '../../model/picture.ts'
import { maskMessage } from '../../rollout/mask.ts'
import { formatCount, formatDuration, indent, listSome, plural } from '../text.ts'
import { commandFor, joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostClusters = 25
const mostDifferences = 12
const mostNames = 3

/** How many equal the reference, what the others have in common, then each kind of outlier with its differences. */
export function printDrift(report: DriftReport, style: PrintStyle): string[] {
  const outliers = report.clusters.filter(({ reference }) => !reference)
  const shown = style.verbose ? outliers : outliers.slice(0, mostClusters)
  const hidden = outliers.length - shown.length
  const more = hidden === 0 ? [] : [`and ${formatCount(hidden)} more kinds of difference (--verbose shows them)`]
  if (style.quiet) return [...printHeadlines(report, style), ...printFailures(report, style)]
  return joinSections([
    printHeadlines(report, style),
    printNotices(report.notices, style),
    ...shown.map((cluster) => printCluster(cluster, style)),
    more,
    printFailures(report, style),
    printNext(nextAfterDrift(report, outliers, style), style),
  ])
}

/** `1,961 of 1,970 targets equal the reference; 7 miss index orders_client_idx: …`, a line for each set. */
function printHeadlines({ clusters, failures, behind, durationMs }: DriftReport, { colors }: PrintStyle): string[] {
  const sets = [...new Set(clusters.map(({ set }) => set))]
  const lines = sets.map((set) => {
    const own = clusters.filter((cluster) => cluster.set === set)
    const total = own.reduce((sum, { targets }) => sum + targets, 0)
    const outliers = own.filter(({ reference }) => !reference)
    const equal = total - outliers.reduce((sum, { targets }) => sum + targets, 0)
    const which = sets.length > 1 ? `Set ${set}: ` : ''
    if (outliers.length === 0) {
      const all = total === 1 ? '1 target equals' : `all ${plural(total, 'target')} equal`
      return colors.green(`✔ ${which}${all} the reference`)
    }
    const some = outliers.slice(0, 4).map(summarise)
    const rest = outliers.length > some.length ? [`${formatCount(outliers.length - some.length)} more kinds`] : []
    const head = `${formatCount(equal)} of ${plural(total, 'target')} ${equal === 1 ? 'equals' : 'equal'} the reference`
    return `${colors.red('✖')} ${which}${[head, ...some, ...rest].join('; ')}`
  })
  const aside = [
    ...(behind.length > 0
      ? [`${plural(behind.length, 'target')} with pending migrations, compared as far as applied`]
      : []),
    ...(failures.length > 0 ? [`${formatCount(failures.length)} not compared`] : []),
    `in ${formatDuration(durationMs)}`,
  ]
  return [...lines, colors.dim(aside.join(' · '))]
}

/** `7 miss index orders_client_idx: main/app/t_1, …`. */
function summarise({ targets, names, differences }: DriftCluster): string {
  const one = targets === 1
  const [first] = differences
  const phrases = {
    missing: one ? 'misses' : 'miss',
    extra: one ? 'has an extra' : 'have an extra',
    changed: one ? 'has another' : 'have another',
  }
  const what = first === undefined ? '' : ` ${phrases[first.change]} ${wordOf(first)}`
  const more = differences.length > 1 ? ` and ${plural(differences.length - 1, 'more difference')}` : ''
  return `${formatCount(targets)}${what}${more}: ${listSome(names, 2)}`
}

function wordOf({ kind, object }: Difference): string {
  return `${kind.replaceAll('-', ' ')} ${object}`
}

function printCluster({ targets, names, differences }: DriftCluster, style: PrintStyle): string[] {
  const { colors, verbose } = style
  const shown = verbose ? differences : differences.slice(0, mostDifferences)
  const count = targets === 1 ? '' : `${plural(targets, 'target')}: `
  const marks = { missing: colors.red('-'), extra: colors.green('+'), changed: colors.yellow('~') }
  return [
    `${colors.red('✖')} ${count}${listSome(names, mostNames)}`,
    ...shown.flatMap((difference) => {
      const { change, detail } = difference
      const [first = '', ...others] = detail.split('\n')
      const what = `${change} ${wordOf(difference)}`
      return [
        `  ${marks[change]} ${what}${first === '' ? '' : `: ${first}`}`,
        ...indent(others.join('\n'), '      ').filter(() => others.length > 0),
      ]
    }),
    ...(shown.length < differences.length
      ? [
          colors.dim(
            `    and ${formatCount(differences.length - shown.length)} more differences (--verbose shows them)`,
          ),
        ]
      : []),
  ]
}

/** What could not be compared, the same reason once. */
function printFailures({ failures }: DriftReport, { colors }: PrintStyle): string[] {
  const groups = new Map<string, { names: string[]; error: (typeof failures)[number]['error'] }>()
  for (const { target, error } of failures) {
    const key = `${error.code} ${maskMessage(error.message, { target, tenants: [] })}`
    const group = groups.get(key) ?? { names: [], error }
    group.names.push(target)
    groups.set(key, group)
  }
  return [...groups].flatMap(([key, { names, error }]) => [
    `${colors.red('✖')} ${names.length === 1 ? '' : `${plural(names.length, 'target')}: `}${listSome(names, mostNames)}  ${colors.dim(error.code)}`,
    ...indent(names.length === 1 ? error.message : key.slice(error.code.length + 1), '  '),
    ...(error.hint === null ? [] : indent(`hint: ${error.hint}`, '  ')),
  ])
}

function nextAfterDrift(report: DriftReport, outliers: readonly DriftCluster[], style: PrintStyle): string[] {
  const [first] = outliers
  if (first === undefined) return []
  return [
    'decide for each difference: a migration for all, a correction by hand, or `drift.ignore` in the config with a reason',
    ...(outliers.some(({ differences }) => differences.some(({ change }) => change === 'missing'))
      ? [`\`${style.shell} backfill --dry-run\`: what would create what is missing`]
      : []),
    ...(report.behind.length > 0
      ? [`${commandFor(style, 'status', report.behind[0]?.split('/').at(-1) ?? '')}: what is pending there`]
      : []),
  ]
}
