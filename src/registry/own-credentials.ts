import type { StoredCredential } from '../model/registry.ts'
import { inChunks, insertRows, marks, type Query, type StoreContext, textOrNull } from './store-context.ts'

const columns = ['tenant_id', 'user_name', 'sealed', 'reference', 'updated_at'] as const

function asCredential(row: Record<string, unknown>): StoredCredential {
  return {
    tenantId: String(row.tenant_id),
    user: textOrNull(row.user_name),
    sealed: textOrNull(row.sealed),
    reference: textOrNull(row.reference),
  }
}

/** Credentials in our own table, by tenant id. */
export async function readOwnCredentials(
  { table }: StoreContext,
  query: Query,
  ids: readonly string[],
): Promise<Map<string, StoredCredential>> {
  const found = new Map<string, StoredCredential>()
  for (const chunk of inChunks([...new Set(ids)], 1000)) {
    const sql = `SELECT tenant_id, user_name, sealed, reference FROM ${table('credentials')} WHERE tenant_id IN (${marks(chunk.length)})`
    for (const row of await query(sql, chunk)) {
      const credential = asCredential(row)
      found.set(credential.tenantId, credential)
    }
  }
  return found
}

export async function pageOwnCredentials(
  { database, table }: StoreContext,
  after: string | null,
  limit: number,
): Promise<StoredCredential[]> {
  const rows = await database.query(
    `SELECT tenant_id, user_name, sealed, reference FROM ${table('credentials')} ${after === null ? '' : 'WHERE tenant_id > ?'} ORDER BY tenant_id LIMIT ${Math.trunc(limit)}`,
    after === null ? [] : [after],
  )
  return rows.map(asCredential)
}

export async function putOwnCredentials(
  { table, quote, words }: StoreContext,
  query: Query,
  credentials: readonly StoredCredential[],
): Promise<void> {
  const now = new Date().toISOString()
  const [key = '', ...others] = columns.map(quote)
  await insertRows(
    query,
    table('credentials'),
    columns.map(quote),
    credentials.map(({ tenantId, user, sealed, reference }) => [tenantId, user, sealed, reference, now]),
    words.orUpdate(key, others),
  )
}

/** What an audit line says of a stored credential: which key seals it, never what it is. */
export function describeStored(credential: StoredCredential | undefined): string {
  if (credential === undefined) return 'none'
  const { sealed, reference } = credential
  // A command may hold anything, so that only its kind is told.
  if (reference !== null) return `reference (${/^(env|file|command):/.exec(reference)?.[1] ?? 'unknown'})`
  if (sealed === null) return 'none'
  const key = /^tenantry:v\d+:([0-9a-f]{8}):/.exec(sealed)?.[1]
  return key === undefined ? 'sealed (AES-256-CBC)' : `sealed (key ${key})`
}
