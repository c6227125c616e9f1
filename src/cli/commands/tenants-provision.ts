import type { Command } from 'commander'
import type { ProvisionOptions } from '../../model/provision.ts'
import { addExamples } from '../examples.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Invoke } from '../invoke.ts'
import { printProvision } from '../print/tenants.ts'
import type { Session } from '../session.ts'

export function addTenantsProvision(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('provision <slug>')
    .description(
      'Makes a tenant that the registry has as `provisioning` or `failed`, or a new one: its role, its database or ' +
        'schema, all migrations, seeds, first rows. It is active only once its schema equals the reference. What was ' +
        'cut off is gone on with; two calls for one slug make one tenant.',
    )
  addExamples(command, [
    ['tenantry tenants provision acme', 'make it, or go on where it stopped'],
    ['tenantry tenants provision acme --json', 'for programs'],
  ])
  command.action((slug: string) => invoke(command, (session) => runProvision(session, { slug })))
}

/** Makes a tenant and prints what came of it; Ctrl-C ends it between two steps. */
export async function runProvision(session: Session, options: ProvisionOptions): Promise<ExitCode> {
  const signals = session.watchInterrupts()
  const tenantry = await session.open()
  const report = await tenantry.provision({ ...options, signal: signals.drain })
  session.print(report, printProvision)
  return 0
}
