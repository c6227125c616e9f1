import type { Command } from 'commander'
import type { SeedReport } from '../../model/seed.ts'
import { addExamples } from '../examples.ts'
import type { ExitCode } from '../exit-code.ts'
import { addSelectors, collect, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printSeeds } from '../print/seeds.ts'

interface SeedFlags extends SelectorFlags {
  only?: string[]
  dryRun?: boolean
}

export function addSeed(program: Command, invoke: Invoke): void {
  const command = program
    .command('seed [tenant...]')
    .summary('rows that every tenant begins with: put in what is missing')
    .description(
      'Carries out the seeds of `seeds/` (`seeds.dir`) in every selected target: SQL, modules, and rows in JSON or CSV that ' +
        'are known by a natural key. Running it again changes nothing; rows that somebody changed are kept, unless their ' +
        'file says `owned`. Files in a sub-folder named like the environment (`--env`) are for that one only. Exit code 1: ' +
        'a target failed.',
    )
    .option('--only <name>', 'this seed: its file, a unique number or beginning; repeatable', collect)
    .option('--dry-run', 'say what would change: it is tried in a transaction that is rolled back; modules are not run')
  addExamples(addSelectors(command), [
    ['tenantry seed --dry-run', 'what would change, in each target'],
    ['tenantry seed', 'carry it out, in every tenant'],
    ['tenantry seed acme --only 010_roles', 'one file, one tenant'],
    ['tenantry seed --env production --json', 'with what is for production, for programs'],
  ])
  command.action((tenants: string[], flags: SeedFlags) =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.seed({
        selectors: readSelectors(tenants, flags),
        ...(flags.only && { only: flags.only }),
        ...(flags.dryRun && { dryRun: true }),
        signal,
      })
      session.print(report, printSeeds)
      return exitCodeOfSeeds(report)
    }),
  )
}

function exitCodeOfSeeds({ ok, interrupted }: SeedReport): ExitCode {
  if (interrupted) return 130
  return ok ? 0 : 1
}
