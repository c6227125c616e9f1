import type { CompileOptions, ScriptBook } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Body, Migration } from '../../model/migration.ts'
import type { Script } from '../../model/script.ts'
import { collectOwnObjects } from './adapt.ts'
import { compileFile, type OwnCatalogue } from './compile-file.ts'
import { loadParser, type ParsedSql, parseFile, SqlSyntaxError } from './parse.ts'

function readCatalogue(migrations: readonly Migration[]): OwnCatalogue {
  const parsed: ParsedSql[] = []
  const unread: string[] = []
  const read = (body: Body | null) => {
    if (body?.kind !== 'sql') return
    try {
      parsed.push(parseFile(body.text.replace(/^\uFEFF/, '')))
    } catch (error) {
      if (!(error instanceof SqlSyntaxError)) throw error
      unread.push(body.file)
    }
  }
  for (const migration of migrations) read(migration.up)
  return { objects: collectOwnObjects(parsed), unread }
}

/**
 * Compiles the bodies of a set as they are asked for, each once. Where targets are schemas, the first question parses
 * the whole set, since only it tells which objects are the tenants' own. Nothing is thrown for what a file says: that
 * is in the script's notices and problems. Throws INTERNAL for a code body, which has no script.
 */
export function compileMigrations(migrations: readonly Migration[], options: CompileOptions): ScriptBook {
  const scripts = new Map<Body, Promise<Script>>()
  let catalogue: OwnCatalogue | null = null

  const compileBody = async (migration: Migration, direction: 'up' | 'down', body: Body): Promise<Script> => {
    if (body.kind === 'code') {
      throw new TenantryError('INTERNAL', `Migration ${migration.id} is code, which has no script (${body.file}).`, {
        context: { migration: migration.id, file: body.file },
      })
    }
    await loadParser()
    if (options.schemaTargets) catalogue ??= readCatalogue(migrations)
    const { text, file } = body
    const noTransaction = migration.transaction === 'never' || body.transaction === 'never'
    return compileFile({ migration: migration.id, direction, file, text, noTransaction }, catalogue, options)
  }

  const once = (migration: Migration, direction: 'up' | 'down', body: Body): Promise<Script> => {
    const known = scripts.get(body)
    if (known) return known
    const script = compileBody(migration, direction, body)
    scripts.set(body, script)
    return script
  }

  return {
    up: (migration) => once(migration, 'up', migration.up),
    down: async (migration) => (migration.down ? once(migration, 'down', migration.down) : null),
  }
}
