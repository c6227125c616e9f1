import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import type { PlanOptions } from '../../model/report.ts'
import { addExamples } from '../examples.ts'
import { exitCodeOf } from '../exit-code.ts'
import { addSelectors } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { type PlanFlags, readPlanOptions } from '../plan-options.ts'
import { printPlan } from '../print/plan.ts'
import type { Session } from '../session.ts'

interface PlanCommandFlags extends PlanFlags {
  out?: string
}

export function addPlan(program: Command, invoke: Invoke): void {
  const command = program
    .command('plan [tenant...]')
    .summary('what would run where, and what is wrong; read-only')
    .description(
      'Shows what `up` would run and where, and what is wrong. Changes nothing. Exit code 3: something needs a person.',
    )
    .option('--to <migration>', 'up to and including this one (its id, or a unique number)')
    .option('--allow-changed', 'as for `up`')
    .option('--strict-order', 'as for `up`')
    .option('--out <file>', 'write the plan to a file too, as JSON')
  addExamples(addSelectors(command), [
    ['tenantry plan', 'the whole fleet'],
    ['tenantry plan --verbose', 'with the reason for each transaction mode'],
    ['tenantry plan acme --to 0042', 'one tenant, up to 0042'],
    ['tenantry plan --out plan.json', 'keep it'],
  ])
  command.action((tenants: string[], flags: PlanCommandFlags) =>
    invoke(command, (session) => carryOutPlan(session, readPlanOptions(tenants, flags), flags.out ?? null)),
  )
}

/** Prints the plan, and writes it to `out` where that is given. Throws `USAGE` when the file cannot be written. */
export async function carryOutPlan(session: Session, options: PlanOptions, out: string | null) {
  const tenantry = await session.open()
  const report = await tenantry.plan(options)
  if (out !== null) {
    try {
      await writeFile(resolve(session.host.cwd, out), `${JSON.stringify(report, null, 2)}\n`)
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
      throw new TenantryError('USAGE', `\`--out ${out}\` cannot be written (${reason}).`, {
        cause,
        hint: 'Name a file in a folder that exists and can be written to.',
      })
    }
  }
  session.print(report, printPlan)
  return exitCodeOf(report)
}
