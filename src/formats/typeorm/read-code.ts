import type { LoadedCode } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Body } from '../../model/migration.ts'
import { describeThrown } from '../../model/thrown.ts'
import { isEmptyFunction } from '../empty-function.ts'
import { importCode } from '../import-code.ts'
import type { FolderEntry } from '../list-folder.ts'
import type { Bind } from './bind.ts'
import { collectClasses } from './project-classes.ts'
import type { MigrationInstance } from './typeorm-types.ts'

/** A migration's class, made. */
export interface NamedInstance {
  name: string
  instance: MigrationInstance
}

/** Makes every class that a file exports, as TypeORM does. Throws MIGRATIONS_UNREADABLE. */
export async function importMigrations(file: FolderEntry): Promise<NamedInstance[]> {
  const module = await importCode({ path: file.path, shown: file.shown, decorated: true })
  const classes = [...new Set(collectClasses(module))] as (new () => MigrationInstance)[]
  return classes.map((Class) => {
    try {
      const instance = new Class()
      return { name: typeof instance.name === 'string' ? instance.name : Class.name, instance }
    } catch (error) {
      throw new TenantryError(
        'MIGRATIONS_UNREADABLE',
        `${file.shown} exports ${Class.name || 'a function'}, and \`new\` of it failed: ${describeThrown(error, process.env, file.path).message}`,
        {
          hint: 'TypeORM takes all that is exported for classes of migrations: keep other things in files of their own.',
          context: { file: file.shown },
        },
      )
    }
  })
}

/** Both directions of one migration; its file is imported once, when the first of them is asked for. */
export function readBodies(file: FolderEntry, name: string, bind: Bind): { up: Body; down: Body } {
  let found: Promise<NamedInstance[]> | null = null
  const load = async (direction: 'up' | 'down'): Promise<LoadedCode> => {
    // First: a missing package is told, and what the file's own modules connect with is refused from now on.
    await bind.prepare()
    found ??= importMigrations(file)
    const all = await found
    const instance = all.find((one) => one.name === name)?.instance
    if (instance === undefined) throw otherName(file, name, all)
    const call = instance[direction]
    const transaction = typeof instance.transaction === 'boolean' ? instance.transaction : bind.transactions
    if (typeof call !== 'function') return { run: null, transaction, empty: false }
    const empty = isEmptyFunction(call)
    return {
      run: (context) => bind.run(context, { migration: name, instance, transaction, empty, shown: file.shown }),
      transaction,
      empty,
    }
  }
  const body = (direction: 'up' | 'down'): Body => ({ kind: 'code', file: file.shown, load: () => load(direction) })
  return { up: body('up'), down: body('down') }
}

function otherName({ shown }: FolderEntry, name: string, found: readonly NamedInstance[]): TenantryError {
  const names = found.map((one) => one.name)
  return new TenantryError(
    'MIGRATIONS_UNREADABLE',
    `${shown} reads as if it held the migration ${name}, and ${names.length === 0 ? 'exports no class' : `exports ${names.join(', ')}`}.`,
    { hint: 'Export the class, and give it its name in plain text.', context: { file: shown } },
  )
}
