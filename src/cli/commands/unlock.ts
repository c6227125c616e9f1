import type { Command } from 'commander'
import type { HeldLock } from '../../model/report.ts'
import { addExamples } from '../examples.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printUnlock } from '../print/unlock.ts'
import { listSome, plural } from '../text.ts'

export function addUnlock(program: Command, invoke: Invoke): void {
  const command = program
    .command('unlock [tenant...]')
    .summary("free the tool's own lock that a dead run left behind")
    .description(
      "Frees the adopted tool's own lock (Knex's lock row) where a run died and left it. A live run of tenantry is " +
        'noticed and left alone. What the tool itself locked within a day is freed only after a confirmation (--yes), ' +
        "since its live runs look the same as dead ones. tenantry's own locks never need this.",
    )
  addExamples(addSelectors(command), [
    ['tenantry unlock acme', 'one tenant; asks first where that is needed'],
    ['tenantry unlock --yes', 'everywhere, when no Knex runs anywhere'],
  ])
  command.action((tenants: string[], flags: SelectorFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const { confirm } = session
      const report = await tenantry.unlock({
        selectors: readSelectors(tenants, flags),
        ...(session.flags.yes && { yes: true }),
        ...(confirm !== null && { confirm: (held) => confirm(askAbout(held)) }),
      })
      session.print(report, printUnlock)
      return report.ok ? 0 : 1
    }),
  )
}

function askAbout(held: readonly HeldLock[]): string {
  const names = listSome(
    held.map(({ target, since }) => (since === null ? target : `${target} (since ${since})`)),
    5,
  )
  return `The tool itself took ${plural(held.length, 'lock')}: ${names}. Is no migration of it running anywhere? Free ${held.length === 1 ? 'it' : 'them'}? [y/N] `
}
