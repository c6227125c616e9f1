import { findLedgerOfKey, matchesChecksum, matchHistory } from '../engine/match-history.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { SetPlan, Standing } from '../model/plan.ts'

/** Rows that a target keeps under the old name of a migration: spelled so, or as that name's file. */
export function findOldRows({ snapshot }: Standing, from: string): string[] {
  const keys = snapshot.entries.map(({ key }) => key)
  const exact = keys.filter((key) => key === from)
  return exact.length > 0 ? exact : keys.filter((key) => key.replace(/(\.up)?\.sql$/i, '') === from)
}

/**
 * Keeps a rename from hiding something: a row whose file is still there belongs to that file, and a content that is
 * known to be another one would never be run. Throws MIGRATION_CHANGED.
 */
export function refuseRename(
  standing: Standing,
  migrations: readonly Migration[],
  from: string,
  migration: Migration,
): void {
  const rows = new Set(findOldRows(standing, from))
  const entries = standing.snapshot.entries.filter(({ key }) => rows.has(key))
  const owner = matchHistory(migrations, entries).find((match) => match.migration !== null)?.migration
  if (owner != null && owner.id !== migration.id) {
    throw new TenantryError('USAGE', `${from} is not the old name of ${migration.id}: its file is still there.`, {
      hint: `\`tenantry baseline --migration ${migration.id}\` marks the other one as applied without running it.`,
      context: { migration: migration.id, file: owner.up.file },
    })
  }
  const recorded = findLedgerOfKey(standing.snapshot.ledger, entries[0]?.key ?? from)
  if (recorded === null || matchesChecksum(migration, recorded.checksum)) return
  throw new TenantryError(
    'MIGRATION_CHANGED',
    `${migration.id} is not what was applied as ${from}: its text is another.`,
    {
      hint: `Give the file the text that was applied. If it has only been reworded: \`tenantry baseline --migration ${migration.id}\`.`,
      context: { migration: migration.id, file: migration.up.file },
    },
  )
}

/** A name that no target has recorded is a slip of the pen, unless the new one is there already. Throws MIGRATION_UNKNOWN. */
export function refuseUnknownName({ targets }: SetPlan, from: string, migration: Migration): void {
  const isKnown = targets.some(
    ({ standing, error }) =>
      error !== null || findOldRows(standing, from).length > 0 || standing.applied.includes(migration),
  )
  if (isKnown || targets.length === 0) return
  const missing = [...new Set(targets.flatMap(({ standing }) => standing.missing))].slice(0, 5)
  throw new TenantryError('MIGRATION_UNKNOWN', `No target has a migration recorded as ${JSON.stringify(from)}.`, {
    hint:
      missing.length > 0
        ? `Recorded without a file: ${missing.join(', ')}.`
        : 'The first name is the recorded one, the second the new one; `tenantry status --all` lists them.',
    context: { migration: migration.id },
  })
}
