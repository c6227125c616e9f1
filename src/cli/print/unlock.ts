import type { UnlockReport } from '../../model/report.ts'
import { listSome, plural } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostLines = 20

/** What was freed, from whom, and what was left alone and why. */
export function printUnlock(report: UnlockReport, style: PrintStyle): string[] {
  const { colors } = style
  const by = (result: UnlockReport['targets'][number]['result']) =>
    report.targets.filter((target) => target.result === result)
  const [freed, running, failed, free] = [by('freed'), by('running'), by('failed'), by('free')]
  const total = [
    ...(freed.length > 0 ? [colors.green(`✔ ${freed.length} freed`)] : []),
    ...(running.length > 0 ? [`${running.length} left to a run of tenantry`] : []),
    ...(failed.length > 0 ? [colors.red(`✖ ${failed.length} failed`)] : []),
    `${plural(free.length, 'target')} had no lock`,
  ]
  return joinSections([
    printNotices(report.notices, style),
    freed.slice(0, mostLines).map(({ target, heldBy, since }) => {
      const holder = heldBy === 'own' ? 'a run of tenantry that died' : 'the tool itself'
      const when = since === null ? 'the server does not keep since when' : `since ${since}`
      return `${colors.green('✔')} ${target}: freed; it was held by ${holder} (${when})`
    }),
    running.length === 0
      ? []
      : [
          `a run of tenantry is at work, left alone: ${listSome(
            running.map(({ target }) => target),
            5,
          )}`,
        ],
    failed.slice(0, mostLines).map(({ target, error }) => `${colors.red('✖')} ${target}: ${error?.message ?? ''}`),
    report.targets.length === 0 ? [] : [total.join(' · ')],
    printNext(
      freed.length > 0 ? [`\`${style.shell} plan\` shows what is pending; \`${style.shell} up\` applies it`] : [],
      style,
    ),
  ])
}
