import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { HalfDone, Standing } from '../model/plan.ts'
import { matchHistory, stemOfKey } from './match-history.ts'
import { findPlace, refuseChanged, refuseFailed, type StepPlan } from './plan-up.ts'

/** What to undo; at most one of the first five. None of them: the last one. */
export interface DownPlanOptions {
  /** Exactly this one, wherever it is in the order. */
  migration?: Migration | null
  /** As many as this, from the last one back. */
  steps?: number | null
  /** Everything of the last batch. */
  batch?: boolean
  /** Everything that comes after it in the folder's order; it stays itself. */
  to?: Migration | null
  /** Exactly these, as far as they are applied. A half-done undo of another one must be finished first. */
  only?: readonly string[] | null
  /** Undo changed files too. Default: false. */
  allowChanged?: boolean
}

/**
 * What `down` would do: the latest application is undone first. A half-done undo is finished first. Undoing what is
 * not applied here is nothing to do, not an error. Errors name no target: many targets share one standing.
 */
export function planDown(
  standing: Standing,
  migrations: readonly Migration[],
  options: DownPlanOptions = {},
): StepPlan {
  const undoing = standing.halfDone.filter((half) => half.direction === 'down')
  const refusal = refuseHalfDone(standing.halfDone, undoing, options)
  if (refusal !== null) return { steps: [], error: refusal.toJSON() }
  const begun = undoing.flatMap((half) => migrations.filter((migration) => migration.id === half.migration)).reverse()
  const chosen = choose(standing, migrations, options, begun.length)
  const wanted = [...begun, ...chosen.migrations]
  const error =
    refuseLost(undoing, migrations) ??
    refuseRepeated(options.migration) ??
    refuseBelowFloor(standing, wanted) ??
    refuseBelowMark(standing, wanted) ??
    refuseRenamed(chosen.renamed) ??
    refuseMissing(
      wanted.filter((migration) => migration.down === null),
      chosen.missing,
    ) ??
    refuseChanged(
      standing.changed.filter((migration) => wanted.includes(migration)),
      options.allowChanged ?? false,
    )
  if (error !== null) return { steps: [], error: error.toJSON() }
  return { steps: wanted.map((migration) => ({ migration, direction: 'down' })), error: null }
}

interface Choice {
  /** In the order they are undone. */
  migrations: readonly Migration[]
  /** Keys of rows that would have to be undone and have no file. */
  missing: readonly string[]
  /** Files that would have to be undone and are recorded under another name. */
  renamed: readonly string[]
}

function choose(standing: Standing, migrations: readonly Migration[], options: DownPlanOptions, begun: number): Choice {
  const { migration, to, only } = options
  if (only != null) return withoutRepeated(chooseOnly(standing, new Set(only)))
  if (migration != null) {
    const applied = standing.applied.filter((one) => one.id === migration.id)
    const renamed = standing.renamed.filter((one) => one.to === migration.id).map((one) => one.to)
    return { migrations: applied, missing: [], renamed }
  }
  if (to != null) {
    const later = new Set(migrations.slice(findPlace(migrations, to) + 1))
    const ids = new Set([...later].map((one) => one.id))
    return withoutRepeated({
      migrations: standing.appliedOrder.filter((one) => later.has(one)).reverse(),
      missing: findMissingAfter(standing, migrations, to),
      renamed: standing.renamed.filter((one) => ids.has(one.to)).map((one) => one.to),
    })
  }
  const count = options.batch === true ? countLastBatch(standing) : (options.steps ?? 1)
  return chooseLast(standing, migrations, Math.max(count - begun, 0))
}

function chooseOnly(standing: Standing, ids: ReadonlySet<string>): Choice {
  const named = (key: string) => ids.has(key) || ids.has(stemOfKey(key))
  return {
    migrations: standing.appliedOrder.filter(({ id }) => ids.has(id)).reverse(),
    missing: standing.missing.filter(named),
    renamed: standing.renamed.filter(({ from, to }) => named(from) || ids.has(to)).map(({ to }) => to),
  }
}

/** Rows of the last batch, which are the last rows. */
function countLastBatch({ snapshot: { entries } }: Standing): number {
  const last = entries.reduce((most, { batch }) => Math.max(most, batch ?? 0), 0)
  return last === 0 ? 0 : entries.filter(({ batch }) => batch === last).length
}

/** The last rows of the history, whatever they are: one without a file must not be passed over in silence. */
function chooseLast(standing: Standing, migrations: readonly Migration[], count: number): Choice {
  const applied = new Set(standing.applied)
  const known = new Set([...standing.missing, ...(standing.foreign ?? []), ...standing.renamed.map((one) => one.from)])
  const names = new Map(standing.renamed.map((one) => [one.from, one.to]))
  const rows = new Map<string, Migration | null>()
  for (const { entry, migration } of matchHistory(migrations, standing.snapshot.entries)) {
    if (migration === null ? !known.has(entry.key) : !applied.has(migration)) continue
    if (entry.repeats === true || migration?.repeats === true) continue
    rows.delete(migration?.id ?? entry.key)
    rows.set(migration?.id ?? entry.key, migration)
  }
  const last = count === 0 ? [] : [...rows].slice(-count).reverse()
  const orphans = last.filter(([, migration]) => migration === null).map(([key]) => key)
  return {
    migrations: last.flatMap(([, migration]) => (migration === null ? [] : [migration])),
    missing: orphans.filter((key) => !names.has(key)),
    renamed: orphans.flatMap((key) => names.get(key) ?? []),
  }
}

