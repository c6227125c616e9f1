import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { exitCodeOf, isUnreached } from '../exit-code.ts'
import type { Invoke } from '../invoke.ts'
import { printRegistryMigrate, printRegistryStatus } from '../print/registry.ts'

export function addRegistry(program: Command, invoke: Invoke): void {
  const registry = program
    .command('registry')
    .summary('the tables of the book of tenants: migrate, status')
    .description(
      "The database that the tenants are written down in: tenantry's own tables there, and the team's own migrations of " +
        'it (`registry.migrations` in the config). No other command makes or changes these tables.',
    )
  addExamples(registry, [
    ['tenantry registry migrate', 'make the tables, or bring them up to this version'],
    ['tenantry registry status', 'what is there, and what is pending'],
  ])
  addMigrate(registry, invoke)
  addStatus(registry, invoke)
}

function addMigrate(registry: Command, invoke: Invoke): void {
  const command = registry
    .command('migrate')
    .description(
      "Makes tenantry's tables in the registry, or brings them up to this version; then runs the team's own migrations " +
        'of that database. Safe when many processes do it at once. A registry of a newer version is left alone: exit code 2.',
    )
  addExamples(command, [
    ['tenantry registry migrate', 'once per deployment, before `tenantry up`'],
    ['tenantry registry migrate --json', 'for programs'],
  ])
  command.action(() =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.registry.migrate({ signal })
      session.print(report, printRegistryMigrate)
      return report.migrations === null ? 0 : exitCodeOf(report.migrations)
    }),
  )
}

function addStatus(registry: Command, invoke: Invoke): void {
  const command = registry
    .command('status')
    .description(
      "Shows the versions of tenantry's tables in the registry, and the team's own migrations of it. Changes nothing. " +
        'Exit code 1: it could not be reached.',
    )
  addExamples(command, [['tenantry registry status --json', 'for programs: `ok` is false while anything is pending']])
  command.action(() =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.registry.status()
      session.print(report, printRegistryStatus)
      return isUnreached(report.migrations?.targets ?? []) ? 1 : 0
    }),
  )
}
