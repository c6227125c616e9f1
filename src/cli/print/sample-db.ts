import type { SampleDbReport, SampleTablePlan } from '../../model/sample-db.ts'
import { formatCount, listSome, plural, table } from '../text.ts'
import { inline } from './inline.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

/** What stays, what stays in part, and what is emptied, with rows. */
export function printSamplePlan(report: SampleDbReport, { colors, verbose }: PrintStyle): string[] {
  const { plan } = report
  const whole = plan.filter(({ action, reason }) => action === 'keep' && reason === null)
  const books = plan.filter(({ reason }) => reason === 'bookkeeping')
  const parts = plan.filter(({ action }) => action === 'reduce')
  const emptied = plan.filter(({ action }) => action === 'empty')
  const empty = emptied.filter(({ rows }) => rows === 0)
  const shown = verbose ? emptied : emptied.filter(({ rows }) => rows > 0)
  const going = plan.reduce((sum, { rows, kept }) => sum + rows - kept, 0)
  return [
    `${inline(report.target)} (database ${inline(report.database)})`,
    ...section(colors.green('keep'), whole, (one) => [countOf(one)]),
    ...section(colors.yellow('keep in part'), parts, (one) => [`${formatCount(one.kept)} of ${countOf(one)}`]),
    ...section(colors.red('empty'), shown, (one) => [countOf(one)]),
    ...(verbose || empty.length === 0 ? [] : [`  ${plural(empty.length, 'table is', 'tables are')} empty already`]),
    ...(books.length === 0
      ? []
      : [
          `  always kept: ${listSome(
            books.map(({ table: name }) => inline(name)),
            5,
          )} (books of tools)`,
        ]),
    `${plural(going, 'row')}${plan.some(({ more }) => more) ? ' or more' : ''} to remove from ${plural(plan.filter(({ rows, kept }) => rows > kept).length, 'table')}`,
  ]
}

function section(
  title: string,
  tables: readonly SampleTablePlan[],
  cells: (one: SampleTablePlan) => string[],
): string[] {
  if (tables.length === 0) return []
  return [
    `  ${title}`,
    ...table(
      tables.map((one) => [inline(one.table), ...cells(one)]),
      [1],
    ).map((line) => `    ${line}`),
  ]
}

function countOf({ rows, more }: SampleTablePlan): string {
  return more ? `more than ${formatCount(rows - 1)} rows` : plural(rows, 'row')
}

/** What is asked before anything is removed. */
export function askToRemove(report: SampleDbReport, style: PrintStyle): string {
  return [...printSamplePlan(report, style), `${style.colors.red('This removes rows for good.')} Go on? [y/N] `].join(
    '\n',
  )
}

/** What was done; where nothing was, the plan. */
export function printSample(report: SampleDbReport, style: PrintStyle): string[] {
  const { colors } = style
  const { removed, sequences, dump, plan, error } = report
  const notices = printNotices(report.notices, style)
  if (removed === null) {
    const next =
      report.dryRun && error === null
        ? printNext([`\`${style.again.replace(/ --dry-run\b/, '')} --confirm\` carries it out`], style)
        : []
    return joinSections([plan.length === 0 ? [] : printSamplePlan(report, style), notices, next])
  }
  const kept = plan.filter(({ kept: rows, reason }) => rows > 0 && reason === null)
  const done =
    removed === 0
      ? `${inline(report.target)} is a sample already; no row was removed`
      : `${inline(report.target)} is a sample now: ${plural(removed, 'row')} removed, ${plural(kept.length, 'table')} kept`
  return joinSections([
    [
      `${colors.green('✔')} ${done}`,
      ...(sequences.length === 0 ? [] : [`  ${plural(sequences.length, 'sequence')} set back`]),
      ...(dump === null ? [] : [`${colors.green('✔')} wrote ${inline(dump.file)} (${formatCount(dump.bytes)} bytes)`]),
    ],
    notices,
  ])
}
