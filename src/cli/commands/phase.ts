import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printPhases } from '../print/phases.ts'

export function addPhase(program: Command, invoke: Invoke): void {
  const phase = program
    .command('phase')
    .summary('changes that are made in phases: expand, migrate, contract')
    .description(
      'Shows how far each change is whose migrations are marked `-- tenantry:phase expand|migrate|contract of <change>`. ' +
        'Changes nothing: `up` leaves a contract step alone until every active tenant is past the steps before it.',
    )
  addExamples(phase, [['tenantry phase status', 'every change, and which tenants are behind']])
  const status = phase
    .command('status')
    .description(
      'How far each change is, over all active tenants, and which of them are behind. Exit code 3: a contract step waits.',
    )
  addExamples(status, [
    ['tenantry phase status', 'every change'],
    ['tenantry phase status --json', 'for programs'],
  ])
  status.action(() =>
    invoke(status, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.phaseStatus()
      session.print(report, printPhases)
      return report.ok ? 0 : 3
    }),
  )
}
