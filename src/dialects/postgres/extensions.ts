import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { Script } from '../../model/script.ts'
import { refusals } from './failure.ts'
import { advisoryKey, refuseUnless } from './phrases.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** How often the lock is tried, 100 ms apart: another runner installs meanwhile. */
const mostTries = 300

/**
 * Installs extensions once per database, in the shared schema, before the first tenant that needs them. Runners that
 * come at the same time wait for each other: `CREATE EXTENSION IF NOT EXISTS` alone races and fails with a duplicate
 * key. Throws `DatabaseError`.
 */
export async function ensureExtensions(
  connection: Connection,
  extensions: Script['extensions'],
  sharedSchema: string,
): Promise<void> {
  const names = extensions.map(({ name }) => name)
  const rows = await connection.query('SELECT extname FROM pg_extension WHERE extname = ANY($1)', [names])
  const there = new Set(rows.map(({ extname }) => String(extname)))
  const missing = extensions.filter(({ name }) => !there.has(name))
  if (missing.length === 0) return
  const creates = missing.flatMap(({ name, schema, version }) => {
    const place = quoteIdentifier(schema === null || schema === 'public' ? sharedSchema : schema)
    const pin = version === null ? '' : ` VERSION ${quoteLiteral(version)}`
    // A schema of its own may be made by the same migration, which has not run yet.
    const own = place === quoteIdentifier(sharedSchema) ? [] : [`CREATE SCHEMA IF NOT EXISTS ${place}`]
    return [...own, `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} SCHEMA ${place}${pin} CASCADE`]
  })
  const lock = refuseUnless(`pg_try_advisory_xact_lock(${advisoryKey('extensions')})`, refusals.locked, '0')
  for (let attempt = 0; ; attempt++) {
    const { failure } = await connection.pipeline(['BEGIN', `SELECT ${lock}`, ...creates, 'COMMIT'])
    if (failure === null) return
    if (failure.kind !== 'locked' || attempt >= mostTries) throw new DatabaseError(failure)
    await sleep(100)
  }
}
