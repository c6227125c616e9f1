import { type ErrorDocument, isTenantryError } from '../../model/errors.ts'
import { adviseWith } from '../advice.ts'
import { exitCodeOfError } from '../exit-code.ts'
import type { CliHost } from '../session.ts'
import { type Colors, chooseColors, redact, showControls } from '../text.ts'
import { nameCommand } from '../usage.ts'

/**
 * Prints what stopped the command: on stderr for people, as the one document on stdout with `--json`. Returns the
 * exit code. Reads the flags from `argv`, since they may be what could not be parsed.
 */
export function printError(
  error: unknown,
  argv: readonly string[],
  host: Pick<CliHost, 'stdout' | 'stderr' | 'env'>,
  shell = 'tenantry',
) {
  const document = adviseWith(toErrorDocument(error), shell)
  if (argv.includes('--json')) {
    const command = nameCommand(argv)
    host.stdout.write(`${JSON.stringify({ command, ok: false, error: document }, null, 2)}\n`)
  } else {
    const colors = chooseColors(host.stderr.isTTY === true, !argv.includes('--no-color'), host.env)
    const stack = argv.includes('--verbose') && document.code === 'INTERNAL' ? stackOf(error) : ''
    host.stderr.write(
      `${[...describeError(showControls(document), colors), ...(stack ? [showControls(stack)] : [])].join('\n')}\n`,
    )
  }
  return exitCodeOfError(error)
}

/** `error: …`, its code, and the hint. */
export function describeError({ code, message, hint }: ErrorDocument, colors: Colors): string[] {
  return [
    `${colors.red('error:')} ${message} ${colors.dim(`(${code})`)}`,
    ...(hint === null ? [] : [`${colors.bold('hint:')} ${hint}`]),
  ]
}

/** Anything that is not an error of ours is a defect: `INTERNAL`, with what it said, credentials blanked out. */
export function toErrorDocument(error: unknown): ErrorDocument {
  if (isTenantryError(error)) {
    return { code: error.code, message: error.message, hint: error.hint, context: error.context }
  }
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return {
    code: 'INTERNAL',
    message: `tenantry met something it did not expect: ${redact(said)}`,
    hint: 'This is a defect of tenantry. Run the command again with --verbose and report what it prints (`npm bugs tenantry` opens the place). What was applied is recorded; running again continues.',
    context: {},
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error && error.stack ? redact(error.stack) : ''
}
