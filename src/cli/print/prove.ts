import type { ProvedMigration, ProveReport } from '../../model/check-report.ts'
import { formatCount, formatDuration, indent, plural } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const verdicts = ['broken', 'one-way', 'lossy', 'reversible'] as const

const mostShown = 40
const mostDifferences = 12

/** How many are what; then each that is not reversible, the broken ones first, with what differs. */
export function printProve(report: ProveReport, style: PrintStyle): string[] {
  const odd = verdicts.slice(0, 3).flatMap((verdict) => report.migrations.filter((one) => one.verdict === verdict))
  const shown = style.verbose ? odd : odd.slice(0, mostShown)
  const more =
    odd.length > shown.length ? [`and ${formatCount(odd.length - shown.length)} more (--verbose shows them)`] : []
  const sets = new Set(report.migrations.map(({ set }) => set)).size
  const topologies = new Set(report.migrations.map(({ topology }) => topology)).size
  const lines = shown.flatMap((one) => printMigration(one, { sets: sets > 1, topologies: topologies > 1 }, style))
  if (style.quiet) return [printHeadline(report, style), ...lines]
  return joinSections([
    [printHeadline(report, style)],
    printNotices(report.notices, style),
    [...lines, ...more],
    printNext(nextAfterProve(report, style), style),
  ])
}

function printHeadline({ migrations, ok, durationMs }: ProveReport, { colors }: PrintStyle): string {
  const parts = [...verdicts].reverse().flatMap((verdict) => {
    const count = migrations.filter((one) => one.verdict === verdict).length
    return count === 0 ? [] : [`${formatCount(count)} ${verdict}`]
  })
  const cached = migrations.filter((one) => one.cached).length
  const aside = [
    ...(cached > 0 ? [`${formatCount(cached)} known from before`] : []),
    `in ${formatDuration(durationMs)}`,
  ].join(' · ')
  const head = `${plural(migrations.length, 'migration')} proved${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
  const between = cached > 0 ? ' · ' : ' '
  return `${ok ? colors.green(`✔ ${head}`) : colors.red(`✖ ${head}`)}${between}${colors.dim(aside)}`
}

function printMigration(
  { verdict, migration, set, topology, detail, differences, error }: ProvedMigration,
  several: { sets: boolean; topologies: boolean },
  { colors, verbose }: PrintStyle,
): string[] {
  const where = [...(several.sets ? [`set ${set}`] : []), ...(several.topologies ? [`in a ${topology}`] : [])]
  const name = where.length === 0 ? migration : `${migration} (${where.join(', ')})`
  const mark = verdict === 'broken' ? colors.red('✖') : colors.yellow('!')
  const shown = verbose ? differences : differences.slice(0, mostDifferences)
  const lines = shown.map((one) => {
    const detailed = one.detail === '' ? '' : `: ${one.detail}`
    return `${one.change} ${one.kind} ${one.object}${detailed}`
  })
  if (shown.length < differences.length) lines.push(`and ${formatCount(differences.length - shown.length)} more`)
  if (error !== null) lines.push(`${error.code}: ${error.message}`)
  return [
    `${mark} ${name}: ${verdict}${detail === null ? '' : `, ${detail}`}`,
    ...lines.flatMap((line) => indent(line, '    ')),
  ]
}

function nextAfterProve({ migrations, ok }: ProveReport, { shell }: PrintStyle): string[] {
  if (!ok)
    return [
      `mend the undo, then \`${shell} prove\` tries it again; a \`down\` on several tenants is refused until then`,
    ]
  if (migrations.some(({ verdict }) => verdict === 'lossy'))
    return [`a \`down\` of what is lossy needs \`--allow-data-loss\``]
  return []
}
