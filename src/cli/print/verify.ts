import type { VerifyFinding, VerifyReport } from '../../model/check-report.ts'
import { maskMessage } from '../../rollout/mask.ts'
import { formatCount, formatDuration, indent, listSome, plural } from '../text.ts'
import { commandFor, joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostGroups = 40
const mostNames = 3

/** One finding, in all the targets that have it. */
interface Group {
  severity: VerifyFinding['severity'] | 'unknown'
  label: string
  message: string
  hint: string | null
  names: string[]
}

/** How many targets are healthy; then each finding once, with the number of its targets. */
export function printVerify(report: VerifyReport, style: PrintStyle): string[] {
  const groups = groupFindings(report)
  const wanted = style.quiet ? groups.filter(({ severity }) => severity !== 'warning') : groups
  const shown = style.verbose ? wanted : wanted.slice(0, mostGroups)
  const more =
    wanted.length > shown.length
      ? [style.colors.dim(`and ${formatCount(wanted.length - shown.length)} more findings (--verbose shows them)`)]
      : []
  return joinSections([
    printHeadline(report, groups, style),
    printNotices(report.notices, style),
    [...shown.flatMap((group) => printGroup(group, style)), ...more],
    printNext(nextAfterVerify(report, style), style),
  ])
}

function printHeadline(
  { healthy, needsAttention, durationMs }: VerifyReport,
  groups: readonly Group[],
  style: PrintStyle,
) {
  const { colors } = style
  const total = healthy + needsAttention
  const warnings = groups.filter(({ severity }) => severity === 'warning').length
  const aside = [...(warnings > 0 ? [plural(warnings, 'warning')] : []), `in ${formatDuration(durationMs)}`]
  const head =
    needsAttention === 0
      ? colors.green(`✔ ${total === 1 ? '1 target is' : `all ${plural(total, 'target')} are`} healthy`)
      : colors.red(
          `✖ ${formatCount(needsAttention)} of ${plural(total, 'target')} ${needsAttention === 1 ? 'needs' : 'need'} attention`,
        )
  return [`${head} ${colors.dim(aside.join(' · '))}`]
}

/** Errors first, then by the number of targets. */
function groupFindings({ targets }: VerifyReport): Group[] {
  const groups = new Map<string, Group>()
  for (const { target, tenants, findings, error } of targets) {
    const mask = (text: string) => maskMessage(text, { target, tenants }).replace(/\b\d+\b/g, '<n>')
    const add = (severity: Group['severity'], label: string, message: string, hint: string | null) => {
      const key = JSON.stringify([severity, label, mask(message)])
      const group = groups.get(key)
      if (group === undefined) {
        groups.set(key, { severity, label, message, hint, names: [target] })
        return
      }
      // Of several, what differs between them is not told.
      if (message !== group.message) group.message = mask(message)
      if (hint !== group.hint && hint !== null) group.hint = mask(hint)
      group.names.push(target)
    }
    for (const { rule, severity, object, message, hint } of findings) {
      add(severity, `${rule} ${object}`, message, hint)
    }
    if (error !== null) add('unknown', error.code, error.message, error.hint)
  }
  const rank = ({ severity }: Group) => (severity === 'warning' ? 1 : 0)
  return [...groups.values()].sort((a, b) => rank(a) - rank(b) || b.names.length - a.names.length)
}

function printGroup({ severity, label, message, hint, names }: Group, { colors, verbose }: PrintStyle): string[] {
  const mark = severity === 'warning' ? colors.yellow('!') : colors.red('✖')
  const count = names.length === 1 ? '' : `${plural(names.length, 'target')}: `
  return [
    `${mark} ${colors.bold(label)}  ${colors.dim(`${count}${verbose ? names.join(', ') : listSome(names, mostNames)}`)}`,
    ...indent(message, '  '),
    ...(hint === null ? [] : indent(`hint: ${hint}`, '  ')),
  ]
}

function nextAfterVerify({ targets }: VerifyReport, style: PrintStyle): string[] {
  const has = (rule: VerifyFinding['rule']) => targets.some(({ findings }) => findings.some((one) => one.rule === rule))
  const half = targets.find(({ findings }) => findings.some(({ rule }) => rule === 'half-applied'))
  return [
    ...(has('claimed-and-missing') || has('missing-table')
      ? [`\`${style.shell} backfill --dry-run\`: what would make what is missing`]
      : []),
    ...(half === undefined
      ? []
      : [
          `${commandFor(style, 'explain', half.tenants[0] ?? half.target)}: what happened there, and what could follow`,
        ]),
  ]
}
