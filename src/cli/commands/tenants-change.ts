import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printTenantChange } from '../print/tenants.ts'

const changes = [
  {
    name: 'suspend',
    does: 'Takes a tenant out of service: `up` and the other commands leave it out, `connectionFor` refuses it. Its data stays.',
    examples: [['tenantry tenants suspend acme', 'until `tenants activate acme`']],
  },
  {
    name: 'activate',
    does:
      'Takes a suspended or archived tenant back into service. What was migrated meanwhile it does not have: it is ' +
      'migrated first, data changes of changes in phases included, and stays as it was if that fails.',
    examples: [
      ['tenantry tenants activate acme', 'migrated, then active'],
      ['tenantry tenants activate acme --no-migrate', 'as it is; says what it lacks by now'],
    ],
  },
  {
    name: 'archive',
    does: 'Puts a tenant away for good: nothing migrates it any more. Its data stays, and it can be activated again.',
    examples: [['tenantry tenants archive acme', 'the same as `tenants remove acme`']],
  },
] as const

export function addTenantsChange(tenants: Command, invoke: Invoke): void {
  for (const { name, does, examples } of changes) {
    const command = tenants.command(`${name} <tenant>`).description(does)
    if (name === 'activate') command.option('--no-migrate', 'leave what is pending to a later `tenantry up`')
    addExamples(command, examples)
    command.action((tenant: string, { migrate }: { migrate?: boolean }) =>
      invoke(command, async (session) => {
        const tenantry = await session.open()
        const { tenants: book } = tenantry
        const asItIs = name === 'activate' && migrate === false
        const report = asItIs ? book.activate(tenant, { migrate }) : book[name](tenant)
        session.print(await report, printTenantChange)
        return 0
      }),
    )
  }
}
