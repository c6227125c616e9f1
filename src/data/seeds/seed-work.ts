import type { Batches } from '../../model/batches.ts'
import { type Connection, DatabaseError, type DatabaseFailure, type Dialect } from '../../model/dialect.ts'
import type { SeedRowNote } from '../../model/seed.ts'
import type { SeededTable, SeedWords } from '../../model/seed-words.ts'
import type { Target, Tenant } from '../../model/tenant.ts'
import type { SeedBook } from './seed-book.ts'
import type { Seed } from './seed-file.ts'

/** One file in one target (or for one of its tenants), in an open transaction. */
export interface SeedWork {
  seed: Seed
  target: Target
  connection: Connection
  dialect: Dialect
  words: SeedWords
  batches: Batches
  /** Where the target's tables are; null: where the connection's unqualified names lead. */
  schema: string | null
  book: SeedBook
  /** Whose rows; null: nobody's, or those of all. */
  tenant: Tenant | null
  /** Tables that have this column hold rows of several tenants; null: tenants share none. */
  tenantColumn: string | null
  /** A file before it was left out, so that rows may be missing that it would have made (dry run). */
  mayLackRows: boolean
  tables: Map<string, SeededTable | null>
}

/** Whose entries of our table: those of a tenant only where rows are told apart. */
export function bookTenant({ tenant, tenantColumn }: Pick<SeedWork, 'tenant' | 'tenantColumn'>): string | null {
  return tenantColumn === null ? null : (tenant?.id ?? null)
}

export interface SeedCounts {
  inserted: number
  updated: number
  unchanged: number
  kept: number
  removed: number
  deleted: number
  rows: SeedRowNote[]
}

export const mostNotes = 100

export function emptyCounts(): SeedCounts {
  return { inserted: 0, updated: 0, unchanged: 0, kept: 0, removed: 0, deleted: 0, rows: [] }
}

/** Counts a row; the first ones are named. */
export function count(counts: SeedCounts, state: SeedRowNote['state'], row: string, why: string | null = null): void {
  counts[state]++
  if (counts.rows.length < mostNotes) counts.rows.push({ row, state, why })
}

/** Where in a file something failed. */
export interface SeedPlace {
  /** `name=Admin`. */
  row?: string
  line?: number
  column?: number
}

/** Ends a file in one target. */
export class SeedStopped extends Error {
  readonly place: SeedPlace
  /** null: it is refused as it is written, `message` says why. */
  readonly failure: DatabaseFailure | null
  readonly hint: string | undefined

  constructor(message: string, place: SeedPlace, more: { failure?: DatabaseFailure; hint?: string } = {}) {
    super(message)
    this.place = place
    this.failure = more.failure ?? null
    this.hint = more.hint
  }
}

/** Statements in order; a refusal names the row or the place that the statement at fault is for. */
export async function sendEach(
  connection: Connection,
  statements: readonly string[],
  placeOf: (index: number, failure: DatabaseFailure) => SeedPlace,
): Promise<void> {
  if (statements.length === 0) return
  const { done, failure } = await connection.pipeline(statements)
  if (failure !== null) throw new SeedStopped(failure.message, placeOf(done, failure), { failure })
}

/** Asks something that is for one row. */
export async function ask(
  connection: Connection,
  sql: string,
  place: SeedPlace = {},
): Promise<Record<string, unknown>[]> {
  try {
    return await connection.query(sql)
  } catch (error) {
    if (error instanceof DatabaseError) throw new SeedStopped(error.failure.message, place, { failure: error.failure })
    throw error
  }
}

/** A table by the name a file gives it, looked up once. Null: there is none. */
export async function findTable(work: SeedWork, name: string, isReferred: boolean): Promise<SeededTable | null> {
  const key = `${isReferred}\0${name}`
  const known = work.tables.get(key)
  if (known !== undefined) return known
  // What rows refer to may be shared by all tenants; what is written must be the target's own.
  const found =
    (await work.words.table(work.connection, work.schema, name)) ??
    (isReferred && work.schema !== null ? await work.words.table(work.connection, null, name) : null)
  work.tables.set(key, found)
  return found
}
