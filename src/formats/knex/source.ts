import { createHash } from 'node:crypto'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import type { Migration } from '../../model/migration.ts'
import { describeThrown } from '../../model/thrown.ts'
import type { Bind } from './bind.ts'
import type { Knexfile } from './knexfile.ts'
import { readBodies } from './read-code.ts'

/** Knex's `MigrationSource`, as its documentation has it. */
interface MigrationSource {
  getMigrations(loadExtensions?: readonly string[]): unknown
  getMigrationName(migration: unknown): unknown
  getMigration(migration: unknown): unknown
}

/**
 * Migrations of a `migrationSource` in the knexfile, in its order and under its names. They have no files: that one was
 * changed after it was applied cannot be told, only that it is gone. Throws MIGRATIONS_UNREADABLE.
 */
export async function loadFromSource(options: FormatOptions, knexfile: Knexfile, bind: Bind): Promise<Migration[]> {
  const { shown } = knexfile
  const fail = (message: string) =>
    new TenantryError('MIGRATIONS_UNREADABLE', `The migrationSource of ${shown} ${message}`, {
      hint: 'It needs getMigrations, getMigrationName and getMigration, as for Knex itself.',
      context: { file: shown },
    })
  const source = knexfile.migrations.migrationSource as Partial<MigrationSource>
  for (const name of ['getMigrations', 'getMigrationName', 'getMigration'] as const)
    if (typeof source[name] !== 'function') throw fail(`has no function ${name}.`)
  const { getMigrations, getMigrationName, getMigration } = source as MigrationSource
  const call = async (what: (...args: never[]) => unknown, ...args: unknown[]) => {
    try {
      return await Reflect.apply(what, source, args)
    } catch (error) {
      throw fail(`failed: ${describeThrown(error, process.env, knexfile.path).message}`)
    }
  }
  const listed = await call(getMigrations)
  if (!Array.isArray(listed)) throw fail('gave no list of migrations.')
  const migrations: Migration[] = []
  for (const info of listed) {
    const name = await call(getMigrationName, info)
    if (typeof name !== 'string' || name === '') throw fail('gave a migration without a name.')
    if (migrations.some((other) => other.id === name)) throw fail(`gave two migrations named ${name}.`)
    if (options.ignore !== null && name.search(options.ignore) >= 0) continue
    migrations.push({
      id: name,
      number: /^\d+/.exec(name)?.[0] ?? null,
      checksum: createHash('sha256').update(`knex migrationSource\0${name}`).digest('hex'),
      otherChecksums: [],
      description: null,
      keys: [name],
      ...readBodies({ shown: `${shown}/${name}`, info, read: () => call(getMigration, info) }, bind),
      transaction: 'auto',
    })
  }
  return migrations
}
