import { relative } from 'node:path'
import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { isUnreached } from '../exit-code.ts'
import { addSelectors, readSelectors, type SelectorFlags } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { printAdopt } from '../print/adopt.ts'

interface AdoptFlags extends SelectorFlags {
  write?: boolean
}

export function addAdopt(program: Command, invoke: Invoke): void {
  const command = program
    .command('adopt [tenant...]')
    .summary('look at what is there, before it is believed')
    .description(
      "Finds the migrations' format and every target's history by itself, and shows what it found: what is applied, " +
        'pending, failed or odd, which targets have no history, and what is there that no history explains. Changes ' +
        'nothing in any database. Works without a config, from DATABASE_URL or DB_*. Exit code 3: something needs a person.',
    )
    .option('--write', 'write tenantry.config.ts too, where there is no config')
  addExamples(addSelectors(command), [
    ['tenantry adopt', 'the whole fleet, grouped by what was found'],
    ['tenantry adopt acme', 'one tenant'],
    ['tenantry adopt --write', 'and write a config to begin with'],
    ['tenantry adopt --json', 'each target, for programs'],
  ])
  command.action((tenants: string[], flags: AdoptFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const selectors = readSelectors(tenants, flags)
      const report = await tenantry.adopt({ selectors, ...(flags.write && { write: true }) })
      const { cwd } = session.host
      const config = report.config === null ? null : relative(cwd, report.config)
      const sets = report.sets.map((set) => ({ ...set, dirs: set.dirs.map((dir) => relative(cwd, dir) || '.') }))
      session.print({ ...report, config, sets }, printAdopt)
      const targets = report.sets.flatMap((set) => set.targets)
      return isUnreached(targets) ? 1 : report.ok ? 0 : 3
    }),
  )
}
