import { type Connection, DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import { openingOf, type Walk } from './walk.ts'

/**
 * Does something in a transaction with the walk's settings and commits it; `look`: rolls it back, since nothing was
 * changed. Throws `DatabaseError`; what was done is undone then.
 */
export async function inTransaction<T>(
  walk: Walk,
  mode: 'change' | 'look',
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { connection } = walk.session
  const { commit, rollback } = walk.dialect.phrases
  await send(connection, openingOf(walk, connection.version, { limitMs: null, durable: true }).statements)
  try {
    const result = await work(connection)
    await send(connection, [mode === 'change' ? commit : rollback])
    return result
  } catch (error) {
    if (!connection.broken) await connection.query(rollback).catch(() => [])
    throw error
  }
}

/** Statements in order. Throws `DatabaseError`. */
export async function send(connection: Connection, statements: readonly string[]): Promise<void> {
  const { failure } = await connection.pipeline(statements)
  if (failure !== null) throw new DatabaseError(failure)
}

export function failureOf(error: unknown): DatabaseFailure | null {
  return error instanceof DatabaseError ? error.failure : null
}
