import type { RegistryMigrateReport, RegistryStatusReport, RegistryTables } from '../../model/registry-report.ts'
import { printRun } from './run.ts'
import { printStatus } from './status.ts'
import { joinSections, type PrintStyle, printNext } from './style.ts'

/** What was made of our tables, then the team's own migrations as `up` shows them. */
export function printRegistryMigrate(report: RegistryMigrateReport, style: PrintStyle): string[] {
  const { registry, migrations } = report
  const { green, dim } = style.colors
  const did =
    registry.applied.length === 0
      ? `the tables were at version ${registry.version} already`
      : registry.applied[0] === 1
        ? `tables made, version ${registry.version}`
        : `tables brought to version ${registry.version}`
  return joinSections([
    [`${green('✔')} registry ${registry.place}: ${did}`],
    migrations === null ? [] : [dim("the team's own migrations:"), ...printRun(migrations, style)],
  ])
}

export function printRegistryStatus(report: RegistryStatusReport, style: PrintStyle): string[] {
  const { registry, migrations } = report
  const isPending = migrations?.targets.some(({ pending }) => pending.length > 0) ?? false
  return joinSections([
    [describeTables(registry, style)],
    migrations === null
      ? []
      : [
          style.colors.dim("the team's own migrations:"),
          ...printStatus(migrations, { all: true, recent: null }, style),
        ],
    printNext(nextFor(registry, isPending, style), style),
  ])
}

function describeTables({ place, state, version, newest }: RegistryTables, { colors }: PrintStyle): string {
  const texts: Readonly<Record<RegistryTables['state'], string>> = {
    ready: `${colors.green('✔')} registry ${place}: version ${version}`,
    missing: `${colors.yellow('•')} registry ${place}: none of tenantry's tables are there`,
    outdated: `${colors.yellow('•')} registry ${place}: version ${version}; this tenantry needs ${newest}`,
    newer: `${colors.red('✖')} registry ${place}: version ${version}; this tenantry knows ${newest} and leaves it alone`,
  }
  return texts[state]
}

function nextFor({ state }: RegistryTables, isPending: boolean, { shell }: PrintStyle): string[] {
  if (state === 'newer') return ['install the version of tenantry that migrated it, here too']
  if (state === 'ready' && !isPending) return []
  return [`\`${shell} registry migrate\``]
}
