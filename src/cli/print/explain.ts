import type { ExplainReport } from '../../model/report.ts'
import { formatCount, indent, listSome } from '../text.ts'
import { joinSections, type PrintStyle, printNext } from './style.ts'

/** What happened in a tenant's targets, what the catalog says, and what could follow. */
export function printExplain(report: ExplainReport, style: PrintStyle): string[] {
  return joinSections(report.targets.flatMap((target) => printTarget(target, style)))
}

function printTarget(target: ExplainReport['targets'][number], style: PrintStyle): string[][] {
  const { colors } = style
  const health = target.healthy ? colors.green('healthy') : colors.red('needs attention')
  return [
    [
      `${colors.bold(target.target)} · set ${target.set} · ${health}`,
      `  tenants: ${listSome(target.tenants, 5)}`,
      `  applied: ${formatCount(target.applied.length)}${target.applied.length > 0 ? `, last ${target.applied.at(-1)}` : ''}`,
      `  pending: ${target.pending.length === 0 ? 'nothing' : listSome(target.pending, 5)}`,
      ...target.halfDone.map(({ migration, direction, statementsDone, statementsTotal }) =>
        statementsTotal === 0
          ? `  failed: ${migration}, under the tool itself`
          : `  half-done: ${migration} (${direction}), ${countStatements(statementsDone, statementsTotal)}`,
      ),
      ...target.renamed.map(({ from, to }) => `  renamed: ${from} is now ${to}`),
      ...(target.nativeLock == null ? [] : [colors.yellow(`  the tool's own lock: ${target.nativeLock}`)]),
      ...(target.missingTables.length > 0 ? [`  required tables missing: ${target.missingTables.join(', ')}`] : []),
    ],
    printNow(target),
    printLogs(target),
    [...printLast(target.last), ...printStopped(target.stoppedIn ?? null)],
    target.probe === null
      ? []
      : [
          `Catalog: statement ${target.probe.statement} of ${target.probe.migration} (${target.probe.kind}): ${target.probe.verdict}`,
          `  ${target.probe.reason}`,
        ],
    printInTheWay(target.inTheWay ?? null),
    printNext(
      target.next.map(({ command, why }) => `\`${command}\`: ${why}`),
      style,
    ),
  ]
}

/** What stands in the way now; where a rollout met it, that tells the same. */
function printNow({ error, last }: ExplainReport['targets'][number]): string[] {
  if (error == null || last?.error?.message === error.message) return []
  return [
    `Now: ${error.code}`,
    ...indent(error.message, '  '),
    ...(error.hint === null ? [] : [`  hint: ${error.hint}`]),
  ]
}

/** What the tool itself noted: its own words, without the call stack of its engine. */
function printLogs({ logs }: ExplainReport['targets'][number]): string[] {
  if (logs == null) return []
  const lines = logs.text.split('\n').filter((line) => line.trim() !== '' && !/^\s*(\d+:|at) /.test(line))
  return [`The tool noted of ${logs.migration}:`, ...lines.slice(0, 12).map((line) => `  ${line.trimEnd()}`)]
}

function printLast(last: ExplainReport['targets'][number]['last']): string[] {
  if (last === null) return ['No rollout on record touched this target.']
  const head = `Last: ${last.result} in rollout ${last.rollout} at ${last.at}`
  if (last.error === null) return [head]
  const { line, column, file, statement } = last.error.context
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  const at = [...(file ? [place] : []), ...(statement === undefined ? [] : [`statement ${statement}`])].join(', ')
  return [
    head,
    `  ${last.error.code}${at === '' ? '' : ` at ${at}`}`,
    ...indent(last.error.message, '  '),
    ...(last.error.hint === null ? [] : [`  hint: ${last.error.hint}`]),
  ]
}

function printStopped(rollout: string | null): string[] {
  if (rollout === null) return []
  return [`Half-done since rollout ${rollout}: the machine that ran it has what the server said.`]
}

const comparisons = {
  equal: 'it equals what the migration makes',
  different: 'it differs from what the migration makes',
  unknown: 'whether it equals what the migration makes could not be told',
} as const

function printInTheWay(found: ExplainReport['targets'][number]['inTheWay'] | null): string[] {
  if (found == null) return []
  const { object, migration, statement, verdict } = found
  return [
    `In the way: ${object}, which statement ${statement} of ${migration} makes, is there: ${comparisons[verdict]}.`,
  ]
}

/** Where code stopped by itself nobody knows how many statements it would have sent. */
function countStatements(done: number, total: number): string {
  return total > done ? `${done} of ${total} statements` : `stopped after statement ${done}`
}
