import { relative } from 'node:path'
import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'

export function addInit(program: Command, invoke: Invoke): void {
  const command = program
    .command('init')
    .summary('look at this project and write tenantry.config.ts')
    .description('Looks at this project and writes a commented tenantry.config.ts. Never overwrites a file.')
  addExamples(command, [
    ['tenantry init', 'in the folder of the project'],
    ['tenantry init --json', 'what was found, for programs'],
  ])
  command.action(() =>
    invoke(command, async (session) => {
      const { writeInit } = await import('../../config/write-init.ts')
      const { cwd } = session.host
      const { file, findings, lines } = await writeInit(cwd)
      session.print({ command: 'init', ok: true, file: relative(cwd, file), findings, lines }, (report, style) =>
        style.quiet ? [] : [`${style.colors.green('✔')} wrote ${report.file}`, ...report.lines],
      )
      return 0
    }),
  )
}
