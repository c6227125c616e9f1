import { type BookEntry, hashValue } from './seed-book.ts'

export type RowDecision =
  | { kind: 'insert' }
  | { kind: 'unchanged' }
  /** Try it, and decide again with what came of it. */
  | { kind: 'change' }
  | { kind: 'kept'; why: string }

export interface RowStanding {
  mode: 'initial' | 'owned'
  /** What we wrote of it; null: we never did. */
  entry: Pick<BookEntry, 'wrote' | 'given'> | null
  /** Hash of what the file says now. */
  given: string
  /** Its columns as texts; null: it is not there. */
  before: ReadonlyMap<string, string | null> | null
  /** The same after the file's values were put in; absent: that was not tried. */
  after?: ReadonlyMap<string, string | null>
}

/**
 * What becomes of a row. A row that is still as we wrote it is ours to change; one that somebody changed, deleted, or made
 * before us stays as it is, unless the file owns it.
 */
export function decideRow({ mode, entry, given, before, after }: RowStanding): RowDecision {
  if (before === null)
    return entry === null || mode === 'owned' ? { kind: 'insert' } : { kind: 'kept', why: 'deleted since' }
  const edited = entry === null ? [] : editedColumns(entry, before)
  if (after === undefined) {
    if (entry === null || entry.given !== given) return { kind: 'change' }
    if (edited.length === 0) return { kind: 'unchanged' }
    return mode === 'owned' ? { kind: 'change' } : { kind: 'kept', why: `edited: ${edited.join(', ')}` }
  }
  const columns = differing(before, after)
  if (columns.length === 0 || mode === 'owned') return { kind: 'change' }
  if (entry === null) return { kind: 'kept', why: `there before, and different: ${columns.join(', ')}` }
  if (edited.length > 0) return { kind: 'kept', why: `edited: ${edited.join(', ')}` }
  // A column that is new in the file: what is in it was never ours.
  const foreign = columns.filter((name) => !Object.hasOwn(entry.wrote, name) && before.get(name) !== null)
  return foreign.length === 0
    ? { kind: 'change' }
    : { kind: 'kept', why: `filled by somebody else: ${foreign.join(', ')}` }
}

function editedColumns({ wrote }: Pick<BookEntry, 'wrote'>, before: ReadonlyMap<string, string | null>): string[] {
  return Object.entries(wrote).flatMap(([name, hash]) => {
    const text = before.get(name)
    return text === undefined || hashValue(text) === hash ? [] : [name]
  })
}

/** Columns whose texts differ. */
export function differing(
  before: ReadonlyMap<string, string | null>,
  after: ReadonlyMap<string, string | null>,
): string[] {
  return [...after].flatMap(([name, text]) => (before.get(name) === text ? [] : [name]))
}
