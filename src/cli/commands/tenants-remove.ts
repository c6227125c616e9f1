import type { Command } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { askToDrop, printRemoval } from '../print/tenants-remove.ts'

interface RemoveFlags {
  dropData?: boolean
  dump?: string
}

export function addTenantsRemove(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('remove <tenant> [slug-again]')
    .description(
      'Archives a tenant; its data stays. With --drop-data its database or schema and its role are dropped and its line ' +
        'is taken off the registry, after its slug was typed again (or given behind --yes). What others use, too, is ' +
        'never dropped. Cut off in the middle, it is finished by the same command.',
    )
    .option('--drop-data', 'drop what only this tenant has')
    .option(
      '--dump <file>',
      'write it to a file first, with pg_dump or mysqldump; where that fails, nothing is dropped',
    )
  addExamples(command, [
    ['tenantry tenants remove acme', 'archive it'],
    ['tenantry tenants remove acme --drop-data', 'says what would be dropped, and asks'],
    ['tenantry tenants remove acme --drop-data --dump acme.dump --yes acme', 'without a question, with a dump'],
  ])
  command.action((tenant: string, again: string | undefined, flags: RemoveFlags) =>
    invoke(command, async (session) => {
      const yes = readAgain(session.flags.yes === true, again)
      const { askText } = session
      const tenantry = await session.open()
      const report = await tenantry.tenants.remove(tenant, {
        ...(flags.dropData === true && { dropData: true }),
        ...(flags.dump !== undefined && { dump: flags.dump }),
        ...(yes !== undefined && { yes }),
        ...(askText !== null && { confirm: (warning) => askText(askToDrop(warning, flags.dump, session.style)) }),
      })
      session.print(report, printRemoval)
      return 0
    }),
  )
}

/** `--yes` alone answers nothing here: it may stand in a script for quite other questions. */
function readAgain(isYes: boolean, again: string | undefined): string | undefined {
  if (again !== undefined && !isYes) {
    throw new TenantryError('USAGE', `One tenant is removed at a time; ${JSON.stringify(again)} is one too many.`, {
      hint: 'To confirm what is dropped, write `--yes <slug>`.',
    })
  }
  return again
}
