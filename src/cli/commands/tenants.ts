import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { addTenantsAdd } from './tenants-add.ts'
import { addTenantsChange } from './tenants-change.ts'
import { addTenantsImport } from './tenants-import.ts'
import { addTenantsList } from './tenants-list.ts'
import { addTenantsProvision } from './tenants-provision.ts'
import { addTenantsRemove } from './tenants-remove.ts'
import { addSetCredentials } from './tenants-set-credentials.ts'
import { addTenantsShow } from './tenants-show.ts'

export function addTenants(program: Command, invoke: Invoke): void {
  const tenants = program
    .command('tenants')
    .summary('the tenants of the registry: add, make, list, move, remove')
    .description(
      'The tenants of the registry, each in one of six states: `provisioning` (being made), `active` (migrated by `up`), ' +
        '`suspended`, `archived`, `failed` (could not be made), `removing`. Every change is written down with who made it ' +
        '(TENANTRY_ACTOR, else user@host).',
    )
  addExamples(tenants, [
    ['tenantry tenants add acme --provision', 'make a new tenant, ready to be used'],
    ['tenantry tenants add acme --database acme_prod', 'take in one that is there'],
    ['tenantry tenants import tenants.csv --dry-run', 'check a file of them'],
    ['tenantry tenants list --state suspended', 'who is out of service'],
    ['tenantry tenants show acme', 'everything about one'],
    ['tenantry tenants suspend acme', 'migrations leave it out from now on'],
    ['tenantry tenants remove acme', 'archive it; its data stays'],
  ])
  for (const add of [
    addTenantsAdd,
    addTenantsProvision,
    addTenantsImport,
    addTenantsList,
    addTenantsShow,
    addTenantsChange,
    addTenantsRemove,
    addSetCredentials,
  ]) {
    add(tenants, invoke)
  }
}
