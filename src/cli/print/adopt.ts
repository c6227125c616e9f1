import type { AdoptedSet, AdoptedTarget, AdoptReport } from '../../model/report.ts'
import { needsPerson } from '../../rollout/adopt.ts'
import { formatCount, listSome, plural } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const formatNames: Readonly<Record<string, string>> = {
  sql: 'SQL files',
  prisma: 'Prisma folders',
  knex: 'Knex migrations',
  sequelize: 'Sequelize migrations',
  dbmate: 'dbmate migrations',
  'sql-migrate': 'sql-migrate migrations',
  goose: 'goose migrations',
  'golang-migrate': 'golang-migrate migrations',
  flyway: 'Flyway migrations',
  'node-pg-migrate': 'node-pg-migrate migrations',
}

const mostGroups = 25

/** Per set what was found, targets with the same findings as one group, those that need a person first. */
export function printAdopt(report: AdoptReport, style: PrintStyle): string[] {
  return joinSections([
    ...report.sets.flatMap((set) => [printSet(set, style), printGroups(set, style)]),
    printNotices(report.notices, style),
    report.written && report.config !== null ? [`${style.colors.green('✔')} wrote ${report.config}`] : [],
    printNext(nextAfterAdopt(report, style), style),
  ])
}

function printSet(set: AdoptedSet, { colors }: PrintStyle): string[] {
  const { history, tables } = set
  const there = tables.find(({ table }) => table === history.table)?.targets ?? 0
  const where = history.schema === null ? history.table : `${history.schema}.${history.table}`
  return [
    colors.bold(
      `Set ${set.set}: ${plural(set.migrations, 'migration')}, ${formatNames[set.format] ?? set.format} in ${set.dirs.join(', ')}`,
    ),
    `  history: ${where}, in ${formatCount(there)} of ${plural(set.targets.length, 'target')}`,
    ...tables
      .filter(({ table }) => table !== history.table)
      .map(({ table, targets }) => `  also there: ${table}, in ${plural(targets, 'target')}`),
  ]
}

function printGroups(set: AdoptedSet, style: PrintStyle): string[] {
  const groups = new Map<string, { odd: boolean; names: string[]; head: string; facts: string[] }>()
  for (const target of set.targets) {
    const head = headOf(target)
    const facts = factsOf(target)
    const key = JSON.stringify([head, facts])
    const group = groups.get(key) ?? { odd: needsPerson(target), names: [], head, facts }
    group.names.push(target.target)
    groups.set(key, group)
  }
  const sorted = [...groups.values()].sort((a, b) => Number(b.odd) - Number(a.odd) || b.names.length - a.names.length)
  const shown = sorted.slice(0, style.verbose ? sorted.length : mostGroups)
  const lines = shown.flatMap(({ odd, names, head, facts }) => {
    const mark = odd ? style.colors.red('✖') : style.colors.green('✔')
    const which = names.length === 1 ? names[0] : `${plural(names.length, 'target')} (${listSome(names, 2)})`
    return [`${mark} ${which}: ${head}`, ...facts.map((fact) => `    ${fact}`)]
  })
  if (shown.length === sorted.length) return lines
  return [...lines, `  and ${formatCount(sorted.length - shown.length)} more states (--verbose shows them)`]
}

function headOf({ error, hasHistory, applied, pending }: AdoptedTarget): string {
  if (error !== null && !hasHistory && applied === 0) return 'could not be read'
  const history = hasHistory ? `${formatCount(applied)} applied` : 'no history'
  return `${history}, ${formatCount(pending.length)} pending`
}

function factsOf(target: AdoptedTarget): string[] {
  const named = (what: string, list: readonly string[]) =>
    list.length > 0 ? [`${formatCount(list.length)} ${what}: ${listSome(list, 3)}`] : []
  const { error } = target
  return [
    ...(error === null
      ? []
      : [`${error.code}: ${(error.message.split('\n')[0] ?? '').replaceAll(target.target, 'this target')}`]),
    ...named('failed', target.failed),
    ...named('changed', target.changed),
    ...named(target.missing.length === 1 ? 'row without a file' : 'rows without a file', target.missing),
    ...named('odd', target.odd),
    ...target.unexplained.map((what) => `no history explains it: ${what}`),
    ...(target.hasHistory ? named('pending', target.pending) : []),
  ]
}

function nextAfterAdopt(report: AdoptReport, { shell }: PrintStyle): string[] {
  const targets = report.sets.flatMap((set) => set.targets)
  const last = (name: string) => `\`${shell} ${name}\``
  return [
    ...(targets.some(({ unexplained }) => unexplained.length > 0)
      ? [`${last('baseline --to <migration>')} marks what targets already have, where their schema proves it`]
      : []),
    ...(targets.some(({ failed }) => failed.length > 0)
      ? [`${last('explain <tenant>')} says what failed there, and how it is settled`]
      : []),
    ...(report.config === null ? [`${last('adopt --write')} writes a config to begin with`] : []),
    report.ok
      ? `${last('plan')} shows what would run where; nothing was changed so far`
      : 'settle what is marked ✖; the rest can be migrated now',
  ]
}
