import type { SeedOutcome, SeedReport, SeedRowNote, SeedTargetResult } from '../../model/seed.ts'
import { countSeeded } from '../progress/seeds.ts'
import { formatCount, formatDuration, indent, plural } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostTargets = 25
const mostRows = 8

/** Totals, then what was done or kept, the same in many targets once; then what failed. */
export function printSeeds(report: SeedReport, style: PrintStyle): string[] {
  const headline = printHeadline(report, style)
  const failures = printFailures(report, style)
  if (style.quiet) return [headline, ...failures]
  return joinSections([
    [headline],
    printNotices(report.notices, style),
    printChanges(report, style),
    failures,
    printNext(nextSteps(report, style), style),
  ])
}

function printHeadline({ ok, dryRun, summary, durationMs }: SeedReport, { colors }: PrintStyle): string {
  const states = [
    [summary.applied, 'seeded'],
    [summary.pending, 'would change'],
    [summary.upToDate, 'up-to-date'],
    [summary.failed, 'failed'],
    [summary.stopped, 'stopped'],
  ] as const
  const parts = states.flatMap(([count, name]) => (count === 0 ? [] : [`${formatCount(count)} ${name}`]))
  const text = [parts.length === 0 ? 'no targets' : parts.join(', '), countSeeded(summary) || 'no rows changed'].join(
    ' · ',
  )
  const mark = dryRun ? text : ok ? colors.green(`✔ ${text}`) : colors.red(`✖ ${text}`)
  return `${mark} ${colors.dim(`in ${formatDuration(durationMs)}`)}`
}

/** Fleets are seeded alike: targets with the same outcome are one entry. */
function printChanges({ targets, dryRun }: SeedReport, style: PrintStyle): string[] {
  const groups = new Map<string, SeedTargetResult[]>()
  for (const one of targets) {
    const lines = one.seeds.flatMap((seed) => describeOutcome(seed, dryRun, style))
    if (lines.length === 0) continue
    const key = lines.join('\n')
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const all = [...groups]
  const shown = style.verbose ? all : all.slice(0, mostTargets)
  const lines = shown.flatMap(([text, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${plural(others.length, 'other target')}`
    return [style.colors.bold(`${first?.target ?? ''}${more}`), ...text.split('\n')]
  })
  const hidden = all.length - shown.length
  return hidden > 0 ? [...lines, style.colors.dim(`and ${formatCount(hidden)} more (--verbose shows them)`)] : lines
}

function describeOutcome(seed: SeedOutcome, dryRun: boolean, style: PrintStyle): string[] {
  const whose = seed.tenant === null ? '' : ` for ${seed.tenant}`
  const counts = countSeeded(seed)
  if (seed.result === 'skipped') return [`  ${seed.seed}${whose}: not begun`]
  if (seed.result === 'failed') return [`  ${seed.seed}${whose}: failed`]
  if (seed.result === 'up-to-date' && counts === '' && !style.verbose) return []
  const ran =
    seed.kind === 'rows' || seed.result === 'up-to-date' ? counts || 'up-to-date' : dryRun ? 'would run' : 'ran'
  const rows = style.verbose ? seed.rows : seed.rows.filter(({ state }) => state !== 'inserted').slice(0, mostRows)
  return [`  ${seed.seed}${whose}: ${ran}`, ...rows.map((row) => `    ${describeRow(row)}`)]
}

function describeRow({ row, state, why }: SeedRowNote): string {
  return `${state} ${row}${why === null ? '' : ` (${why})`}`
}

/** The same error of many targets once. */
function printFailures({ targets }: SeedReport, { colors }: PrintStyle): string[] {
  const groups = new Map<string, SeedTargetResult[]>()
  for (const one of targets) {
    if (one.error === null) continue
    const key = `${one.error.code} ${one.error.message.replaceAll(one.target, '…')}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    const error = first?.error
    if (first === undefined || error == null) return []
    const more = others.length > 0 ? ` and ${formatCount(others.length)} more` : ''
    return [
      `${colors.red('✖')} ${first.target}${more}  ${colors.dim(error.code)}`,
      ...indent(error.message, '  '),
      ...(error.hint === null ? [] : indent(`hint: ${error.hint}`, '  ')),
    ]
  })
}

function nextSteps({ dryRun, summary }: SeedReport, { shell }: PrintStyle): string[] {
  if (summary.failed > 0) return []
  if (dryRun) return summary.pending > 0 ? [`\`${shell} seed\` carries it out`] : []
  return summary.kept > 0
    ? ['rows that were kept stay as they are; `"mode": "owned"` in their file lets the file win']
    : []
}
