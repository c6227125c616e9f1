import type { Blocker } from '../../model/dialect.ts'
import type { TenantryEvent } from '../../model/events.ts'
import type { Notice } from '../../model/migration.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { type Colors, formatCount, formatDuration, listSome, plural } from '../text.ts'
import { type ProgressState, paceOf, slowestOf } from './state.ts'

const waitingFor = {
  'target-lock': 'another run holds this target',
  'lock-timeout': 'a lock was not free in time',
  'connection-lost': 'the connection broke',
  exclusive: 'an index build of this database must be alone',
} as const

type Of<Type extends TenantryEvent['type']> = Extract<TenantryEvent, { type: Type }>

export function describeWaiting(event: Of<'target-waiting'>): string {
  const again = event.delayMs > 0 ? `, next try in ${formatDuration(event.delayMs)}` : ''
  const attempt = event.attempt > 1 ? `, try ${event.attempt}` : ''
  return `${event.target}: waiting, ${waitingFor[event.reason]}${attempt}${again}${describeBlockers(event.blockers)}`
}

export function describeSlow(event: Of<'target-slow'>): string {
  const running = formatDuration(event.runningMs)
  return `${event.target}: ${event.migration} has been running for ${running}${describeBlockers(event.blockers)}`
}

/** `; blocked by pid 4711 (psql, user app, idle in transaction, since …)`. */
export function describeBlockers(blockers: readonly Blocker[]): string {
  if (blockers.length === 0) return ''
  const names = blockers.map((blocker) => {
    const facts = [
      blocker.applicationName || 'no application name',
      ...(blocker.user ? [`user ${blocker.user}`] : []),
      ...(blocker.state ? [blocker.state] : []),
      ...(blocker.since ? [`since ${blocker.since}`] : []),
    ]
    return `pid ${blocker.sessionId} (${facts.join(', ')})`
  })
  return `; blocked by ${listSome(names, 3)}`
}

export function describeNotice(notice: Notice): string {
  const place = [notice.file, notice.line, notice.column].filter((part) => part !== undefined).join(':')
  // Many messages name their file themselves.
  const where = place === '' || notice.message.includes(notice.file ?? place) ? '' : ` (${place})`
  const joint = notice.message.endsWith('.') ? ' ' : '; '
  return `${notice.message}${where}${notice.hint ? `${joint}${notice.hint}` : ''}`
}

/** One line on a target that has ended. */
export function describeResult(result: TargetResult, colors: Colors): string {
  const took = colors.dim(`(${formatDuration(result.durationMs)})`)
  switch (result.result) {
    case 'applied':
      return `${colors.green('✔')} ${result.target}: applied ${listSome(result.applied, 3)} ${took}`
    case 'undone':
      return `${colors.green('✔')} ${result.target}: undone ${listSome(result.undone, 3)} ${took}`
    case 'up-to-date':
      return `${colors.dim('·')} ${result.target}: up-to-date`
    case 'failed': {
      const kept = result.applied.length > 0 ? ` (applied before: ${listSome(result.applied, 3)})` : ''
      const [reason = 'failed'] = (result.error?.message ?? 'failed').split('\n')
      const code = result.error ? `${result.error.code} ` : ''
      return `${colors.red('✖')} ${result.target}: ${code}${reason}${kept}`
    }
    default:
      return `${colors.yellow('-')} ${result.target}: ${result.result}`
  }
}

/** `140/900 done: 138 applied, 2 failed; 12.3/s, about 1 min 02 s left`. */
export function describeProgress(state: ProgressState, nowMs: number): string {
  const { counts } = state
  const parts = [
    ...(counts.applied > 0 ? [`${counts.applied} applied`] : []),
    ...(counts.undone > 0 ? [`${counts.undone} undone`] : []),
    ...(counts.upToDate > 0 ? [`${counts.upToDate} up-to-date`] : []),
    `${counts.failed} failed`,
    ...(counts.stopped > 0 ? [`${counts.stopped} stopped`] : []),
  ]
  const pace = paceOf(state, nowMs)
  const left = pace && counts.targets < state.total ? `, about ${formatDuration(pace.remainingMs)} left` : ''
  const rate = pace ? `; ${pace.perSecond.toFixed(1)}/s${left}` : ''
  return `${counts.targets}/${state.total} done: ${parts.join(', ')}${rate}`
}

/** `slowest: main/app/t_7 0042_add_email for 34 s (waiting: lock-timeout)`; empty while nothing is slow. */
export function describeSlowest(state: ProgressState, nowMs: number): string {
  const slowest = slowestOf(state, nowMs, 5000)
  if (slowest === null) return ''
  const what = slowest.migration === null ? '' : ` ${slowest.migration}`
  const note = slowest.note === null ? '' : ` (waiting: ${slowest.note})`
  return `slowest: ${slowest.target}${what} for ${formatDuration(nowMs - slowest.sinceMs)}${note}`
}

export function describeFleet(event: Of<'fleet-read'>): string {
  const places = plural(event.databases, 'database')
  return `Found ${plural(event.targets, 'target')} in ${places}; the fleet has ${plural(event.tenants, 'tenant')}`
}

/** A line for the events that both kinds of text output print as they come; null: not one of them. */
export function describeMilestone(event: TenantryEvent, colors: Colors): string | null {
  switch (event.type) {
    case 'fleet-read':
      return describeFleet(event)
    case 'notice':
      return `${colors.yellow('note')} ${describeNotice(event.notice)}`
    case 'rollout-started': {
      const waves = event.waves > 1 ? ` in ${plural(event.waves, 'wave')}` : ''
      return `Rollout ${event.rollout}: ${event.command} on ${plural(event.targets, 'target')}${waves}`
    }
    case 'keys-progress':
      return `${formatCount(event.done)} of ${plural(event.total, 'credential')} sealed anew`
    case 'rollout-stopping':
      // What an interrupt does was said when it came.
      return event.reason === 'interrupt' ? null : `${colors.yellow('stopping')} ${event.message}`
    default:
      return null
  }
}