/** Rows without a file have no place in the folder's order: those applied after `to` are taken to come after it. */
function findMissingAfter(standing: Standing, migrations: readonly Migration[], to: Migration): string[] {
  const matched = matchHistory(migrations, standing.snapshot.entries)
  const place = matched.findLastIndex(({ migration }) => migration?.id === to.id)
  if (place < 0) return []
  const missing = new Set(standing.missing)
  return matched
    .slice(place + 1)
    .map(({ entry }) => entry.key)
    .filter((key) => missing.has(key))
}

function refuseHalfDone(
  halfDone: readonly HalfDone[],
  undoing: readonly HalfDone[],
  options: DownPlanOptions,
): TenantryError | null {
  const begun = halfDone.find((half) => half.direction === 'up')
  if (begun !== undefined) {
    const { migration } = begun
    if (begun.source === 'native') return refuseFailed(begun, "so an undo can't know what is there")
    return new TenantryError(
      'MIGRATION_HALF_APPLIED',
      `Migration ${migration} is recorded as started and not finished, so an undo can't know what is there.`,
      {
        hint: `Finish it with \`tenantry up\`; or complete it by hand and mark it with \`tenantry baseline --migration ${migration}\`.`,
        context: { migration },
      },
    )
  }
  const { migration, only } = options
  const wanted = only ?? (migration == null ? null : [migration.id])
  const [other] = undoing.filter((half) => wanted !== null && !wanted.includes(half.migration))
  if (other === undefined) return null
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `The undo of migration ${other.migration} stopped after ${other.statementsDone} of ${other.statementsTotal} statements.`,
    {
      hint: `Finish it first with \`tenantry down ${other.migration}\`.`,
      context: { migration: other.migration },
    },
  )
}

function refuseLost(undoing: readonly HalfDone[], migrations: readonly Migration[]): TenantryError | null {
  const lost = undoing.find((half) => !migrations.some((migration) => migration.id === half.migration))
  if (lost === undefined) return null
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `The undo of migration ${lost.migration} stopped after ${lost.statementsDone} of ${lost.statementsTotal} statements, and its file is gone.`,
    { hint: 'Bring the file back, then run `tenantry down` again.', context: { migration: lost.migration } },
  )
}

function refuseRenamed(renamed: readonly string[]): TenantryError | null {
  const [first] = renamed
  if (first === undefined) return null
  return new TenantryError(
    'MIGRATION_CHANGED',
    `${renamed.join(', ')}: recorded in the history under another name, so the undo would not find the row.`,
    {
      hint: `Put the new name into the history with \`tenantry baseline --rename <old> ${first}\` first.`,
      context: { migration: first, migrations: renamed },
    },
  )
}

function refuseMissing(without: readonly Migration[], missing: readonly string[]): TenantryError | null {
  const ids = [...without.map((migration) => migration.id), ...missing]
  const [first] = ids
  if (first === undefined) return null
  const parts = [
    ...(without.length === 0 ? [] : [`no undo file for ${without.map((migration) => migration.id).join(', ')}`]),
    ...(missing.length === 0 ? [] : [`no file at all for ${missing.join(', ')}, which the history holds`]),
  ]
  return new TenantryError('UNDO_MISSING', `Nothing was undone: there is ${parts.join('; and ')}.`, {
    hint:
      missing.length === 0
        ? 'Write the undo where its format has it (`rollbacks/<name>.sql`, `<name>.down.sql`, `rollback.sql` in its folder, `U<version>__<name>.sql`, or below a mark in the file, as `-- migrate:down`), then run `tenantry down` again.'
        : 'Bring the files back from version control, or name the one migration that is to be undone.',
    context: { migration: first, migrations: ids },
  })
}

/** What repeats is passed over: it has no undo, and the next `up` makes it anew. */
function withoutRepeated(choice: Choice): Choice {
  return { ...choice, migrations: choice.migrations.filter(({ repeats }) => repeats !== true) }
}

function refuseRepeated(named: Migration | null | undefined): TenantryError | null {
  if (named?.repeats !== true) return null
  return new TenantryError('UNDO_MISSING', `Nothing was undone: ${named.id} is repeatable, and has no undo.`, {
    hint: `Give ${named.up.file} the text that it should have, and run \`tenantry up\`: it is applied again.`,
    context: { migration: named.id, file: named.up.file },
  })
}

/** Below a baseline the tool takes everything for applied, whatever its other rows say. */
function refuseBelowFloor({ floor }: Standing, wanted: readonly Migration[]): TenantryError | null {
  const below = wanted.filter((migration) => floor?.includes(migration) === true)
  const [first] = below
  if (first === undefined) return null
  return new TenantryError(
    'UNDO_MISSING',
    `Nothing was undone: ${below.map(({ id }) => id).join(', ')} ${below.length === 1 ? 'counts' : 'count'} as applied because of the history's baseline row, which no undo can take back.`,
    {
      hint: 'Undo fewer migrations: `tenantry down --to <the last one below the baseline>`.',
      context: { migration: first.id },
    },
  )
}

/** A mark can only be moved back from its end. */
function refuseBelowMark({ marked, appliedOrder }: Standing, wanted: readonly Migration[]): TenantryError | null {
  if (marked !== true || wanted.length === 0) return null
  const last = appliedOrder.slice(-wanted.length)
  if (wanted.every((migration) => last.includes(migration))) return null
  const end = appliedOrder.at(-1)?.id ?? ''
  return new TenantryError(
    'OUT_OF_ORDER',
    `${wanted.map(({ id }) => id).join(', ')} cannot be undone while ${end} stays: the history is one number.`,
    {
      hint: 'Undo from the last one back: `tenantry down --to <the one before>`.',
      context: { migration: wanted[0]?.id ?? end },
    },
  )
}
