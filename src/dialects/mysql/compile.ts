import type { CompileOptions, ScriptBook } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Migration } from '../../model/migration.ts'

/** Scripts of a set, compiled on first use. */
export function compileMigrations(_migrations: readonly Migration[], _options: CompileOptions): ScriptBook {
  throw new TenantryError('INTERNAL', 'SQL cannot be compiled here yet.')
}
