import { type Command, InvalidArgumentError, Option } from 'commander'
import { readVersion } from '../../engine/package-version.ts'
import { TenantryError } from '../../model/errors.ts'
import type { LintOptions, LintReport } from '../../model/lint.ts'
import { addExamples } from '../examples.ts'
import { collect } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printLint } from '../print/lint.ts'
import { printLintForGithub } from '../print/lint-github.ts'
import { toSarif } from '../print/lint-sarif.ts'
import type { PrintStyle } from '../print/style.ts'
import type { Session } from '../session.ts'

interface LintFlags {
  set?: string[]
  after?: string
  pgVersion?: number
  maxWarnings?: number
  fleet?: boolean
  all?: boolean
  format?: 'text' | 'json' | 'sarif' | 'github'
}

export function addLint(program: Command, invoke: Invoke): void {
  const command = program
    .command('lint [migration...]')
    .summary('unsafe, unclear and unusable statements in migrations')
    .description(
      'Reads the files of migrations, all of them or the named ones, and connects to no server unless `--fleet` is given. Finds what blocks others, ' +
        'what breaks running releases, what cannot run and what is missing; each finding says why, which lock is taken ' +
        'and how to do it instead. `-- tenantry:ignore <rule> because <reason>` above a statement waives one. ' +
        'With `--fleet`, histories and sizes of tables are read, one query per database: findings are ranked by how long ' +
        'tenants would be blocked (an estimate), edits of what is applied are found, and what every active tenant has ' +
        'applied is left out. Exit code 3: an error was found, or more warnings than allowed. 1: with `--fleet`, a target ' +
        'could not be read; the rest is linted.',
    )
    .option('--set <name>', 'this set of migrations only; repeatable', collect)
    .option('--after <migration>', 'only what comes after this one; default: `lint.after` of the config')
    .option('--pg-version <major>', "the oldest PostgreSQL server's version; default: `lint.pgVersion`", parseVersion)
    .option('--fleet', 'read the real tenants: who would be blocked, for about how long, and what was edited since')
    .option('--all', 'with --fleet: also what every active tenant has applied')
    .option('--max-warnings <n>', 'more warnings than this are a failure, too', parseWarnings)
    .addOption(
      new Option('--format <format>', 'how findings are written; default: text').choices([
        'text',
        'json',
        'sarif',
        'github',
      ]),
    )
  addExamples(command, [
    ['tenantry lint', 'every migration'],
    ['tenantry lint 0042_add_currency', 'one migration'],
    ['tenantry lint --after 0041 --max-warnings 0', 'what is new, and nothing doubtful in it'],
    ['tenantry lint --fleet', 'what is pending, and which tenants it would block for how long'],
    ['tenantry lint --format github', 'annotations in a pull request'],
    ['tenantry lint --format sarif > lint.sarif', 'for code scanning'],
  ])
  command.action((migrations: string[], flags: LintFlags) =>
    invoke(command, async (session) => {
      const print = choosePrint(session, flags.format)
      const tenantry = await session.open()
      const report = await tenantry.lint(readOptions(migrations, flags))
      session.print(report, print)
      if ((report.fleet?.failures.length ?? 0) > 0) return 1
      return report.ok ? 0 : 3
    }),
  )
}

function readOptions(migrations: readonly string[], flags: LintFlags): LintOptions {
  const { set, after, pgVersion, maxWarnings, fleet, all } = flags
  if (all === true && fleet !== true) {
    throw new TenantryError('USAGE', '`--all` goes with `--fleet`.', {
      hint: 'Without --fleet every migration is linted anyway.',
    })
  }
  if (after !== undefined && migrations.length > 0) {
    throw new TenantryError('USAGE', '`--after` and a list of migrations say two different things.', {
      hint: 'Give one of them.',
    })
  }
  return {
    ...(migrations.length > 0 && { migrations }),
    ...(set !== undefined && { sets: set }),
    ...(after !== undefined && { after }),
    ...(pgVersion !== undefined && { pgVersion }),
    ...(maxWarnings !== undefined && { maxWarnings }),
    ...(fleet === true && { fleet }),
    ...(all === true && { all }),
  }
}

/** Throws USAGE where `--json` and `--format` differ. */
function choosePrint(
  { flags, host }: Session,
  format: LintFlags['format'],
): (report: LintReport, style: PrintStyle) => readonly string[] {
  if (flags.json && format !== undefined && format !== 'json') {
    throw new TenantryError('USAGE', `\`--json\` and \`--format ${format}\` say two different things.`, {
      hint: 'Give one of them.',
    })
  }
  const asJson = (document: object) => [JSON.stringify(document, null, 2)]
  switch (format) {
    case 'json':
      return asJson
    case 'sarif':
      return (report) => asJson(toSarif(report, readVersion()))
    case 'github':
      return (report) => printLintForGithub(report, host.env.GITHUB_WORKSPACE ?? host.cwd)
    default:
      return printLint
  }
}

function parseVersion(value: string): number {
  const major = Number(/^(\d+)(?:\.\d+)*$/.exec(value)?.[1])
  if (!(major >= 9 && major < 100)) throw new InvalidArgumentError('It takes a version such as 14 or 14.2.')
  return major
}

function parseWarnings(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It takes a whole number from 0.')
  return Number(value)
}
