import type { Extra } from './mapped-rows.ts'
import { inChunks, insertRows, marks, type Query, type StoreContext, textOrNull } from './store-context.ts'

const columns = [
  'tenant_id',
  'slug',
  'name',
  'topology',
  'state',
  'state_word',
  'server',
  'schema_name',
  'labels',
  'updated_at',
] as const

/** What we keep beside their table, by tenant id. */
export async function readExtras(
  { table }: StoreContext,
  query: Query,
  ids: readonly string[],
): Promise<Map<string, Extra>> {
  const extras = new Map<string, Extra>()
  for (const chunk of inChunks([...new Set(ids)], 1000)) {
    const sql = `SELECT ${columns.join(', ')} FROM ${table('extra')} WHERE tenant_id IN (${marks(chunk.length)})`
    for (const row of await query(sql, chunk)) extras.set(String(row.tenant_id), asExtra(row))
  }
  return extras
}

/** Ids of tenants whose slug is kept by us. */
export async function findExtraSlugs(
  { table }: StoreContext,
  query: Query,
  slugs: readonly string[],
): Promise<string[]> {
  const ids: string[] = []
  for (const chunk of inChunks(slugs)) {
    const sql = `SELECT tenant_id FROM ${table('extra')} WHERE slug IN (${marks(chunk.length)})`
    for (const row of await query(sql, chunk)) ids.push(String(row.tenant_id))
  }
  return ids
}

export async function putExtras(
  { table, quote, words }: StoreContext,
  query: Query,
  extras: ReadonlyMap<string, Extra>,
): Promise<void> {
  const now = new Date().toISOString()
  const [key = '', ...others] = columns.map(quote)
  const rows = [...extras].map(([id, extra]) => {
    const { slug, name, topology, state, stateWord, server, schema, labels } = extra
    return [id, slug, name, topology, state, stateWord, server, schema, JSON.stringify(labels), now]
  })
  await insertRows(query, table('extra'), columns.map(quote), rows, words.orUpdate(key, others))
}

function asExtra(row: Record<string, unknown>): Extra {
  return {
    slug: textOrNull(row.slug),
    name: textOrNull(row.name),
    topology: textOrNull(row.topology),
    state: textOrNull(row.state),
    stateWord: textOrNull(row.state_word),
    server: textOrNull(row.server),
    schema: textOrNull(row.schema_name),
    labels: row.labels == null ? {} : JSON.parse(String(row.labels)),
  }
}
