import { comparePictures } from '../engine/compare-pictures.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { SchemaPicture } from '../model/picture.ts'
import type { RunSignals } from '../model/report.ts'
import type { Script } from '../model/script.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { migrateFrom, type OneTask } from '../rollout/migrate-one.ts'
import { nameDestructive } from '../rollout/report-plan.ts'
import type { Proof } from './proof-cache.ts'
import type { ProofPlace, RowsThen } from './proof-place.ts'

/** Where a migration is proved, and how to come to a place like it that nothing has happened in. */
export interface Proving {
  fleet: Fleet
  set: FleetSet
  place: ProofPlace
  /** Hash of the place as it is; null: not known. */
  hash: string | null
  /** A fresh place, in which everything before this migration is applied. The one before is given up. */
  renew(before: Migration): Promise<ProofPlace>
  /** Only tables without rows get some: the others have a tenant's. */
  keepRows: boolean
  signal: RunSignals | undefined
}

export interface Outcome {
  /** null: it could not even be applied; nothing after it can be proved. */
  proof: Proof | null
  error: ErrorDocument | null
  notices: readonly Notice[]
  /** The place afterwards: the migration is applied there. */
  place: ProofPlace
  hash: string | null
}

/** Puts rows in, applies a migration, undoes it, applies it again, and looks at the schema and the rows in between. */
export async function proveMigration(proving: Proving, migration: Migration): Promise<Outcome> {
  const notices: Notice[] = []
  let { place } = proving
  const undo = await findUndo(proving, migration)
  if (undo !== null) {
    const { error } = await run(proving, place, { direction: 'up', to: migration })
    if (error !== null) return { proof: null, error: withoutPlace(error), notices, place, hash: null }
    return { proof: verdict('one-way', undo), error: null, notices, place, hash: null }
  }
  const [was, filled] = await Promise.all([
    proving.hash ?? place.fingerprint(),
    place.fill({ emptyOnly: proving.keepRows }),
  ])
  notices.push(...filled.notices.map((notice) => ({ ...notice, migration: migration.id })))
  let rows: RowsThen | null = filled.rows
  const first = await run(proving, place, { direction: 'up', to: migration })
  if (first.error !== null) {
    // Rows may be in its way that no tenant had when it ran there.
    place = await proving.renew(migration)
    rows = null
    const { error } = await run(proving, place, { direction: 'up', to: migration })
    if (error !== null) return { proof: null, error: withoutPlace(error), notices, place, hash: null }
    notices.push({
      rule: 'rows-in-the-way',
      migration: migration.id,
      message: `Migration ${migration.id} cannot be applied where tables hold rows (${firstLine(first.error.message)}): it was proved on empty ones.`,
      hint: 'tenants with rows in these tables will refuse it, too, unless it is meant for tables that are still empty',
    })
  }
  const applied = (await repeats(proving, migration)) ? null : await place.fingerprint()
  const undone = await run(proving, place, { direction: 'down', migration })
  if (undone.error !== null) {
    const proof = verdict('broken', 'its undo fails', [], undone.error)
    return { ...(await goOn(proving, migration)), proof, error: null, notices }
  }
  const found: { after: SchemaPicture | null; again: SchemaPicture | null } = { after: null, again: null }
  const [now, lost] = await Promise.all([
    place.fingerprint(),
    rows === null ? null : findLost(proving, place, migration, rows),
  ])
  if (now !== was) found.after = await place.describe()
  if (found.after === null && lost?.notice !== undefined) notices.push(lost.notice)
  const again = await run(proving, place, { direction: 'up', to: migration })
  if (again.error === null) {
    const hash = applied === null ? null : await place.fingerprint()
    if (hash !== applied) found.again = await place.describe()
    if (found.after === null && found.again === null) {
      const emptied = rows === null ? await destroys(proving, migration) : []
      const why = lost?.what ?? (emptied.length === 0 ? null : `it ${emptied.join(', ')}`)
      return {
        proof: why === null ? verdict('reversible', null) : verdict('lossy', why),
        error: null,
        notices,
        place,
        hash,
      }
    }
  }
  const fresh = await proving.renew(migration)
  const unspoilt = found.after === null ? null : await fresh.describe()
  const { error } = await run(proving, fresh, { direction: 'up', to: migration })
  if (error !== null) return { proof: null, error: withoutPlace(error), notices, place: fresh, hash: null }
  const should = found.again === null ? null : await fresh.describe()
  return {
    proof: describeBroken(
      unspoilt === null || found.after === null ? null : comparePictures(unspoilt, found.after),
      should === null || found.again === null ? null : comparePictures(should, found.again),
      again.error,
    ),
    error: null,
    notices,
    place: fresh,
    hash: null,
  }
}

function describeBroken(
  after: Proof['differences'] | null,
  again: Proof['differences'] | null,
  error: ErrorDocument | null,
): Proof {
  if (after !== null) {
    const more = error === null ? '' : '; and it cannot be applied again after it'
    return verdict('broken', `its undo leaves another schema than there was${more}`, after, error)
  }
  if (error !== null) return verdict('broken', 'it cannot be applied again after its undo', [], error)
  return verdict('broken', 'applied again after its undo, it makes another schema', again ?? [])
}

/** Statements that make the same of a schema whenever it is the same, whatever else there is. */
const plain: ReadonlySet<string> = new Set([
  'ALTER TABLE',
  'COMMENT',
  'CREATE INDEX',
  'CREATE TABLE',
  'DELETE',
  'DROP INDEX',
  'DROP TABLE',
  'INSERT',
  'UPDATE',
])

