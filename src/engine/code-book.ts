import { createHash } from 'node:crypto'
import type { LoadedCode } from '../model/code.ts'
import type { DialectFeatures, ScriptBook } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Body, Migration, Notice } from '../model/migration.ts'
import type { Script } from '../model/script.ts'
import { type BuiltBook, openBuiltBook } from './built-sql.ts'

type CodeBody = Body & { kind: 'code' }

/**
 * A dialect compiles SQL; a body that is code becomes a script here, imported when it is first asked for. Code that only
 * builds SQL is called once, and what it built is compiled. `schemaTargets`: as in the options of `compile`.
 */
export function withCode(
  migrations: readonly Migration[],
  compile: (migrations: readonly Migration[]) => ScriptBook,
  { features, schemaTargets }: { features: DialectFeatures; schemaTargets: boolean },
): ScriptBook {
  const built = openBuiltBook(migrations, compile, schemaTargets)
  const scripts = new Map<Body, Promise<Script | null>>()
  const read = (migration: Migration, direction: 'up' | 'down', body: CodeBody) => {
    const known = scripts.get(body)
    if (known !== undefined) return known
    const script = readScript(migration, direction, body, features, built)
    scripts.set(body, script)
    return script
  }
  return {
    async up(migration) {
      const body = migration.up
      if (body.kind === 'sql') return (await built.bookFor(body.text)).up(migration)
      return (await read(migration, 'up', body)) ?? missingUp(migration, body.file)
    },
    async down(migration) {
      const body = migration.down
      if (body?.kind === 'code') return read(migration, 'down', body)
      return (await built.bookFor(body?.text ?? '')).down(migration)
    },
  }
}

/** null: the file has no such function, or one that does nothing where something is to be undone. */
async function readScript(
  migration: Migration,
  direction: 'up' | 'down',
  body: CodeBody,
  features: DialectFeatures,
  built: BuiltBook,
): Promise<Script | null> {
  try {
    const loaded = await body.load()
    if (loaded.run === null || (direction === 'down' && loaded.empty)) return null
    if (loaded.build === undefined) return codeScript(migration.id, direction, body.file, loaded, features, [])
    const { text, transaction } = await built.build(body, loaded.build)
    if (text === null) return codeScript(migration.id, direction, body.file, { ...loaded, transaction }, features, [])
    return await built.script(migration, direction, { file: body.file, text, transaction })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const hint = isTenantryError(error) && error.hint !== null ? { hint: error.hint } : {}
    return codeScript(migration.id, direction, body.file, null, features, [
      { rule: 'code-unreadable', message, ...hint, file: body.file, migration: migration.id },
    ])
  }
}

function missingUp({ id }: Migration, file: string): Script {
  const message = 'it exports no `up` function'
  const hint = "Write one; or, if the file is no migration, leave it out with the config's key `ignore`."
  return codeScript(id, 'up', file, null, { transactionalDdl: true }, [
    { rule: 'code-without-up', message, hint, file, migration: id },
  ])
}

const noCode = () => Promise.resolve()

function codeScript(
  migration: string,
  direction: 'up' | 'down',
  file: string,
  loaded: LoadedCode | null,
  features: Pick<DialectFeatures, 'transactionalDdl'>,
  problems: readonly Notice[],
): Script {
  const transaction = features.transactionalDdl && (loaded?.transaction ?? true)
  return {
    migration,
    direction,
    file,
    mode: 'code',
    reason: transaction
      ? 'it is code; it runs on our connection in one transaction of ours, and its own become savepoints'
      : features.transactionalDdl
        ? 'it is code that asks not to run in a transaction'
        : 'it is code, and this server commits each change of the schema by itself: statements are counted as they are carried out',
    code: { run: loaded?.run ?? noCode, transaction, session: loaded?.session },
    segments: [],
    statementCount: 0,
    prefixHash: () => createHash('sha256').update(`code\0${migration}`).digest('hex'),
    leavesSession: false,
    changesRole: false,
    destructive: [],
    extensions: [],
    notices: [],
    problems,
  }
}
