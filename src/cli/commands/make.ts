import type { Command } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printNotices } from '../print/style.ts'

interface MakeFlags {
  name?: string
  description?: string
  set?: string
}

export function addMake(program: Command, invoke: Invoke): void {
  const command = program
    .command('make [name]')
    .summary('a new migration with its undo')
    .description(
      "Writes a new migration with its undo, in the folder's own file names and template. In a Prisma project the " +
        "project's own Prisma is asked to write it (`prisma migrate dev --create-only`).",
    )
    .option('--name <name>', 'the same as the argument')
    .option('--description <text>', 'what it is for; goes into the file and the history table')
    .option('--set <name>', 'set of migrations; needed where there are several')
  addExamples(command, [
    ['tenantry make add_email_to_users', 'a migration and its undo'],
    ["tenantry make add_email --description 'Login by email'", 'with a description'],
    ['tenantry make --name add_plans --set platform', 'in one of several sets'],
  ])
  command.action((argument: string | undefined, flags: MakeFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.make(requireName(argument, flags.name), {
        ...(flags.set !== undefined && { set: flags.set }),
        ...(flags.description !== undefined && { description: flags.description }),
      })
      session.print(report, ({ files, notices }, style) => [
        ...files.map((file) => `wrote ${file}`),
        ...printNotices(notices, style),
      ])
      return 0
    }),
  )
}

function requireName(argument: string | undefined, flag: string | undefined): string {
  const name = argument ?? flag
  if (argument !== undefined && flag !== undefined && argument !== flag) {
    throw new TenantryError('USAGE', `The migration has two names: \`${argument}\` and \`--name ${flag}\`.`, {
      hint: 'Give one of them.',
    })
  }
  if (name !== undefined && name.trim() !== '') return name
  throw new TenantryError('USAGE', 'The migration needs a name.', { hint: '`tenantry make add_email_to_users`' })
}
