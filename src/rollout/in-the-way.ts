import type { Connection } from '../model/dialect.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { ExplainReport } from '../model/report.ts'
import type { ScriptStatement } from '../model/script.ts'
import type { Fleet } from './fleet.ts'
import { makesSomething, unconditional } from './gone-names.ts'

export type InTheWay = NonNullable<ExplainReport['targets'][number]['inTheWay']>

/** Statements that are looked up at most. */
const mostLookedUp = 20

/** The first thing that these statements make and that is there already, and whether it is the same; null: none. */
export async function findInTheWay(
  fleet: Fleet,
  plan: TargetPlan,
  migration: string,
  statements: readonly ScriptStatement[],
  connection: Connection,
): Promise<InTheWay | null> {
  const { server, database, schema = null } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  const own = schema ?? (dialect.features.schemas ? null : database)
  const making = statements.filter((one) => makesSomething({ kind: one.kind, text: one.text(schema) }))
  for (const statement of making.slice(0, mostLookedUp)) {
    const { verdict } = await dialect.probe(connection, unconditional(statement), schema)
    if (verdict === 'absent' || verdict === 'repeat') continue
    const comparison = await dialect.compareExisting(connection, statement, schema).catch(() => 'unknown' as const)
    // Nothing that was seen there: it cannot be told what is in the way.
    if (verdict === 'unknown' && comparison === 'unknown') continue
    const [made] = (await dialect.nameObjects(statement, own)).makes
    const name = made?.kind === 'column' ? `${made.table}.${made.name}` : made?.name
    const object = made === undefined ? 'what it makes' : `${made.label} ${name}`
    return { migration, statement: statement.index, object, verdict: comparison }
  }
  return null
}
