import { guardCode } from '../engine/code-guard.ts'
import type { DataBatch } from '../model/data-change.ts'
import { type Connection, DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import { describeThrown } from '../model/thrown.ts'

const control =
  /^\s*(?:begin|start\s+transaction|commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|prepare\s+transaction|xa|lock\s+tables|unlock\s+tables|set\s+(?:session\s+)?autocommit|create|alter|drop|truncate|rename)\b/i

/**
 * Runs the function of a change inside the batch's transaction. null: it returned, and nothing that it sent failed. A
 * failure of the server counts also where the function swallowed it: the server may have undone everything before it.
 */
export async function runBatchCode<Given extends object = Omit<DataBatch, 'query'>>(
  batch: (given: Given & Pick<DataBatch, 'query'>) => Promise<unknown>,
  connection: Connection,
  limits: {
    limitMs: number
    cancel: AbortSignal
    discard: () => Promise<void>
    called?: 'batch' | 'seed'
    /** Once it took so long the next query is refused as one that took too long: what it has changed is locked. */
    cutMs?: number
  },
  given: Given,
): Promise<{ failure: DatabaseFailure; final: boolean } | null> {
  const { called = 'batch', cutMs = Number.POSITIVE_INFINITY } = limits
  const startedAt = performance.now()
  let open = true
  const inFlight = new Set<Promise<unknown>>()
  let failure: DatabaseFailure | null = null
  const query: DataBatch['query'] = async (text, values) => {
    if (!open) throw new Error(`the ${called} is over: await every query before the function returns`)
    if (control.test(text)) {
      const words = /\S+/.exec(text)?.[0]?.toUpperCase()
      failure ??= plainFailure(
        `${words} has no place in a ${called}, which is committed ${called === 'batch' ? 'with its cursor ' : ''}as a whole`,
      )
      throw new Error(failure.message)
    }
    if (performance.now() - startedAt > cutMs) {
      failure ??= { ...plainFailure(`the ${called} took longer than ${cutMs} ms`), kind: 'statement-timeout' }
      throw new Error(failure.message)
    }
    const asked = connection.query(text, values)
    inFlight.add(asked)
    try {
      return await asked
    } catch (error) {
      if (error instanceof DatabaseError) failure ??= error.failure
      throw error
    } finally {
      inFlight.delete(asked)
    }
  }
  let timer: NodeJS.Timeout | undefined
  let stopListening = () => {}
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not return within ${limits.limitMs / 1000} s`)), limits.limitMs)
    const cancelled = () => reject(new Error('the run was cancelled'))
    limits.cancel.addEventListener('abort', cancelled, { once: true })
    stopListening = () => limits.cancel.removeEventListener('abort', cancelled)
  })
  let stray: { error: unknown } | null = null
  try {
    await Promise.race([
      guardCode(
        async () => batch({ ...given, query }),
        (error) => {
          stray ??= { error }
        },
      ),
      late,
    ])
    open = false
    // What it did not wait for is part of the transaction, too.
    await Promise.allSettled(inFlight)
    // Assigned in closures, which the compiler does not follow.
    const swallowed = failure as DatabaseFailure | null
    if (swallowed !== null) return { failure: swallowed, final: false }
    const lost = stray as { error: unknown } | null
    return lost === null
      ? null
      : { failure: plainFailure(describeThrown(lost.error, process.env).message), final: true }
  } catch (error) {
    open = false
    const known = failure as DatabaseFailure | null
    if (known !== null) return { failure: known, final: known.sqlstate === null && known.kind === 'statement' }
    // Something of it may still run on this connection.
    await limits.discard()
    return { failure: plainFailure(describeThrown(error, process.env).message), final: true }
  } finally {
    clearTimeout(timer)
    stopListening()
    late.catch(() => {})
  }
}

function plainFailure(message: string): DatabaseFailure {
  return { kind: 'statement', message, detail: null, sqlstate: null, position: null }
}
