import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { addSetCredentials } from './tenants-set-credentials.ts'

export function addTenants(program: Command, invoke: Invoke): void {
  const tenants = program
    .command('tenants')
    .summary("the registry's tenants")
    .description("The tenants of the registry: `tenants: { from: 'registry' }` in the config.")
  addExamples(tenants, [
    [
      'tenantry tenants set-credentials acme --user acme --password-stdin < password.txt',
      'what connections log in with',
    ],
  ])
  addSetCredentials(tenants, invoke)
}
