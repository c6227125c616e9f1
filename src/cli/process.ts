import { createInterface } from 'node:readline/promises'
import { text as readText } from 'node:stream/consumers'
import { takeStray } from '../engine/code-guard.ts'
import { openTenantryLazily } from './open.ts'
import { printError } from './print/error.ts'
import { runCli } from './run.ts'
import type { CliHost } from './session.ts'

/** Runs the command line of this process and ends the process with the exit code. */
export async function runProcess(): Promise<void> {
  const argv = process.argv.slice(2)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  const host: CliHost = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    signals: process,
    exit: (code) => process.exit(code),
    open: openTenantryLazily,
    ...(!process.stdin.isTTY && { readInput: () => readText(process.stdin) }),
    ...(process.stdin.isTTY && process.stderr.isTTY && { ask: askPerson, askText }),
  }
  const end = (error: unknown) => {
    if (!takeStray(error)) process.exit(printError(error, argv, host))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  const exitCode = await runCli(argv, host)
  await Promise.all([flush(process.stdout), flush(process.stderr)])
  // A pool that the user's own config opened would keep the process alive for ever.
  process.exit(exitCode)
}

/** Anything but yes is no. */
async function askPerson(question: string): Promise<boolean> {
  return /^\s*y(es)?\s*$/i.test(await askText(question))
}

async function askText(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // It takes the key for itself.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** `tenantry status | head` ends the reader early; the command goes on to its own end and exit code. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
