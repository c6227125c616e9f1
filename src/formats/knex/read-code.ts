import type { CodeContext, LoadedCode } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Body } from '../../model/migration.ts'
import { isEmptyFunction } from '../empty-function.ts'
import { codeExtensions, findExport, findValue, importCode } from '../import-code.ts'
import type { Bind } from './bind.ts'

/** Where a migration's functions come from, and what it is called in Knex's hooks. */
export interface CodeSource {
  /** For messages, and at its end the name that Knex records. */
  shown: string
  /** What `beforeEach` and `afterEach` are given. */
  info: unknown
  /** Imports the module. */
  read: () => Promise<unknown>
}

/** Both directions of one migration; the module is imported when the first of them is needed. */
export function readBodies(source: CodeSource, bind: Bind): { up: Body; down: Body } {
  let module: Promise<unknown> | null = null
  const body = (direction: 'up' | 'down'): Body => ({
    kind: 'code',
    file: source.shown,
    async load(): Promise<LoadedCode> {
      module ??= source.read()
      const exported = await module
      const found = findExport(exported, direction)
      const wish = (findValue(exported, 'config') as { transaction?: unknown } | null | undefined)?.transaction
      const transaction = typeof wish === 'boolean' ? wish : bind.transactions
      if (found === null) return { run: null, transaction, empty: false }
      // Looked for now: a missing package is told before anything is touched.
      await bind.prepare()
      const empty = isEmptyFunction(found.source)
      const run = (context: CodeContext) =>
        bind.run(context, { call: found.call, transaction, info: source.info, empty, shown: source.shown })
      return { run, transaction, empty }
    },
  })
  return { up: body('up'), down: body('down') }
}

/** Imports a migration's file. Throws MIGRATIONS_UNREADABLE also for languages that Knex has loaders for and we have not. */
export async function importMigration(path: string, shown: string): Promise<unknown> {
  if (codeExtensions.some((extension) => path.endsWith(extension))) return importCode({ path, shown })
  throw new TenantryError('MIGRATIONS_UNREADABLE', `${shown} is written in a language that cannot be run here.`, {
    hint: 'Compile it to JavaScript under the same name; the history counts it as the same migration.',
    context: { file: shown },
  })
}
