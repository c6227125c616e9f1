import type { Command } from 'commander'

/** A command line and what it is for. */
export type Example = readonly [commandLine: string, purpose: string]

const examplesOf = new WeakMap<Command, readonly Example[]>()

/** Shows the examples at the end of the command's help, and in `docs/cli.md`. */
export function addExamples(command: Command, examples: readonly Example[]): Command {
  examplesOf.set(command, examples)
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, purpose]) => `  ${line.padEnd(width)}  # ${purpose}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

export function readExamples(command: Command): readonly Example[] {
  return examplesOf.get(command) ?? []
}
