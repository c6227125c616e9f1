import type { LintFinding, LintReport } from '../../model/lint.ts'
import { formatCount, formatDuration, indent, listSome, plural } from '../text.ts'
import { describeFleet, printEstimates, printUnread } from './lint-fleet.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

/** Warnings that are shown without `--verbose`; errors are shown all. */
const mostWarnings = 40
const widest = 140
/** What a comment should not waive: the file is wrong, or the comment is. */
const unwaivable = /^(?:ignore-|syntax-error|cannot-run)/

/** Every error and warning with its place, the line, what happens and what to do instead; then how many there are. */
export function printLint(report: LintReport, style: PrintStyle): string[] {
  const shown = choose(report.findings, style)
  const said = new Set<string>()
  const blocks = shown.map((finding) => printFinding(finding, said, style))
  if (style.quiet) return [...blocks.flat(), ...printUnread(report, style), printHeadline(report, style)]
  return joinSections([
    ...blocks,
    printHidden(report, shown, style),
    printNotAnalysed(report, style),
    printNotices(report.notices, style),
    printUnread(report, style),
    printEstimates(report, style),
    [printHeadline(report, style)],
    printNext(nextAfterLint(report, style), style),
  ])
}

function choose(findings: readonly LintFinding[], { verbose, quiet }: PrintStyle): LintFinding[] {
  if (verbose) return [...findings]
  let left = quiet ? 0 : mostWarnings
  return findings.filter(({ severity }) => severity === 'error' || (severity === 'warning' && left-- > 0))
}

function printHidden({ findings }: LintReport, shown: readonly LintFinding[], { colors }: PrintStyle): string[] {
  const counts = (['warning', 'info'] as const).flatMap((severity) => {
    const of = (list: readonly LintFinding[]) => list.filter((one) => one.severity === severity).length
    const hidden = of(findings) - of(shown)
    return hidden === 0
      ? []
      : [severity === 'info' ? `${formatCount(hidden)} for information` : plural(hidden, 'warning')]
  })
  return counts.length === 0 ? [] : [colors.dim(`and ${counts.join(' and ')} more (--verbose shows them)`)]
}

function printFinding(finding: LintFinding, said: Set<string>, { colors, verbose }: PrintStyle): string[] {
  const { severity, rule, file, line, column, message, why, lock, rewrite } = finding
  const marks = { error: colors.red('✖'), warning: colors.yellow('!'), info: colors.dim('·') }
  const place = finding.excerpt === null ? file : `${file}:${line}:${column}`
  const held = lock === null ? '' : `  ${colors.dim(`lock: ${lock}`)}`
  // What a rule says in general is said once.
  const once = (text: string | null, lead: string) => {
    if (text === null || (!verbose && said.has(text))) return []
    said.add(text)
    const [first = '', ...others] = text.split('\n')
    const isSql = others.length > 0
    return isSql ? [`    ${lead}`, ...indent(text, '      ')] : [`    ${lead} ${first}`]
  }
  return [
    `${marks[severity]} ${place}  ${colors.bold(rule)}${held}`,
    `    ${message}`,
    ...describeFleet(finding).map((text) => `    ${text}`),
    ...printExcerpt(finding).map((text) => colors.dim(`    ${text}`)),
    ...once(why, 'why:'),
    ...once(rewrite, 'instead:'),
  ]
}

/** The line with a caret below the place; only the part around it where the line is long. */
function printExcerpt({ excerpt, line, column }: LintFinding): string[] {
  if (excerpt === null || excerpt.trim() === '') return []
  const characters = [...excerpt]
  const from = characters.length <= widest ? 0 : Math.max(0, column - 1 - Math.floor(widest / 2))
  const part = characters.slice(from, from + widest)
  const lead = from > 0 ? '…' : ''
  const before = part.slice(0, Math.max(0, column - 1 - from)).map((character) => (character === '\t' ? '\t' : ' '))
  const number = `${line} | `
  return [
    `${number}${lead}${part.join('')}${from + widest < characters.length ? '…' : ''}`,
    `${' '.repeat(number.length - 2)}| ${' '.repeat(lead.length)}${before.join('')}^`,
  ]
}

/** The same reason once, with the places that it is about. */
function printNotAnalysed({ notAnalysed }: LintReport, { colors, verbose }: PrintStyle): string[] {
  const places = new Map<string, string[]>()
  for (const { file, line, reason } of notAnalysed) {
    places.set(reason, [...(places.get(reason) ?? []), line === null ? file : `${file}:${line}`])
  }
  return [...places].map(([reason, own]) => {
    const where = verbose ? own.join(', ') : listSome(own, 3)
    return `${colors.yellow('not analysed')} ${where}: ${reason}`
  })
}

function printHeadline({ summary, ok, maxWarnings, durationMs, fleet }: LintReport, { colors }: PrintStyle): string {
  const { migrations, errors, warnings, infos, ignored } = summary
  const parts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
    ...(infos > 0 ? [`${formatCount(infos)} for information`] : []),
  ]
  const found = parts.length === 0 ? 'nothing found' : parts.join(', ')
  const tooMany = maxWarnings !== null && warnings > maxWarnings ? [`more than ${plural(maxWarnings, 'warning')}`] : []
  const aside = [
    ...tooMany,
    ...(fleet === null ? [] : [`${plural(fleet.targets, 'target')} read`]),
    ...(fleet !== null && fleet.leftOut > 0
      ? [`${plural(fleet.leftOut, 'migration')} that they all have left out`]
      : []),
    ...(ignored > 0 ? [`${formatCount(ignored)} waived with a reason`] : []),
    `in ${formatDuration(durationMs)}`,
  ].join(' · ')
  const head = `${plural(migrations, 'migration')} linted: ${found}`
  return `${ok ? colors.green(`✔ ${head}`) : colors.red(`✖ ${head}`)} ${colors.dim(aside)}`
}

function nextAfterLint({ findings, summary, fleet }: LintReport, { shell }: PrintStyle): string[] {
  const own = findings.filter(({ rule }) => !unwaivable.test(rule))
  const first = own.find(({ severity }) => severity === 'error') ?? own.find(({ severity }) => severity === 'warning')
  if (first === undefined || summary.errors + summary.warnings === 0) return []
  return [
    `write it the safe way, or waive it above the statement: \`-- tenantry:ignore ${first.rule} because <reason>\``,
    ...(fleet === null && summary.migrations > 20 && summary.errors > 10
      ? [
          `old migrations need no second look: \`${shell} lint --fleet\` leaves out what is applied everywhere, \`${shell} lint --after <one>\` what comes before`,
        ]
      : []),
  ]
}
