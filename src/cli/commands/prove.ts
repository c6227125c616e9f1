import type { Command } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import { addExamples } from '../examples.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printProve } from '../print/prove.ts'

interface ProveFlags extends SelectorFlags {
  like?: string
  withData?: boolean
  fresh?: boolean
}

export function addProve(program: Command, invoke: Invoke): void {
  const command = program
    .command('prove [tenant...]')
    .summary('try every undo out on the scratch server')
    .description(
      'Applies each migration on the scratch server, undoes it and applies it again, with rows in every table: ' +
        'reversible, lossy (rows do not come back), one-way (no undo) or broken (the undo fails, or leaves another schema). ' +
        'For each kind of target that the selected tenants are: a schema, a database. What is proved is kept until a file ' +
        'changes; `down` on several tenants asks for it. No tenant is written to. Exit code 3: something is broken.',
    )
    .option('--like <tenant>', "begin from this tenant's schema, and prove what is pending there")
    .option('--with-data', 'with --like: take its rows, too')
    .option('--fresh', 'prove again what is proved already')
  addExamples(addSelectors(command), [
    ['tenantry prove', 'every migration, for every kind of target'],
    ['tenantry prove --like acme', 'what is pending, from where acme is'],
    ['tenantry prove --like acme --with-data', 'with its rows, on the scratch server'],
    ['tenantry prove --json', 'for CI: exit code 3 if an undo is broken'],
  ])
  command.action((tenants: string[], flags: ProveFlags) =>
    invoke(command, async (session) => {
      if (flags.withData && flags.like === undefined) {
        throw new TenantryError('USAGE', '`--with-data` takes the rows of a tenant, and no tenant is named.', {
          hint: 'Name it: `tenantry prove --like <tenant> --with-data`.',
        })
      }
      if (flags.like !== undefined && tenants.length > 0) {
        throw new TenantryError('USAGE', '`--like` and a list of tenants say two different things.', {
          hint: 'Give one of them.',
        })
      }
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.prove({
        selectors: readSelectors(tenants, flags),
        ...(flags.like !== undefined && { like: flags.like }),
        ...(flags.withData && { withData: true }),
        ...(flags.fresh && { fresh: true }),
        signal,
      })
      session.print(report, printProve)
      return report.ok ? 0 : 3
    }),
  )
}
