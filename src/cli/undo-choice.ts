import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { DownOptions } from '../model/report.ts'

/** The id of the migration that a word names (id, number, file name), or null. */
export type ResolveMigration = (text: string) => Promise<string | null>
/** Does a word name a tenant? */
export type NamesTenant = (text: string) => Promise<boolean>

export interface UndoChoice {
  undo: Pick<DownOptions, 'migration' | 'steps' | 'to' | 'batch' | 'rollout'>
  tenants: readonly string[]
  notice: Notice | null
}

/**
 * What `down` undoes. With `--steps`, `--to`, `--batch` or `--rollout`, every word is a tenant. Else the first word is a migration if it
 * names one (`resolve` null: always), and the rest are tenants; one that names both is refused. Else `version` (DB_MIGRATION_VERSION) is `--to`.
 * Else it is the last migration.
 */
export async function chooseUndo(
  words: readonly string[],
  flags: { steps?: number; to?: string; batch?: boolean; rollout?: string },
  version: string | undefined,
  resolve: ResolveMigration | null,
  namesTenant: NamesTenant = async () => false,
): Promise<UndoChoice> {
  const overruled = (by: string): Notice | null =>
    version
      ? { rule: 'variable-overruled', message: `DB_MIGRATION_VERSION=${version} is not used: ${by} says what to undo.` }
      : null
  if (flags.to !== undefined) {
    return { undo: { to: flags.to }, tenants: words, notice: flags.to === version ? null : overruled('`--to`') }
  }
  if (flags.steps !== undefined) return { undo: { steps: flags.steps }, tenants: words, notice: overruled('`--steps`') }
  if (flags.batch) return { undo: { batch: true }, tenants: words, notice: overruled('`--batch`') }
  if (flags.rollout !== undefined)
    return { undo: { rollout: flags.rollout }, tenants: words, notice: overruled('`--rollout`') }
  const [first, ...rest] = words
  if (first !== undefined) {
    const migration = resolve === null ? first : await resolve(first)
    // Taken for the migration, the tenant's number would undo it in the whole fleet.
    if (migration !== null && (await namesTenant(first))) throw ambiguous(first, migration)
    if (migration !== null) return { undo: { migration }, tenants: rest, notice: overruled(`\`${first}\``) }
  }
  if (!version) return { undo: {}, tenants: words, notice: null }
  const notice = {
    rule: 'variable-used',
    message: `DB_MIGRATION_VERSION=${version}: undoing everything after it.`,
    hint: '`--to` and `--steps` overrule it',
  }
  return { undo: { to: version }, tenants: words, notice }
}

function ambiguous(word: string, migration: string): TenantryError {
  const other = word === migration ? '' : `; \`tenantry down ${migration}\` undoes the migration everywhere`
  return new TenantryError('USAGE', `\`${word}\` is a tenant, and it names the migration ${migration} too.`, {
    hint: `\`tenantry down --tenant ${word}\` undoes the last migration of the tenant${other}.`,
  })
}
