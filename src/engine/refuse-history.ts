import { TenantryError } from '../model/errors.ts'
import type { HistoryShape } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { Standing } from '../model/plan.ts'
import { fitShape, newKey, unfillableColumns } from './history-sql.ts'

/**
 * Why these migrations cannot be recorded in an existing history table; null: they can. Asked before anything runs, so
 * that no body is carried out only to be rolled back at its row. Names no target: many share one standing.
 */
export function refuseHistory(
  shape: HistoryShape,
  table: string,
  standing: Standing,
  migrations: readonly Migration[],
): TenantryError | null {
  if (migrations.length === 0) return null
  if (shape.kind === 'schema_migrations' && standing.snapshot.columns?.some(({ name }) => name === 'dirty') === true) {
    return new TenantryError(
      'HISTORY_UNUSABLE',
      `The history table ${table} has a column dirty: it is golang-migrate's, in which one row stands for all before it.`,
      { hint: "Set `format: 'golang-migrate'` in `migrations`." },
    )
  }
  const unfillable = unfillableColumns(shape, standing.snapshot)
  if (unfillable.length > 0) {
    return new TenantryError(
      'HISTORY_UNUSABLE',
      `The history table ${table} has columns that must be filled and that tenantry does not know: ${unfillable.join(', ')}.`,
      { hint: 'Give these columns a default, or let them be NULL.', context: { columns: unfillable } },
    )
  }
  if (fitShape(shape, standing.snapshot.columns).nameKey !== undefined) return null
  const key = standing.snapshot.columns?.find(({ name }) => name === shape.key)
  if (key?.type !== 'integer') return null
  const nameless = migrations.find((migration) => !/^\d+$/.test(newKey(migration, standing, shape)))
  if (nameless === undefined) return null
  return new TenantryError(
    'HISTORY_UNUSABLE',
    `The history table ${table} holds numbers in its column ${key.name}, and ${nameless.id} has no number of its own.`,
    {
      hint: `Give the file a number that no other has, or make ${key.name} a text column.`,
      context: { migration: nameless.id },
    },
  )
}
