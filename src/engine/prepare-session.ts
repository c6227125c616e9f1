import type { Connection } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { ScriptStatement, Segment } from '../model/script.ts'
import { schemaOf, type TargetWork, transactionSettings } from './work.ts'

/** Makes the settings of a statement that runs outside a transaction. Throws POOLER_UNSUPPORTED, `DatabaseError`. */
export async function prepareSession(
  work: TargetWork,
  connection: Connection,
  migration: string,
  segment: Segment,
  statement: ScriptStatement,
): Promise<void> {
  const { dialect, target } = work
  if (await connection.isPooled()) {
    const pathless = schemaOf(work) === null ? null : dialect.poolerObstacle(statement, schemaOf(work))
    const settings = [
      ...(segment.settings.length > 0 ? ['the file'] : []),
      ...(work.session.length > 0 ? ['the config'] : []),
    ]
    const obstacle = settings.length > 0 ? `${settings.join(' and ')} makes session settings for it` : pathless
    if (obstacle === null) return
    const { line, column } = statement.locate(schemaOf(work))
    throw new TenantryError(
      'POOLER_UNSUPPORTED',
      `Migration ${migration} cannot run in ${target.name} through a transaction pooler: ${statement.kind} (line ${line}) must run outside a transaction, and ${obstacle}.`,
      {
        hint: 'Write the names with their schema ("public"."orders" is moved to the tenant\'s schema), or give this server a URL that goes past the pooler.',
        context: { target: target.name, set: work.set, migration, line, column },
      },
    )
  }
  // A lock time-out would cancel a concurrent build half-way and leave an invalid index behind.
  const settings = { ...transactionSettings(work), ...(segment.exclusive ? { lockTimeoutMs: 0 } : {}) }
  for (const sql of dialect.sessionSettings(settings, connection.version)) await connection.query(sql)
  for (const carried of segment.settings) await connection.query(carried.text(schemaOf(work)))
}
