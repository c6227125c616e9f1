import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { isUnreached } from '../exit-code.ts'
import type { Invoke } from '../invoke.ts'
import { printExplain } from '../print/explain.ts'

export function addExplain(program: Command, invoke: Invoke): void {
  const command = program
    .command('explain <tenant>')
    .summary('what happened to a tenant, and what could follow')
    .description(
      'Shows what happened to a tenant, what the catalog says about an interrupted statement, and the commands that ' +
        'could follow. Changes nothing.',
    )
  addExamples(command, [
    ['tenantry explain acme', 'by slug'],
    ['tenantry explain t_acme --json', 'by schema, for programs'],
  ])
  command.action((tenant: string) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.explain(tenant)
      session.print(report, printExplain)
      return isUnreached(report.targets) ? 1 : 0
    }),
  )
}
