import { type Command, Option } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import type { DownOptions, Tenantry } from '../../model/report.ts'
import { addExamples } from '../examples.ts'
import { exitCodeOf } from '../exit-code.ts'
import { addSelectors, parseCount, parseMaxFailures, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printRun } from '../print/run.ts'
import { chooseUndo, type ResolveMigration } from '../undo-choice.ts'

interface DownFlags extends SelectorFlags {
  steps?: number
  to?: string
  batch?: boolean
  rollout?: string
  force?: boolean
  unproven?: boolean
  allowDataLoss?: boolean
  allowChanged?: boolean
  maxFailures?: { count: number } | { percent: number }
  backup?: string
}

export function addDown(program: Command, invoke: Invoke): void {
  const command = program
    .command('down [migration] [tenant...]')
    .summary('undo: the last migration, or a named one')
    .description(
      'Undoes the last applied migration of each selected target; or exactly the one that is named first. A first ' +
        'word that names no migration is a tenant; with --steps, --to, --batch or --rollout every word is one. DB_MIGRATION_VERSION ' +
        'stands for --to where nothing else says what to undo.',
    )
    .option('--steps <n>', 'undo the last n migrations', parseCount)
    .option('--to <migration>', 'undo everything after this one, which stays')
    .option('--batch', 'undo the last batch, where the history counts batches (Knex)')
    .option('--rollout <id>', 'undo exactly what this rollout applied, where it applied it')
    .option('--unproven', 'in several tenants also what `prove` has not tried out, or found not to work')
    .option('--force', 'also where migrations that stay applied name what is taken away')
    .option('--allow-data-loss', 'also where tables or columns that hold rows are dropped')
    .option('--allow-changed', 'go on where an applied file was changed afterwards')
    .addOption(
      new Option('--max-failures <n>', 'stop starting targets after more failures than this: 2, or 5%').argParser(
        parseMaxFailures,
      ),
    )
    .option(
      '--backup <command>',
      'shell command run per target before something destructive; if it fails, the target is left alone',
    )
  addExamples(addSelectors(command), [
    ['tenantry down acme', 'the last migration of one tenant'],
    ['tenantry down 0042_add_email', 'exactly this one, everywhere: proved first with `tenantry prove`'],
    ['tenantry down 0042_add_email acme globex', 'exactly this one, in two tenants'],
    ['tenantry down --steps 2 acme', 'the last two'],
    ['tenantry down --to 0040 --label tier=test', 'everything after 0040'],
    ['tenantry down --batch acme', "the last batch, as Knex's rollback"],
    ['tenantry down --rollout r_01JC0PXJ2M3V9A6QK4W8E5T7BN', 'what one rollout applied, and nothing else'],
  ])
  command.action((migration: string | undefined, tenants: string[], flags: DownFlags) =>
    invoke(command, async (session) => {
      const given = [
        flags.steps !== undefined && '`--steps`',
        flags.to !== undefined && '`--to`',
        flags.batch && '`--batch`',
        flags.rollout !== undefined && '`--rollout`',
      ]
      const [one, other] = given.filter(Boolean)
      if (other)
        throw new TenantryError('USAGE', `${one} and ${other} say two different things.`, { hint: 'Give one of them.' })
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const words = migration === undefined ? [] : [migration, ...tenants]
      const version = session.host.env.DB_MIGRATION_VERSION
      const choice = await chooseUndo(words, flags, version, resolverOf(tenantry), tenantry.namesTenant?.bind(tenantry))
      if (choice.notice !== null) session.notice(choice.notice)
      const options: DownOptions = {
        selectors: readSelectors(choice.tenants, flags),
        ...choice.undo,
        ...(flags.force && { force: true }),
        ...(flags.unproven && { unproven: true }),
        ...(flags.allowDataLoss && { allowDataLoss: true }),
        ...(flags.allowChanged && { allowChanged: true }),
        ...(flags.maxFailures && { maxFailures: flags.maxFailures }),
        ...(flags.backup !== undefined && { backup: flags.backup }),
        signal,
      }
      const report = await tenantry.down(options)
      session.print(report, printRun)
      return exitCodeOf(report)
    }),
  )
}

function resolverOf(tenantry: Tenantry): ResolveMigration | null {
  return tenantry.resolveMigration?.bind(tenantry) ?? null
}
