import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { exitCodeOfDocument } from '../exit-code.ts'
import type { Invoke } from '../invoke.ts'
import { askToRemove, printSample, printSamplePlan } from '../print/sample-db.ts'
import { showControls } from '../text.ts'

interface SampleDbFlags {
  confirm?: boolean
  database?: string
  dryRun?: boolean
  dump?: string
}

export function addSampleDb(program: Command, invoke: Invoke): void {
  const command = program
    .command('sample-db [tenant]')
    .summary('make one database a clean sample for new customers')
    .description(
      'Keeps the tables and rows that `sampleDb.keep` of the config lists, and removes every other row, in one ' +
        'transaction; sets sequences back. Without a tenant: the only target, else the database in the address of the ' +
        'config. Refuses what is marked as production or holds more rows than `sampleDb.maxRows`, unless its database is ' +
        'typed. Nothing is removed where a row that stays points to one that goes.',
    )
    .option('--confirm', 'carry it out (also: --yes, CONFIRM_SAMPLE_RESET=1)')
    .option('--database <name>', "the database's name, typed: needed for production, and for many rows")
    .option('--dry-run', 'show the plan with its counts, and change nothing')
    .option('--dump <file>', 'write a dump afterwards, with pg_dump, mariadb-dump or mysqldump')
  addExamples(command, [
    ['tenantry sample-db --dry-run', 'which tables stay, and how many rows would go'],
    ['tenantry sample-db acme --confirm', 'one tenant'],
    ['tenantry sample-db acme --confirm --dump sample.dump', 'with a dump for new customers'],
    ['tenantry sample-db acme --confirm --database acme_main', 'a database that is refused otherwise'],
  ])
  command.action((tenant: string | undefined, flags: SampleDbFlags) =>
    invoke(command, async (session) => {
      const { host, style, confirm } = session
      const isSure = flags.confirm === true || session.flags.yes === true || host.env.CONFIRM_SAMPLE_RESET === '1'
      const tenantry = await session.open()
      const report = await tenantry.sampleDb({
        ...(tenant !== undefined && { tenant }),
        ...(flags.database !== undefined && { database: flags.database }),
        ...(flags.dump !== undefined && { dump: flags.dump }),
        ...(flags.dryRun === true && { dryRun: true }),
        ...(isSure && { confirm: true }),
        ...(!isSure && confirm !== null && { ask: (plan) => confirm(askToRemove(showControls(plan), style)) }),
        ...(isSure &&
          session.flags.quiet !== true &&
          session.flags.json !== true &&
          session.flags.logFormat === 'text' && {
            onPlan: (plan) => void host.stderr.write(`${printSamplePlan(showControls(plan), style).join('\n')}\n`),
          }),
      })
      session.print(report, printSample)
      return exitCodeOfDocument(report)
    }),
  )
}
