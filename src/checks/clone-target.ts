import { type Connection, DatabaseError, type Dialect } from '../model/dialect.ts'
import { ledgerTable } from '../model/history.ts'
import type { Notice } from '../model/migration.ts'
import { type Creation, type ObjectKind, objectKinds, ownSchema } from '../model/picture.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'

/** Made when the rows are there: what would refuse them in another order, or change them on their way. */
const afterRows: ReadonlySet<ObjectKind> = new Set(['foreign-key', 'trigger', 'rule', 'policy', 'event'])

/** Not cloned: roles are those of another server. */
const cloned: readonly ObjectKind[] = objectKinds.filter((kind) => kind !== 'grant')

/**
 * Makes everything that a target's schema holds again in a scratch place, with the rows of its books (history and
 * ledger), or all rows. The target is only read. Throws `DatabaseError`.
 * @param into session with the scratch place, for nothing else
 */
export async function cloneTarget(
  fleet: Fleet,
  from: Target,
  to: Target,
  into: Connection,
  history: { table: string; schema: string | null },
  withData: boolean,
): Promise<Notice[]> {
  const { server, database, schema = null } = from.placement
  const dialect = fleet.pool.dialect(server)
  const source = await fleet.pool.another(server, database)
  try {
    const scope = { kinds: cloned, exceptTables: [], ignore: [] }
    const picture = await dialect.pictures.describe(source, schema, scope)
    const creations = await dialect.pictures.creations(source, schema, picture?.objects ?? [])
    for (const sql of dialect.samples.beforeCopy) await into.query(sql).catch(ignoreRefusal)
    const own = await ownName(dialect, into, to)
    const [early, late] = [creations.filter(isEarly), creations.filter((one) => !isEarly(one))]
    const notices = await makeAll(dialect, into, early, own)
    await copyRows(dialect, source, into, { from: schema, to: to.placement.schema ?? null }, (name) =>
      withData ? true : name === history.table || name.startsWith(history.table) || name === ledgerTable,
    )
    notices.push(...(await makeAll(dialect, into, late, own)))
    return notices
  } finally {
    await source.close()
  }
}

const isEarly = ({ kind }: Creation) => !afterRows.has(kind)

async function makeAll(
  dialect: Dialect,
  into: Connection,
  creations: readonly Creation[],
  own: string,
): Promise<Notice[]> {
  const notices: Notice[] = []
  for (const { kind, name, statements } of creations) {
    for (const statement of statements) {
      try {
        await into.query(statement.replaceAll(ownSchema, dialect.quoteIdentifier(own)))
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.failure.kind === 'connection-lost') throw error
        notices.push({
          rule: 'not-cloned',
          message: `The ${kind} ${name} of the tenant could not be made on the scratch server: ${error.failure.message}.`,
        })
        break
      }
    }
  }
  return notices
}

async function copyRows(
  dialect: Dialect,
  source: Connection,
  into: Connection,
  schemas: { from: string | null; to: string | null },
  isWanted: (table: string) => boolean,
): Promise<void> {
  for (const table of await dialect.samples.tables(source, schemas.from, [])) {
    if (!isWanted(table.id)) continue
    for await (const statement of dialect.samples.copy(source, table, schemas.to)) await into.query(statement)
  }
  for (const statement of await dialect.samples.counters(source, schemas.from, schemas.to)) await into.query(statement)
}

/** The schema that {@link ownSchema} stands for in a target. */
export async function ownName(dialect: Dialect, into: Connection, { placement }: Target): Promise<string> {
  if (placement.schema !== undefined) return placement.schema
  if (!dialect.features.schemas) return dialect.features.ownSchema ?? placement.database
  const [row] = await into.query('SELECT current_schema()::text AS name')
  return String(row?.name ?? 'public')
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof DatabaseError) || error.failure.kind === 'connection-lost') throw error
}
