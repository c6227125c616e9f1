import type { Command } from 'commander'
import type { VerifyReport } from '../../model/check-report.ts'
import { addExamples } from '../examples.ts'
import { type ExitCode, isUnreached } from '../exit-code.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printVerify } from '../print/verify.ts'

export function addVerify(program: Command, invoke: Invoke): void {
  const command = program
    .command('verify [tenant...]')
    .summary('look over histories, schemas and catalogs: what needs a person')
    .description(
      'Looks every selected target over: required tables, changed and missing files, migrations that stopped half-way or ' +
        'come late, objects that the history claims and the schema lacks, invalid indexes, constraints that are NOT VALID, ' +
        'sequences behind their column, shared tables that are not set apart, rows hidden from the migration role. ' +
        'Changes nothing in any tenant. Pending migrations are no finding: `check` tells those. Exit code 3: something needs a person.',
    )
  addExamples(addSelectors(command), [
    ['tenantry verify', 'the whole fleet; the same finding is one line'],
    ['tenantry verify acme', 'one tenant'],
    ['tenantry verify --verbose', 'every target of each finding'],
    ['tenantry verify --json', 'every finding of every target, for programs'],
  ])
  command.action((tenants: string[], flags: SelectorFlags) =>
    invoke(command, async (session) => {
      const signal = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.verify({ selectors: readSelectors(tenants, flags), signal })
      session.print(report, printVerify)
      return exitCodeOfVerify(report)
    }),
  )
}

/** 1: a server could not be reached. 3: something needs a person. */
function exitCodeOfVerify({ ok, targets }: VerifyReport): ExitCode {
  if (isUnreached(targets)) return 1
  return ok ? 0 : 3
}
