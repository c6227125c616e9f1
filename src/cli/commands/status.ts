import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { exitCodeOf } from '../exit-code.ts'
import { addSelectors, parseCount, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printStatus } from '../print/status.ts'

interface StatusFlags extends SelectorFlags {
  all?: boolean
  recent?: number
}

export function addStatus(program: Command, invoke: Invoke): void {
  const command = program
    .command('status [tenant...]')
    .summary('what is applied, pending, failed, changed, missing')
    .description(
      'Shows totals, then what is not normal; for a single target everything: applied and pending migrations, ' +
        'required tables, health. Changes nothing.',
    )
    .option('--all', 'a line for each target')
    .option('--recent <n>', 'show the last n applied migrations', parseCount)
  addExamples(addSelectors(command), [
    ['tenantry status', 'the fleet on a page'],
    ['tenantry status acme', 'one tenant in full'],
    ['tenantry status --all --recent 3', 'each target with its last three migrations'],
    ['tenantry status --server eu-1 --json', 'for programs'],
  ])
  command.action((tenants: string[], flags: StatusFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.status({ selectors: readSelectors(tenants, flags) })
      const view = { all: flags.all === true, recent: flags.recent ?? null }
      session.print(report, (cleaned, style) => printStatus(cleaned, view, style))
      return exitCodeOf(report)
    }),
  )
}
