import { randomBytes } from 'node:crypto'
import type { SampleDbRules } from '../../config/resolved.ts'
import type { EngineSettings } from '../../engine/settings.ts'
import { type Connection, DatabaseError, type Dialect } from '../../model/dialect.ts'
import type { Emptying } from '../../model/emptying.ts'
import type { Target } from '../../model/tenant.ts'
import type { Books } from './choose-tables.ts'

/** One target that is made a sample, over one session. */
export interface SampleWork {
  target: Target
  /** As the server calls it. */
  database: string
  dialect: Dialect
  emptying: Emptying
  connection: Connection
  settings: EngineSettings
  rules: SampleDbRules
  books: Books
}

/** Statements in order. Throws `DatabaseError`. */
export async function send({ connection }: Pick<SampleWork, 'connection'>, statements: readonly string[]) {
  if (statements.length === 0) return
  const { failure } = await connection.pipeline(statements)
  if (failure !== null) throw new DatabaseError(failure)
}

/**
 * Does something in one transaction. `look`: it is rolled back, and nobody is held up. Throws `DatabaseError` and what
 * `work` throws; nothing was changed then, unless the connection broke while it was committed.
 */
export async function inSampleTransaction<T>(
  work: SampleWork,
  mode: 'look' | 'empty',
  carryOut: () => Promise<T>,
): Promise<T> {
  const { connection, dialect, emptying, settings, target } = work
  const schema = target.placement.schema ?? null
  const own = { ...settings, schema, session: [] }
  const mark = { lockKey: null, token: randomBytes(9).toString('base64url') }
  await send(work, [
    ...emptying.before(mode, connection.version),
    ...dialect.phrases.begin(own, mark, connection.version),
    ...emptying.opening,
  ])
  try {
    const result = await carryOut()
    await send(work, [mode === 'empty' ? dialect.phrases.commit : dialect.phrases.rollback])
    return result
  } catch (error) {
    if (!connection.broken) await send(work, [dialect.phrases.rollback]).catch(() => {})
    throw error
  }
}
