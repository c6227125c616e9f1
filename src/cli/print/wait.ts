import type { WaitReport } from '../../model/report.ts'
import { plural } from '../text.ts'
import type { PrintStyle } from './style.ts'

/** One line; why a server did not answer is told as the error. */
export function printWait({ servers, ok }: WaitReport, { colors, quiet }: PrintStyle): string[] {
  if (quiet) return []
  if (ok) return [colors.green(`✔ ${plural(servers.length, 'server')} ${servers.length === 1 ? 'answers' : 'answer'}`)]
  const away = servers.filter(({ error }) => error !== null)
  return away.map(
    ({ server, waitedMs }) => `${colors.red('✖')} ${server}: no answer after ${Math.round(waitedMs / 1000)} s`,
  )
}
