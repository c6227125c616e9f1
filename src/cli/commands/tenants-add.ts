import { type Command, Option } from 'commander'
import { topologyNames } from '../../config/to-tenant.ts'
import type { TopologyName } from '../../model/tenant.ts'
import type { AddTenantOptions } from '../../model/tenant-report.ts'
import { firstStates } from '../../registry/check-new-tenant.ts'
import { addExamples } from '../examples.ts'
import { collectLabel } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printTenantChange } from '../print/tenants.ts'
import { runProvision } from './tenants-provision.ts'

interface AddFlags {
  id?: string
  name?: string
  topology?: TopologyName
  server?: string
  database?: string
  schema?: string
  label?: string[]
  state?: NonNullable<AddTenantOptions['state']>
  provision?: boolean
}

export function addTenantsAdd(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('add <slug>')
    .description(
      'Puts a tenant into the registry. One whose database or schema is there is active at once; of another one its ' +
        'place is only noted, until `tenants provision` (or --provision) makes it. A slug is made of lower-case letters, ' +
        'digits, `-` and `_`, begins with a letter or digit, and has 63 bytes at most.',
    )
    .option('--name <name>', 'what people call it')
    .option('--id <uuid>', 'default: a new one')
    .addOption(
      new Option('--topology <topology>', 'default: `provision.topology` of the config').choices([...topologyNames]),
    )
    .option('--server <name>', 'server of the config; default: `provision.server`, or the only one')
    .option('--database <name>', 'default: made from the slug by `provision.naming`; for schemas `provision.database`')
    .option('--schema <name>', 'default: made from the slug by `provision.naming`')
    .option('--label <key=value>', 'repeatable', collectLabel)
    .addOption(new Option('--state <state>', 'default: by what is there').choices([...firstStates]))
    .option('--provision', 'make its role, its place and everything in it now')
  addExamples(command, [
    ['tenantry tenants add acme --provision --label tier=gold', 'new, and ready to be used'],
    ['tenantry tenants add acme --server eu-1 --database acme_prod', 'its database is there'],
    ['tenantry tenants add acme --schema t_acme --name "Acme Ltd"', 'its schema is there'],
    ['tenantry tenants add acme --topology shared --database pool', 'its rows are in shared tables'],
  ])
  command.action((slug: string, flags: AddFlags) =>
    invoke(command, async (session) => {
      const { provision, label, state, ...place } = flags
      const options = { ...place, ...(label === undefined ? {} : { labels: toLabels(label) }) }
      if (provision === true) return runProvision(session, { slug, ...options })
      const tenantry = await session.open()
      const report = await tenantry.tenants.add(slug, { ...options, ...(state === undefined ? {} : { state }) })
      session.print(report, printTenantChange)
      return 0
    }),
  )
}

function toLabels(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]),
  )
}