/**
 * Does it make the same again, where its undo has left the schema as it was? Blocks of code, calls and queries may do one
 * thing today and another one tomorrow.
 */
async function repeats(proving: Proving, migration: Migration): Promise<boolean> {
  const script = await scriptOf(proving, migration, 'up')
  return (
    script !== null &&
    script.mode === 'transaction' &&
    script.extensions.length === 0 &&
    script.segments.every(({ kind, settings, statements }) => {
      return kind === 'transaction' && settings.length === 0 && statements.every((one) => plain.has(one.kind))
    })
  )
}

/** A place in which the migration is applied, instead of one that nothing is known of. */
async function goOn(proving: Proving, migration: Migration): Promise<{ place: ProofPlace; hash: null }> {
  const place = await proving.renew(migration)
  const { error } = await run(proving, place, { direction: 'up', to: migration })
  if (error === null) return { place, hash: null }
  throw new TenantryError(error.code, error.message, { hint: error.hint ?? undefined, context: error.context })
}

const verdict = (
  kind: Proof['verdict'],
  detail: string | null,
  differences: Proof['differences'] = [],
  error: ErrorDocument | null = null,
): Proof => ({ verdict: kind, detail, differences, error: error && withoutPlace(error) })

/** The place is gone when somebody reads it, and is another one each time. */
export function withoutPlace({ code, message, context }: ErrorDocument): ErrorDocument {
  const { target, tenant, ...rest } = context
  return {
    code,
    message: target === undefined ? message : message.replaceAll(target, 'the scratch server'),
    hint: 'Fix the file, then run `tenantry prove` again. No tenant was touched.',
    context: rest,
  }
}

/** null: there is an undo. */
async function findUndo(proving: Proving, migration: Migration): Promise<string | null> {
  if (migration.down === null) return migration.repeats === true ? 'it is repeatable, and has none' : 'it has no undo'
  const script = await scriptOf(proving, migration, 'down')
  if (script === null) return migration.down.kind === 'code' ? 'its undo is missing or empty' : 'it has no undo'
  return script.mode !== 'code' && script.statementCount === 0 && script.problems.length === 0
    ? 'its undo is empty'
    : null
}

function scriptOf({ fleet, set, place }: Proving, migration: Migration, direction: 'up' | 'down') {
  const book = fleet.book(set, place.target)
  return direction === 'up' ? book.up(migration) : book.down(migration)
}

async function run({ fleet, set, signal }: Proving, place: ProofPlace, task: OneTask) {
  const { result, known } = await migrateFrom(fleet, set, place.target, task, signal, place.history)
  place.history = known
  if (signal?.drain.aborted) {
    throw new TenantryError('INTERRUPTED', 'Interrupted while migrations were proved; what was built is removed.', {
      hint: 'Run the same command again: what is proved already is kept.',
    })
  }
  const { error } = result
  if (error?.code === 'CONNECTION_LOST' || error?.code === 'SERVER_UNREACHABLE') {
    throw new TenantryError(error.code, error.message, { hint: error.hint ?? undefined, context: error.context })
  }
  return result
}

/** Rows that were there before and are not what they were. */
async function findLost(
  proving: Proving,
  place: ProofPlace,
  migration: Migration,
  { tables, contents }: RowsThen,
): Promise<{ what: string | null; notice?: Notice }> {
  let now: RowsThen
  try {
    now = await place.look(tables)
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.failure.kind !== 'statement') throw error
    return { what: `tables cannot be read as before: ${error.failure.message}` }
  }
  const lost: string[] = []
  const left: string[] = []
  tables.forEach(({ id }, i) => {
    const [then, there] = [contents[i], now.contents[i]]
    if (then === undefined || there === undefined || then.hash === there.hash) return
    const missing = countMissing(then.each, there.each)
    if (missing === 0) left.push(id)
    else lost.push(missing === null ? id : `${id} (${missing} of ${then.rows})`)
  })
  const notice: Notice | undefined =
    left.length === 0
      ? undefined
      : {
          rule: 'rows-left',
          migration: migration.id,
          message: `The undo of ${migration.id} leaves rows behind that it put into ${left.join(', ')}.`,
        }
  if (lost.length === 0) return notice === undefined ? { what: null } : { what: null, notice }
  const why = await destroys(proving, migration)
  const what = `rows do not come back in ${lost.join(', ')}${why.length === 0 ? '' : `: it ${why.join(', ')}`}`
  return notice === undefined ? { what } : { what, notice }
}

/** Rows that are not there any more; null: there are too many to tell. */
function countMissing(then: readonly string[] | null, now: readonly string[] | null): number | null {
  if (then === null || now === null) return null
  const there = new Map<string, number>()
  for (const hash of now) there.set(hash, (there.get(hash) ?? 0) + 1)
  let missing = 0
  for (const hash of then) {
    const count = there.get(hash) ?? 0
    if (count === 0) missing++
    else there.set(hash, count - 1)
  }
  return missing
}

const takesRows: ReadonlySet<Script['destructive'][number]['kind']> = new Set([
  'drop-table',
  'drop-column',
  'drop-schema',
  'truncate',
  'delete',
])

/** What the text of a migration takes away, in words. */
async function destroys(proving: Proving, migration: Migration): Promise<string[]> {
  const script = await scriptOf(proving, migration, 'up')
  const steps = script?.destructive.filter(({ kind, keeps }) => takesRows.has(kind) && keeps === undefined) ?? []
  return [...new Set(steps.map(nameDestructive))].slice(0, 5)
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/\.$/, '')
}
