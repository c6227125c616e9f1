import type { BuiltSql } from '../model/code.ts'
import type { ScriptBook } from '../model/dialect.ts'
import type { Body, Migration } from '../model/migration.ts'
import type { Script } from '../model/script.ts'
import { guardCode } from './code-guard.ts'

/** Scripts of what code builds, and of the files beside it. */
export interface BuiltBook {
  /** The book to compile a text with. */
  bookFor(text: string): Promise<ScriptBook>
  /** Calls the code behind a body, once. */
  build(body: Body, call: () => Promise<BuiltSql>): Promise<BuiltSql>
  script(
    migration: Migration,
    direction: 'up' | 'down',
    built: { file: string; text: string; transaction: boolean },
  ): Promise<Script | null>
}

/**
 * Only what is asked for is built. An exception: where targets are schemas and a text names `public`, it has to be known
 * which objects are the tenants' own, and that only the whole set tells; then the `up` of every migration is called.
 */
export function openBuiltBook(
  migrations: readonly Migration[],
  compile: (migrations: readonly Migration[]) => ScriptBook,
  schemaTargets: boolean,
): BuiltBook {
  const results = new Map<Body, Promise<BuiltSql>>()
  const plain = compile(migrations)
  const asksWhole = schemaTargets && migrations.some(({ up }) => up.kind === 'code' && up.builds === true)
  let whole: Promise<ScriptBook> | null = null

  const build: BuiltBook['build'] = (body, call) => {
    const known = results.get(body)
    if (known !== undefined) return known
    // What it leaves behind has no target that it could be told of.
    const result = guardCode(call, () => {})
    results.set(body, result)
    return result
  }
  const settle = async (migration: Migration): Promise<Migration> => {
    const { up } = migration
    if (up.kind !== 'code' || up.builds !== true) return migration
    try {
      const loaded = await up.load()
      if (loaded.build === undefined) return migration
      const { text } = await build(up, loaded.build)
      return text === null ? migration : { ...migration, up: { kind: 'sql', file: up.file, text } }
    } catch {
      // Like a file that cannot be parsed: what names "public" is refused, since it cannot be told whose that is.
      return { ...migration, up: { kind: 'sql', file: up.file, text: 'unreadable' } }
    }
  }
  const compileWhole = async () => {
    const settled: Migration[] = []
    for (const migration of migrations) settled.push(await settle(migration))
    return compile(settled)
  }
  const bookFor = async (text: string): Promise<ScriptBook> => {
    if (!asksWhole || !/\bpublic\b/i.test(text)) return plain
    whole ??= compileWhole()
    return whole
  }
  return {
    bookFor,
    build,
    async script(migration, direction, { file, text, transaction }) {
      const body: Body = { kind: 'sql', file, text, ...(transaction ? {} : { transaction: 'never' as const }) }
      const book = await bookFor(text)
      const script = await (direction === 'up'
        ? book.up({ ...migration, up: body })
        : book.down({ ...migration, down: body }))
      return script === null ? null : { ...script, built: true }
    },
  }
}
