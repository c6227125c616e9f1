import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { exitCodeOfDocument } from '../exit-code.ts'
import { parseSeconds } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printWait } from '../print/wait.ts'

const defaultSeconds = 60

export function addWait(program: Command, invoke: Invoke): void {
  const command = program
    .command('wait')
    .summary('wait until the servers of the config answer')
    .description(
      'Waits until every server of the config, and the registry, lets somebody log in: for containers that start together ' +
        'with their database. Exit code 1 if one does not within the limit.',
    )
    .option('--timeout <seconds>', `how long to wait in all; default: ${defaultSeconds}`, parseSeconds)
  addExamples(command, [
    ['tenantry wait', 'a minute at most'],
    ['tenantry wait --timeout 300 && tenantry up', 'then migrate'],
  ])
  command.action((flags: { timeout?: number }) =>
    invoke(command, async (session) => {
      const { drain } = session.watchInterrupts()
      const tenantry = await session.open()
      const report = await tenantry.wait({ timeoutMs: (flags.timeout ?? defaultSeconds) * 1000, signal: drain })
      session.print(report, printWait)
      return drain.aborted ? 130 : exitCodeOfDocument(report)
    }),
  )
}
