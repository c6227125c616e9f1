import type { Command } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import type { BaselineOptions } from '../../model/report.ts'
import { addExamples } from '../examples.ts'
import { exitCodeOf } from '../exit-code.ts'
import { addSelectors, collect, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printRun } from '../print/run.ts'

interface BaselineFlags extends SelectorFlags {
  to?: string
  migration?: string
  rename?: string[]
  rolledBack?: string
  force?: boolean
}

export function addBaseline(program: Command, invoke: Invoke): void {
  const command = program
    .command('baseline [tenant...]')
    .summary('mark migrations as applied without running them')
    .description(
      'Marks migrations as applied without running them, where what they make is already there: each statement is looked ' +
        'up in the catalog, and a target that lacks something is refused (--force overrules). What the catalog cannot ' +
        'tell passes with a note.',
    )
    .option('--to <migration>', 'all up to and including this one')
    .option('--migration <migration>', 'only this one')
    .option('--rename <old new...>', 'the migration recorded as old is now the file new', collect)
    .option(
      '--rolled-back <migration>',
      'a failed one of Prisma: record it as rolled back, so that it is pending again',
    )
    .option('--force', 'mark also where the schema does not have what the migration makes')
  addExamples(addSelectors(command), [
    ['tenantry baseline --to 0040', 'a fleet that already has everything up to 0040'],
    ['tenantry baseline acme --migration 0042', 'one migration of one tenant'],
    ['tenantry baseline --rename 0042_emial 0042_email', 'a file got another name'],
    ['tenantry baseline acme --migration 0042 --force', 'one that you know better about than the catalog'],
    ['tenantry baseline acme --rolled-back 20250110000000_x', 'as `prisma migrate resolve --rolled-back`'],
  ])
  command.action((tenants: string[], flags: BaselineFlags) =>
    invoke(command, async (session) => {
      // The flag takes every word after it: the first two are the names.
      const [from, to, ...further] = flags.rename ?? []
      const options: BaselineOptions = {
        selectors: readSelectors([...tenants, ...further], flags),
        ...(flags.to !== undefined && { to: flags.to }),
        ...(flags.migration !== undefined && { migration: flags.migration }),
        ...(from !== undefined && { rename: { from, to: requireNewName(to) } }),
        ...(flags.rolledBack !== undefined && { rolledBack: flags.rolledBack }),
        ...(flags.force && { force: true }),
      }
      requireOneChoice(options)
      const tenantry = await session.open()
      const report = await tenantry.baseline(options)
      session.print(report, printRun)
      return exitCodeOf(report)
    }),
  )
}

function requireNewName(name: string | undefined): string {
  if (name !== undefined) return name
  throw new TenantryError('USAGE', '`--rename` takes two names: the recorded one and the new one.', {
    hint: '`tenantry baseline --rename 0042_emial 0042_email`',
  })
}

/** Marking everything must be asked for by name: a forgotten flag would hide every pending migration. */
function requireOneChoice({ to, migration, rename, rolledBack }: BaselineOptions): void {
  const given = [to, migration, rename, rolledBack].filter((choice) => choice !== undefined).length
  if (given === 1) return
  throw new TenantryError(
    'USAGE',
    given === 0
      ? '`baseline` needs to know what to mark.'
      : '`--to`, `--migration`, `--rename` and `--rolled-back` exclude each other.',
    {
      hint: 'Give one of `--to <migration>`, `--migration <migration>`, `--rename <old> <new>`, `--rolled-back <migration>`.',
    },
  )
}
