import { type Command, Option } from 'commander'
import type { PlanOptions, UpOptions } from '../../model/report.ts'
import { addExamples } from '../examples.ts'
import { exitCodeWithin } from '../exit-code.ts'
import { addSelectors, parseMaxFailures } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { type PlanFlags, readPlanOptions } from '../plan-options.ts'
import { printRun } from '../print/run.ts'
import type { Session } from '../session.ts'
import { carryOutPlan } from './plan.ts'

interface UpFlags extends PlanFlags {
  dryRun?: boolean
  maxFailures?: { count: number } | { percent: number }
  allowFailures?: { count: number } | { percent: number }
  verify?: boolean
  backup?: string
}

export function addUp(program: Command, invoke: Invoke): void {
  const command = program
    .command('up [tenant...]')
    .summary('apply what is pending')
    .description('Applies what is pending, in every selected target. A target that fails never stops the others.')
    .option('--to <migration>', 'up to and including this one (its id, or a unique number)')
    .option('--dry-run', 'show the plan and change nothing: the same as `tenantry plan`')
    .option('--allow-changed', 'go on where an applied file was changed afterwards')
    .option('--strict-order', 'refuse targets where an older migration is pending after newer ones')
    .addOption(
      new Option(
        '--max-failures <n>',
        'stop starting targets after more failures than this: 2, or 5%; 0: after the first',
      ).argParser(parseMaxFailures),
    )
    .addOption(
      new Option(
        '--allow-failures <n>',
        'exit code 0 although so many targets failed: 1, or 2%; they are reported all the same',
      ).argParser(parseMaxFailures),
    )
    .option(
      '--verify',
      'compare each target with what its migrations make, right after; default: the first of several waves, where the config has a scratch server',
    )
    .option('--no-verify', 'compare nothing')
    .option(
      '--backup <command>',
      'shell command run per target before something destructive; if it fails, the target is left alone',
    )
  addExamples(addSelectors(command), [
    ['tenantry up', 'every active tenant'],
    ['tenantry up acme globex', 'two tenants'],
    ['tenantry up --percent 5', 'a twentieth of the fleet, the same one every time'],
    ['tenantry up --to 0042 --max-failures 2%', 'up to 0042, and stop when more than 2% fail'],
    ['tenantry up --label tier=gold --dry-run', 'what would run for gold tenants'],
    ['tenantry up --verify', 'and look whether each schema is what its migrations make'],
    ["tenantry up --backup './backup.sh'", 'a backup of each target that would lose something'],
  ])
  command.action((tenants: string[], flags: UpFlags) =>
    invoke(command, (session) => {
      sayVersionIsIgnored(session)
      const options = readPlanOptions(tenants, flags)
      return flags.dryRun ? carryOutPlan(session, options, null) : carryOutUp(session, options, flags)
    }),
  )
}

async function carryOutUp(session: Session, planOptions: PlanOptions, flags: UpFlags) {
  const options: UpOptions = {
    ...planOptions,
    ...(flags.maxFailures && { maxFailures: flags.maxFailures }),
    ...(flags.verify !== undefined && { verify: flags.verify }),
    ...(flags.backup !== undefined && { backup: flags.backup }),
    signal: session.watchInterrupts(),
  }
  const tenantry = await session.open()
  const report = await tenantry.up(options)
  session.print(report, printRun)
  return exitCodeWithin(report, flags.allowFailures)
}

function sayVersionIsIgnored(session: Session): void {
  const version = session.host.env.DB_MIGRATION_VERSION
  if (version) {
    session.notice({
      rule: 'variable-ignored',
      message: `DB_MIGRATION_VERSION=${version} is ignored by \`up\`; it is for \`down\`.`,
      hint: `\`--to ${version}\` does that for \`up\``,
    })
  }
}
