import type { HistoryEntry, HistoryShape, HistorySnapshot, LedgerEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { HalfDone, RenamedMigration, Standing } from '../model/plan.ts'
import { findKeyStyle, findLedgerOfKey, type MatchedEntry, matchesChecksum, matchHistory } from './match-history.ts'
import { findBelowFloor, findLate, settleRows } from './settle-rows.ts'

/**
 * What one history means for a folder of migrations. Pure; a comparison of sets, never "newer than the last one".
 * Every migration is in exactly one of `applied`, `pending`, `renamed` (by `to`) and `halfDone`.
 */
export function readStanding(migrations: readonly Migration[], stored: HistorySnapshot, shape: HistoryShape): Standing {
  const snapshot = settleRows(migrations, stored, shape)
  const matched = matchHistory(migrations, snapshot.entries)
  const halfDone = findHalfDone(migrations, matched, snapshot.ledger, shape)
  const unfinished = new Set(halfDone.map((half) => half.migration))
  const rows = new Map<Migration, HistoryEntry>()
  for (const { entry, migration } of matched) {
    if (migration === null || unfinished.has(migration.id)) continue
    // Applied twice (undone and applied again by a tool that keeps both rows): the later row counts.
    rows.delete(migration)
    rows.set(migration, entry)
  }
  for (const [migration, entry] of rows) {
    if (migration.repeats === true && !isLatest(migration, entry, snapshot.ledger)) rows.delete(migration)
  }
  const applied = migrations.filter((migration) => rows.has(migration))
  const lost = matched.filter(({ entry, migration }) => migration === null && !unfinished.has(entry.key))
  const orphans = lost.filter(({ entry }) => entry.state !== 'foreign')
  const foreign = lost.filter(({ entry }) => entry.state === 'foreign').map(({ entry }) => entry.key)
  const floor = findBelowFloor(migrations, stored.entries)
  const open = migrations.filter((migration) => !rows.has(migration) && !unfinished.has(migration.id))
  const renamed = findRenamed(open, orphans, snapshot.ledger)
  const [from, to] = [new Set(renamed.map((one) => one.from)), new Set(renamed.map((one) => one.to))]
  const pending = open.filter((migration) => !to.has(migration.id))
  const last = migrations.findLastIndex((migration) => migration.repeats !== true && rows.has(migration))
  const newest = new Set(migrations.slice(0, Math.max(last, 0)))
  return {
    snapshot,
    applied,
    appliedOrder: [...rows.keys()],
    pending,
    halfDone,
    ...judgeChecksums(
      applied.filter((migration) => !floor.includes(migration)),
      rows,
      snapshot.ledger,
      shape,
    ),
    missing: [...new Set(orphans.map(({ entry }) => entry.key))].filter((key) => !from.has(key)),
    outOfOrder: pending.filter((migration) => newest.has(migration)),
    renamed,
    keyStyle: findKeyStyle(matched, shape),
    ...(stored.entries.some(({ state }) => state === 'undone') ? { undoes: true as const } : {}),
    ...(floor.length > 0 ? { floor } : {}),
    ...(foreign.length > 0 ? { foreign } : {}),
    ...(shape.mark === true ? describeMark(pending, migrations, snapshot) : {}),
  }
}

/** Is what a repeated migration's last row says what its file says? The tool's own checksum decides where it has one. */
function isLatest(migration: Migration, { checksum }: HistoryEntry, ledger: readonly LedgerEntry[]): boolean {
  if (checksum !== null) return matchesChecksum(migration, checksum)
  const row = ledger.find((one) => one.migration === migration.id && one.state === 'applied')
  return row !== undefined && matchesChecksum(migration, row.checksum)
}

function describeMark(
  pending: readonly Migration[],
  migrations: readonly Migration[],
  { entries, ledger }: HistorySnapshot,
): Pick<Standing, 'marked' | 'late'> {
  if (entries.length === 0) return { marked: true }
  const late = new Set(findLate(migrations, ledger))
  return { marked: true, late: pending.filter((one) => late.has(one)) }
}

/**
 * Could rows of a ledger that is there, but was not read along, change this verdict? Then the target has to be read
 * again with its ledger before anything is decided on it: without, a foreign checksum beside rows of ours looks like
 * a changed file, and a changed file beside no other row like an unverified one.
 */
export function needsLedger(standing: Standing): boolean {
  const { hasLedger, ledger } = standing.snapshot
  if (!hasLedger || ledger.length > 0) return false
  return standing.changed.length + standing.unverified.length + standing.missing.length > 0
}

/**
 * What was begun and not finished. `running` counts only without a finished history row: with one, another tool has
 * finished it. An unfinished row beside it is our own (where the tool has such rows, it must see the migration as failed
 * and keep off), so the ledger decides. `undoing` counts either way, since the row goes last.
 */
function findHalfDone(
  migrations: readonly Migration[],
  matched: readonly MatchedEntry[],
  ledger: readonly LedgerEntry[],
  shape: HistoryShape,
): HalfDone[] {
  const finished = matched.filter(
    ({ entry, migration }) =>
      entry.state === 'applied' && (migration?.repeats !== true || isLatest(migration, entry, ledger)),
  )
  const recorded = new Set(finished.map(({ entry, migration }) => migration?.id ?? entry.key))
  const begun = new Set(matched.map(({ entry, migration }) => migration?.id ?? entry.key))
  const found = new Map<string, HalfDone>()
  for (const row of ledger) {
    const up = row.state === 'running' && !recorded.has(row.migration)
    if (!up && row.state !== 'undoing') continue
    found.set(row.migration, {
      migration: row.migration,
      direction: up ? 'up' : 'down',
      statementsDone: row.statementsDone,
      statementsTotal: row.statementsTotal,
      source: 'ledger',
      ...(up && shape.begun !== undefined && !begun.has(row.migration) ? { disputed: true } : {}),
    })
  }
  for (const { entry, migration } of matched) {
    if (entry.state !== 'failed') continue
    const id = migration?.id ?? entry.key
    if (found.get(id)?.direction === 'up') continue
    const dirty = shape.mark === true ? { dirty: true as const } : {}
    const logs = entry.logs === undefined ? {} : { logs: entry.logs }
    const called = shape.failed === undefined ? {} : { called: shape.failed }
    found.set(id, {
      migration: id,
      direction: 'up',
      statementsDone: 0,
      statementsTotal: 0,
      source: 'native',
      ...logs,
      ...dirty,
      ...called,
    })
  }
  const places = new Map(migrations.map((migration, index) => [migration.id, index]))
  const place = (half: HalfDone) => places.get(half.migration) ?? migrations.length
  return [...found.values()].sort((a, b) => place(a) - place(b) || (a.migration < b.migration ? -1 : 1))
}

/** Pairs pending files with rows that have none, by content; each row and each file once. */
function findRenamed(
  open: readonly Migration[],
  orphans: readonly MatchedEntry[],
  ledger: readonly LedgerEntry[],
): RenamedMigration[] {
  // By key, so that the order of the rows decides nothing.
  const once = orphans.filter(({ entry }) => entry.repeats !== true)
  const left = once.map(({ entry }) => entry).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const renamed: RenamedMigration[] = []
  for (const migration of open.filter(({ repeats }) => repeats !== true)) {
    const at = left.findIndex((entry) => {
      const recorded = findLedgerOfKey(ledger, entry.key)?.checksum
      return [entry.checksum, recorded].some((checksum) => checksum != null && matchesChecksum(migration, checksum))
    })
    const [entry] = at < 0 ? [] : left.splice(at, 1)
    if (entry !== undefined) renamed.push({ from: entry.key, to: migration.id })
  }
  return renamed
}

/**
 * Tells what was changed from what cannot be judged. Our ledger decides first. A checksum in the tool's own column
 * counts only if it is known to be made by a recipe we know: Prisma's own, or one that another row confirms.
 */
function judgeChecksums(
  applied: readonly Migration[],
  rows: ReadonlyMap<Migration, HistoryEntry>,
  ledger: readonly LedgerEntry[],
  shape: HistoryShape,
): { changed: Migration[]; unverified: Migration[] } {
  const recorded = new Map(ledger.filter((row) => row.state === 'applied').map((row) => [row.migration, row]))
  const native = applied.filter((migration) => !recorded.has(migration.id))
  const matches = (migration: Migration) => {
    const checksum = rows.get(migration)?.checksum ?? null
    return checksum !== null && matchesChecksum(migration, checksum)
  }
  const known = native.some((migration) => isDigest(rows.get(migration), 64) && matches(migration))
  const changed: Migration[] = []
  const unverified: Migration[] = []
  for (const migration of applied) {
    const row = recorded.get(migration.id)
    const entry = rows.get(migration)
    const own = shape.digest?.test(entry?.checksum?.trim() ?? '') === true
    if (row !== undefined && !(own && shape.corrects === true)) {
      if (!matchesChecksum(migration, row.checksum)) changed.push(migration)
    } else if (!matches(migration)) {
      const ours = shape.digest === undefined ? known && isDigest(entry, 64) : own
      if (ours) changed.push(migration)
      else unverified.push(migration)
    }
  }
  return { changed, unverified }
}

function isDigest(entry: HistoryEntry | undefined, shortest: number): boolean {
  const checksum = entry?.checksum?.trim() ?? ''
  return checksum.length >= shortest && checksum.length <= 64 && /^[0-9a-f]+$/i.test(checksum)
}
