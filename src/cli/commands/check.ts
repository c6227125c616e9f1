import { type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { exitCodeWithin } from '../exit-code.ts'
import { addSelectors, parseMaxFailures, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printCheck } from '../print/check.ts'

interface CheckFlags extends SelectorFlags {
  allowFailures?: { count: number } | { percent: number }
}

export function addCheck(program: Command, invoke: Invoke): void {
  const command = program
    .command('check [tenant...]')
    .summary('exit code 3 if anything is pending, failed, changed or missing')
    .description(
      'For readiness probes and CI: one line, and exit code 0 if everything is up-to-date, 3 if anything is pending, ' +
        'failed, changed or missing, 1 if a server cannot be reached. Changes nothing.',
    )
    .addOption(
      new Option('--allow-failures <n>', 'exit code 0 although so many targets need a person: 1, or 2%').argParser(
        parseMaxFailures,
      ),
    )
  addExamples(addSelectors(command), [
    ['tenantry check', 'the whole fleet'],
    ['tenantry check --quiet --set tenant', 'in a probe'],
    ['tenantry check && node server.js', 'start only on an up-to-date fleet'],
  ])
  command.action((tenants: string[], flags: CheckFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.check({ selectors: readSelectors(tenants, flags) })
      session.print(report, printCheck)
      return exitCodeWithin(report, flags.allowFailures)
    }),
  )
}
