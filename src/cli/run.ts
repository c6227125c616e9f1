import { type Command, CommanderError } from 'commander'
import { TenantryError } from '../model/errors.ts'
import type { ExitCode } from './exit-code.ts'
import type { GlobalFlags } from './flags.ts'
import { printError } from './print/error.ts'
import { buildProgram, listCommands } from './program.ts'
import { type CliHost, startSession } from './session.ts'
import { isHelpOrVersion, refuseLaterCommand, toUsageError } from './usage.ts'

/** Carries out one command line; prints everything there is to print; returns the exit code and never throws. */
export async function runCli(argv: readonly string[], host: CliHost): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  let shell = 'tenantry'
  const program = buildProgram(async (command, work) => {
    const session = startSession(host, nameOf(command), command.optsWithGlobals<GlobalFlags>(), argv)
    shell = session.style.shell
    try {
      exitCode = await work(session)
    } finally {
      await session.close()
    }
  })
  const json = argv.includes('--json')
  const output = {
    writeOut: (text: string) => host.stdout.write(text),
    writeErr: (text: string) => (json ? undefined : host.stderr.write(text)),
    // Errors are printed below, in one way for all of them.
    outputError: () => {},
    getOutHelpWidth: () => host.stdout.columns || 100,
    getErrHelpWidth: () => host.stderr.columns || 100,
  }
  for (const command of [program, ...allCommands(program)]) command.configureOutput(output)
  try {
    refuseLaterCommand(argv)
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (isHelpOrVersion(error)) return 0
    if (!(error instanceof CommanderError)) return printError(error, argv, host, shell)
    if (error.code === 'commander.help') {
      // Its help is on stderr by now; only a program still needs to hear that it was no answer.
      if (!json) return 2
      return printError(new TenantryError('USAGE', 'The command is missing.'), argv, host)
    }
    return printError(toUsageError(error, argv, listCommands(program)), argv, host)
  }
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)])
}

/** `rollout list` for the command `list` of `rollout`. */
function nameOf(command: Command): string {
  const { parent } = command
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name()
}
