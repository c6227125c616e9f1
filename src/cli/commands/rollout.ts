import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import { printRollout, printRolloutList } from '../print/rollouts.ts'

export function addRollout(program: Command, invoke: Invoke): void {
  const rollout = program
    .command('rollout')
    .summary('past and running rollouts')
    .description('Shows past and running rollouts. Changes nothing.')
  addExamples(rollout, [
    ['tenantry rollout list', 'all on record, latest first'],
    ['tenantry rollout show r_01JABCDEF', 'one of them, as its summary was'],
  ])
  const list = rollout.command('list').description('Lists the rollouts on record.')
  addExamples(list, [['tenantry rollout list --json', 'for programs']])
  list.action(() =>
    invoke(list, async (session) => {
      const tenantry = await session.open()
      const rollouts = await tenantry.rollouts()
      session.print({ command: 'rollout list', ok: true, rollouts }, (cleaned, style) =>
        printRolloutList(cleaned.rollouts, style),
      )
      return 0
    }),
  )
  const show = rollout.command('show <id>').description('Shows one rollout: its waves, what ran, and what failed.')
  addExamples(show, [['tenantry rollout show r_01JABCDEF --verbose', 'with every kind of error']])
  show.action((id: string) =>
    invoke(show, async (session) => {
      const tenantry = await session.open()
      session.print(await tenantry.rollout(id), printRollout)
      return 0
    }),
  )
}
