import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printTenant } from '../print/tenants-show.ts'

export function addTenantsShow(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('show <tenant>')
    .description(
      'Shows one tenant, by slug or id: where it is, how its credential is kept, what is migrated, and who changed what ' +
        'and when. Changes nothing, opens no credential but to look into its database.',
    )
  addExamples(command, [
    ['tenantry tenants show acme', 'with the last changes'],
    ['tenantry tenants show acme --verbose', 'with all of them'],
  ])
  command.action((tenant: string) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      session.print(await tenantry.tenants.show(tenant), printTenant)
      return 0
    }),
  )
}
