import type { Command } from 'commander'
import type { BackfillReport } from '../../model/check-report.ts'
import { addExamples } from '../examples.ts'
import type { ExitCode } from '../exit-code.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printBackfill } from '../print/backfill.ts'

interface BackfillFlags extends SelectorFlags {
  dryRun?: boolean
}

export function addBackfill(program: Command, invoke: Invoke): void {
  const command = program
    .command('backfill [tenant...]')
    .alias('repair')
    .summary('make what a schema lacks of what its migrations make')
    .description(
      'Makes tables, columns, indexes, constraints, views, functions and the like that the applied migrations make and a ' +
        'target does not have, as they are on the scratch server, where the migrations are run once. Never drops or changes ' +
        'what is there: what differs otherwise is listed and left. Tables are made empty. Per target under its lock, in one ' +
        'transaction where the server can; each object is recorded in `tenantry_ledger`. `repair` is the same command.',
    )
    .option('--dry-run', 'print the SQL for each target and change nothing')
  addExamples(addSelectors(command), [
    ['tenantry backfill --dry-run', 'what would be made where, as SQL'],
    ['tenantry backfill acme', 'one tenant'],
    ['tenantry backfill', 'every target that lacks something'],
  ])
  command.action((tenants: string[], flags: BackfillFlags) =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const selectors = readSelectors(tenants, flags)
      const report = await tenantry.backfill({ selectors, ...(flags.dryRun && { dryRun: true }), signal })
      session.print(report, printBackfill)
      return exitCodeOfBackfill(report)
    }),
  )
}

/** What is left alone is told and is no failure. */
function exitCodeOfBackfill({ ok, interrupted }: BackfillReport): ExitCode {
  if (interrupted) return 130
  return ok ? 0 : 1
}
