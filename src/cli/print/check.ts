import type { FleetReport } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { formatCount, plural } from '../text.ts'
import type { PrintStyle } from './style.ts'

/** One line, for probes; and where to look when it is not good. */
export function printCheck(report: FleetReport, style: PrintStyle): string[] {
  const { colors } = style
  const total = report.targets.length
  if (report.ok) {
    return [colors.green(`✔ ${total === 1 ? '1 target is' : `${plural(total, 'target')} are`} up-to-date`)]
  }
  const count = (test: (result: TargetResult) => boolean, word: string) => {
    const found = report.targets.filter(test).length
    return found > 0 ? [`${formatCount(found)} ${word}`] : []
  }
  const states = [
    ...count(({ pending }) => pending.length > 0, 'pending'),
    ...count(({ failed }) => failed.length > 0, 'failed'),
    ...count(({ changed }) => changed.length > 0, 'changed'),
    ...count(({ missing }) => missing.length > 0, 'missing'),
    ...count(({ error, failed, changed }) => error !== null && failed.length + changed.length === 0, 'with an error'),
  ]
  const look = style.quiet ? '' : `; \`${style.shell} status\` shows them`
  return [colors.red(`✖ not everything is up-to-date in ${plural(total, 'target')}: ${states.join(', ')}${look}`)]
}
