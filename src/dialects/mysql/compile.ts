import type { CompileOptions, ScriptBook } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Body, Migration } from '../../model/migration.ts'
import type { Script } from '../../model/script.ts'
import { compileFile } from './compile-file.ts'

function compileBody(migration: Migration, direction: 'up' | 'down', body: Body): Script {
  if (body.kind === 'code') {
    throw new TenantryError('INTERNAL', `Migration ${migration.id} is code, which has no script (${body.file}).`, {
      context: { migration: migration.id, file: body.file },
    })
  }
  const { text, file } = body
  return compileFile({
    migration: migration.id,
    direction,
    file,
    text,
    noTransaction: migration.transaction === 'never' || body.transaction === 'never',
  })
}

/**
 * Compiles the bodies of a set as they are asked for, each once. A target is a whole database, so that no names are
 * adapted. Nothing is thrown for what a file says: that is in the script's notices and problems. Throws INTERNAL for a
 * code body, which has no script.
 */
export function compileMigrations(_migrations: readonly Migration[], _options: CompileOptions): ScriptBook {
  const scripts = new Map<Body, Script>()
  const once = (migration: Migration, direction: 'up' | 'down', body: Body): Script => {
    const script = scripts.get(body) ?? compileBody(migration, direction, body)
    scripts.set(body, script)
    return script
  }
  return {
    up: async (migration) => once(migration, 'up', migration.up),
    down: async (migration) => (migration.down ? once(migration, 'down', migration.down) : null),
  }
}
