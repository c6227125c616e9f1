import type { Command } from 'commander'
import type { DataChangeReport } from '../../model/data-change.ts'
import { addExamples } from '../examples.ts'
import { type ExitCode, isUnreached } from '../exit-code.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printDataChangeList, printDataChanges } from '../print/data-changes.ts'

interface RunFlags extends SelectorFlags {
  dryRun?: boolean
  restart?: boolean
  allowChanged?: boolean
}

export function addBackfillData(program: Command, invoke: Invoke): void {
  const group = program
    .command('backfill-data')
    .summary('changes of rows in batches: list, run, pause, status')
    .description(
      'Changes rows in batches, beside the running application: each batch is short, is committed with its cursor, and ' +
        'waits while locks, replicas or a health query say so. A run that is killed goes on where it was. The changes are ' +
        'files in `data-changes/` (`dataChanges.dir`).',
    )
  addExamples(group, [
    ['tenantry backfill-data list', 'the changes there are'],
    ['tenantry backfill-data run 001_totals --dry-run', 'how many rows it would go over, in each target'],
    ['tenantry backfill-data run 001_totals', 'carry it out, from where each target is'],
    ['tenantry backfill-data status', 'how far each is'],
  ])
  addList(group, invoke)
  addRun(group, invoke)
  addPause(group, invoke)
  addStatus(group, invoke)
}

function addList(group: Command, invoke: Invoke): void {
  const command = group.command('list').description('Lists the data changes in their order. Connects to nothing.')
  addExamples(command, [['tenantry backfill-data list --json', 'for programs']])
  command.action(() =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      session.print(await tenantry.dataChanges.list(), printDataChangeList)
      return 0
    }),
  )
}

function addRun(group: Command, invoke: Invoke): void {
  const command = group
    .command('run [change] [tenant...]')
    .description(
      'Carries out one change, or all in order, in every selected target, from where each is. In tables that tenants ' +
        'share it goes tenant by tenant, and --tenant takes some of them. Ctrl-C ends it after the batches under way; the ' +
        'same command goes on. Exit code 1: somewhere it is not done.',
    )
    .option('--dry-run', 'count the rows that it would go over, and change nothing')
    .option('--restart', 'go over all rows again, also where it is done')
    .option('--allow-changed', 'go on where the file was changed after the walk began')
  addExamples(addSelectors(command), [
    ['tenantry backfill-data run 001_totals', 'one change, the whole fleet'],
    ['tenantry backfill-data run 001_totals acme', 'one tenant, also of a shared table'],
    ['tenantry backfill-data run', 'all changes that are not done, in order'],
  ])
  command.action((change: string | undefined, tenants: string[], flags: RunFlags) =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.dataChanges.run({
        ...(change === undefined ? {} : { change }),
        selectors: readSelectors(tenants, flags),
        ...(flags.dryRun && { dryRun: true }),
        ...(flags.restart && { restart: true }),
        ...(flags.allowChanged && { allowChanged: true }),
        signal,
      })
      session.print(report, printDataChanges)
      if (report.interrupted) return 130
      return report.ok ? 0 : 1
    }),
  )
}

function addPause(group: Command, invoke: Invoke): void {
  const command = group
    .command('pause [change] [tenant...]')
    .description(
      'Asks every run, on whatever machine, to stop after its batch, and keeps those under way from beginning. Written ' +
        'into the targets. The next `backfill-data run` goes on.',
    )
  addExamples(addSelectors(command), [['tenantry backfill-data pause 001_totals', 'stop it everywhere']])
  command.action((change: string | undefined, tenants: string[], flags: SelectorFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const selectors = readSelectors(tenants, flags)
      const report = await tenantry.dataChanges.pause({ ...(change === undefined ? {} : { change }), selectors })
      session.print(report, printDataChanges)
      return exitCodeOfLook(report)
    }),
  )
}

function addStatus(group: Command, invoke: Invoke): void {
  const command = group
    .command('status [change] [tenant...]')
    .description('How far each change is in each target: rows, time left, and what stopped it. Changes nothing.')
  addExamples(addSelectors(command), [
    ['tenantry backfill-data status', 'every change'],
    ['tenantry backfill-data status 001_totals acme --json', 'one tenant, for programs'],
  ])
  command.action((change: string | undefined, tenants: string[], flags: SelectorFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const selectors = readSelectors(tenants, flags)
      const report = await tenantry.dataChanges.status({ ...(change === undefined ? {} : { change }), selectors })
      session.print(report, printDataChanges)
      return exitCodeOfLook(report)
    }),
  )
}

/** What is found is shown; only a target that could not be asked is a failure. */
function exitCodeOfLook({ targets }: DataChangeReport): ExitCode {
  return isUnreached(targets) ? 1 : 0
}
