import type { RegistryDatabase, RegistryValue } from '../model/registry.ts'
import type { RegistryWords } from '../model/registry-words.ts'
import type { ServerAddress } from '../model/server.ts'
import type { TableName } from './schema.ts'

export type Query = RegistryDatabase['query']

/** What a store of tenants works with. */
export interface StoreContext {
  database: RegistryDatabase
  words: RegistryWords
  /** Our own tables, quoted. */
  table: TableName
  quote(name: string): string
  /** The config's servers. */
  servers: ReadonlyMap<string, ServerAddress>
  /** Throws where our tables are missing, older or newer. */
  assertReady(): Promise<void>
}

/** A statement's length and its number of values stay far below every server's limits. */
const rowsPerStatement = 200

/** Items in lists that one statement can take. */
export function* inChunks<T>(items: readonly T[], size = rowsPerStatement): Iterable<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** `?, ?, ?` */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

/** Inserts rows, all of the same columns; `end` ends each statement. */
export async function insertRows(
  query: Query,
  into: string,
  columns: readonly string[],
  rows: readonly (readonly RegistryValue[])[],
  end = '',
): Promise<void> {
  for (const chunk of inChunks(rows)) {
    const tuples = chunk.map(() => `(${marks(columns.length)})`).join(', ')
    await query(`INSERT INTO ${into} (${columns.join(', ')}) VALUES ${tuples} ${end}`, chunk.flat())
  }
}

export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
