import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'
import { runBatchCode } from '../run-batch-code.ts'
import type { CompiledSeed } from './compile-seed.ts'
import type { CodeBody } from './seed-file.ts'
import { seedRows } from './seed-rows.ts'
import { bookTenant, emptyCounts, type SeedCounts, SeedStopped, type SeedWork, sendEach } from './seed-work.ts'

export interface CarryOutSeed {
  /** Null where the seed is no SQL. */
  compiled: CompiledSeed | null
  /** Our table is there. */
  hasBook: boolean
  environment: string | null
  /** How long code may take. */
  limitMs: number
  cancel: AbortSignal
  discard: () => Promise<void>
  /** It will be rolled back: code is not run. */
  dryRun: boolean
}

/** `done`: something was carried out. `nothing`: it is as it should be. */
export interface SeedDone {
  kind: 'done' | 'nothing'
  counts: SeedCounts
}

/** One seed in the open transaction of its work; not committed. Throws {@link SeedStopped}, `DatabaseError`. */
export async function carryOutSeed(work: SeedWork, task: CarryOutSeed): Promise<SeedDone> {
  const { seed, connection, book } = work
  const { body } = seed
  if (body.kind === 'rows') {
    const counts = await seedRows(work, body, task.hasBook)
    return { kind: counts.inserted + counts.updated + counts.deleted > 0 ? 'done' : 'nothing', counts }
  }
  const known = task.hasBook ? await book.readFile(connection, seed.name, bookTenant(work)) : null
  if (known === seed.checksum && !body.always) return { kind: 'nothing', counts: emptyCounts() }
  if (body.kind === 'sql') await runSql(work, task.compiled as CompiledSeed)
  else if (!task.dryRun) await runCode(work, body, task)
  if (task.hasBook) await sendEach(connection, book.noteFile(seed.name, seed.checksum, bookTenant(work)), () => ({}))
  return { kind: 'done', counts: emptyCounts() }
}

async function runSql({ connection, schema, tenant }: SeedWork, compiled: CompiledSeed): Promise<void> {
  await sendEach(
    connection,
    compiled.texts(schema, tenant),
    (index, failure) => compiled.statements[index]?.locate(schema, failure.position ?? undefined) ?? {},
  )
}

async function runCode(
  { connection, tenant, target }: SeedWork,
  body: CodeBody,
  { environment, limitMs, cancel, discard }: CarryOutSeed,
): Promise<void> {
  const who = tenant === null ? null : { id: tenant.id, slug: tenant.slug, name: tenant.name ?? null }
  const failed = await runBatchCode(
    body.run,
    connection,
    { limitMs, cancel, discard, called: 'seed' },
    { tenant: who, environment, target: target.name, signal: cancel },
  )
  if (failed !== null) throw new SeedStopped(failed.failure.message, {}, { failure: failed.failure })
}

/** The server's failure behind an error; null: it is something else. */
export function failureBehind(error: unknown): DatabaseFailure | null {
  if (error instanceof DatabaseError) return error.failure
  return error instanceof SeedStopped ? error.failure : null
}
