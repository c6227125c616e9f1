import type { Connection } from '../model/dialect.ts'
import { conditionOf, type Walk } from './walk.ts'

/** Which rows a batch is about. */
export interface BatchRange {
  from: readonly string[]
  to: readonly string[]
  /** Empty where nobody asks for each of them. */
  keys: readonly (readonly string[])[]
  rows: number
}

/**
 * The next rows behind a key, in its order; null: there are none. Where only the ends are needed the server counts
 * them off in the index, and nothing else travels.
 */
export async function findBatch(
  walk: Walk,
  connection: Connection,
  cursor: readonly string[] | null,
  rows: number,
): Promise<BatchRange | null> {
  const { table, compiled } = walk
  const texts = table.key.map(({ asText }, i) => `${asText} AS tenantry_k${i}`).join(', ')
  const order = table.key.map(({ name }) => name).join(', ')
  const some = (tail: string) =>
    `SELECT ${texts} FROM ${table.place}${conditionOf(walk, cursor)} ORDER BY ${order} ${tail}`
  if (compiled !== null && !compiled.parameters.has('keys')) {
    const [first, last] = await connection.query(
      `SELECT 1 AS tenantry_end, a.* FROM (${some('LIMIT 1')}) a UNION ALL SELECT 2 AS tenantry_end, b.* FROM (${some(`LIMIT 1 OFFSET ${rows - 1}`)}) b ORDER BY tenantry_end`,
    )
    if (first === undefined) return null
    if (last !== undefined) return { from: keyOf(walk, first), to: keyOf(walk, last), keys: [], rows }
  }
  const keys = (await connection.query(some(`LIMIT ${rows}`))).map((row) => keyOf(walk, row))
  const [from] = keys
  const to = keys.at(-1)
  return from === undefined || to === undefined ? null : { from, to, keys, rows: keys.length }
}

/** A key as people and functions see it. */
export function plainKey({ table }: Walk, key: readonly string[]): string[] {
  return key.map((text, i) => table.key[i]?.value?.(text) ?? text)
}

function keyOf({ table }: Walk, row: Record<string, unknown>): string[] {
  return table.key.map((_, i) => String(row[`tenantry_k${i}`]))
}
