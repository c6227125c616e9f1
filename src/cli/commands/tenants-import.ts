import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printImport } from '../print/tenants.ts'

export function addTenantsImport(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('import <file>')
    .description(
      'Takes in all tenants of a CSV, JSON or JSON-lines file, or none: every line that is wrong is told at once. ' +
        'Columns: slug, id, name, topology, server, database, schema, user, password_ref, state, label.<key>. Passwords ' +
        'are not read from files: `password_ref` says where each is (env:NAME, file:/path, command:…).',
    )
    .option('--dry-run', 'check everything, write nothing')
  addExamples(command, [
    ['tenantry tenants import tenants.csv --dry-run', 'what is wrong with it?'],
    ['tenantry tenants import tenants.csv', 'all of them, or none'],
    ['tenantry tenants import tenants.jsonl --json', 'for programs'],
  ])
  command.action((file: string, flags: { dryRun?: boolean }) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.tenants.import(file, flags.dryRun === true ? { dryRun: true } : {})
      session.print(report, printImport)
      return 0
    }),
  )
}
