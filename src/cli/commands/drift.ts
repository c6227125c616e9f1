import type { Command } from 'commander'
import type { DriftReport } from '../../model/check-report.ts'
import { addExamples } from '../examples.ts'
import { type ExitCode, isUnreached } from '../exit-code.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printDrift } from '../print/drift.ts'

interface DriftFlags extends SelectorFlags {
  between?: boolean
}

export function addDrift(program: Command, invoke: Invoke): void {
  const command = program
    .command('drift [tenant...]')
    .summary('real schemas against what the migrations make, or each other')
    .description(
      'Compares the real schema of every selected target with the one that the migrations make, up to where the target ' +
        'is: they are run on the scratch server once, and what came of it is kept. Changes nothing in any tenant. ' +
        'Targets that differ in the same way are one entry. Exit code 3: something differs.',
    )
    .option('--between', 'compare targets with each other: most of them are right; needs no scratch server')
  addExamples(addSelectors(command), [
    ['tenantry drift', 'the whole fleet'],
    ['tenantry drift acme --verbose', 'one tenant, with every difference'],
    ['tenantry drift --between', 'without a scratch server'],
    ['tenantry drift --json', 'every target and difference, for programs'],
  ])
  command.action((tenants: string[], flags: DriftFlags) =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const selectors = readSelectors(tenants, flags)
      const report = await tenantry.drift({ selectors, ...(flags.between && { between: true }), signal })
      session.print(report, printDrift)
      return exitCodeOfDrift(report)
    }),
  )
}

/** 1: a server could not be reached. 3: something differs, or cannot be compared. */
function exitCodeOfDrift({ ok, failures }: DriftReport): ExitCode {
  if (isUnreached(failures)) return 1
  return ok ? 0 : 3
}
