import { distance } from 'fastest-levenshtein'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'

/**
 * The migration that a person means: by id, by file name or path, or by number (`001`, `1`) where only one has it.
 * Throws `MIGRATION_UNKNOWN`, with the nearest names.
 */
export function resolveMigration(migrations: readonly Migration[], text: string): Migration {
  const asked = text.trim()
  const parts = asked.split(/[/\\]/).filter((part) => part !== '' && part !== 'migration.sql')
  const names = new Set([asked, parts.at(-1) ?? asked])
  const exact =
    migrations.find((migration) => names.has(migration.id)) ??
    migrations.find((migration) => migration.keys.some((key) => key !== migration.number && names.has(key)))
  if (exact !== undefined) return exact
  const numbered = migrations.filter((migration) => isNumber(migration, asked))
  const [only] = numbered
  if (only !== undefined && numbered.length === 1) return only
  if (numbered.length > 1) {
    const ids = numbered.map((migration) => migration.id)
    throw new TenantryError(
      'MIGRATION_UNKNOWN',
      `${ids.length} migrations have the number ${asked}: ${ids.join(', ')}.`,
      {
        hint: 'Give the whole name of one of them.',
        context: { migrations: ids },
      },
    )
  }
  const near = suggest(migrations, asked)
  throw new TenantryError('MIGRATION_UNKNOWN', `There is no migration ${JSON.stringify(asked)}.`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : '`tenantry status --all` lists the names; a unique number does too.',
    context: { suggestions: near },
  })
}

function isNumber(migration: Migration, asked: string): boolean {
  const { number } = migration
  if (number === null || asked === '') return false
  if (number === asked) return true
  return /^\d+$/.test(asked) && /^\d+$/.test(number) && BigInt(asked) === BigInt(number)
}

function suggest(migrations: readonly Migration[], asked: string): string[] {
  const wanted = asked.toLowerCase()
  return migrations
    .map(({ id }) => {
      const name = id.toLowerCase()
      const bare = name.replace(/^[\d_-]+/, '')
      const part = wanted.length > 2 && name.includes(wanted)
      return { id, far: part ? 0 : Math.min(distance(name, wanted), bare === '' ? Infinity : distance(bare, wanted)) }
    })
    .filter(({ far }) => far <= Math.max(2, Math.floor(wanted.length / 3)))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ id }) => id)
}
