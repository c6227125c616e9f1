import { AsyncLocalStorage } from 'node:async_hooks'
import { refuseExit } from '../formats/refuse-exit.ts'
import { CodeFault } from '../model/code.ts'

/** A run of foreign code. */
interface Guarded {
  onStray(error: unknown): void
  fail(error: unknown): void
}

/** Whose code is on the stack, also in what it left behind. */
const current = new AsyncLocalStorage<Guarded>()
const running = new Set<Guarded>()
let allowExit: () => void = () => {}

/**
 * Runs foreign code so that it cannot end the process. `process.exit` throws a {@link CodeFault} of `exit` into it, and
 * fails the run at once, whatever the code makes of that; so does an exception that nobody could catch, since what it
 * would have settled may never be. Rejections that nobody handles go to `onStray`.
 *
 * What cannot be told whose it is goes to `onStray` of all that run. While none runs, nothing of the process is changed.
 */
export async function guardCode<T>(run: () => Promise<T>, onStray: (error: unknown) => void): Promise<T> {
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const guarded: Guarded = { onStray, fail }
  if (running.size === 0) install()
  running.add(guarded)
  try {
    const result = current.run(guarded, async () => run())
    // Failed by `fail`, it is left behind, and its own end is no news.
    result.catch(() => {})
    const value = await Promise.race([result, failed])
    // A rejection is told only when all that is ready has run; and in the same turn `failed` must win.
    await new Promise((resolve) => setImmediate(resolve))
    return await Promise.race([failed, Promise.resolve(value)])
  } finally {
    running.delete(guarded)
    if (running.size === 0) uninstall()
  }
}

function install(): void {
  process.on('uncaughtException', takeException)
  process.on('unhandledRejection', takeRejection)
  allowExit = refuseExit(refuseFromCode)
}

function uninstall(): void {
  process.off('uncaughtException', takeException)
  process.off('unhandledRejection', takeRejection)
  allowExit()
}

function refuseFromCode(code?: number | string | null): void {
  const guarded = current.getStore()
  if (guarded === undefined) return
  const fault = () => new CodeFault('exit', `it called process.exit(${code ?? ''})`)
  guarded.fail(fault())
  throw fault()
}

function takeException(error: unknown, origin: string): void {
  // Node tells rejections here, too, when asked to be strict.
  if (origin === 'unhandledRejection') {
    takeRejection(error)
    return
  }
  const guarded = current.getStore()
  if (guarded === undefined) tellAll(error)
  else if (running.has(guarded)) guarded.fail(error)
  else guarded.onStray(error)
}

function takeRejection(error: unknown): void {
  // It has failed the run already.
  if (error instanceof CodeFault && error.kind === 'exit') return
  const guarded = current.getStore()
  if (guarded === undefined) tellAll(error)
  else guarded.onStray(error)
}

/**
 * For whoever ends the process on what nobody caught: true where it comes from code of a migration, also from a run
 * that is over, and has been told to that run.
 */
export function takeStray(error: unknown): boolean {
  const guarded = current.getStore()
  if (guarded === undefined) return false
  // While code runs, the listeners above hear of it, too.
  if (running.size === 0) guarded.onStray(error)
  return true
}

function tellAll(error: unknown): void {
  for (const { onStray } of running) onStray(error)
}
