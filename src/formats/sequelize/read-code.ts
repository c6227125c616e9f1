import { basename } from 'node:path'
import type { LoadedCode } from '../../model/code.ts'
import type { Body } from '../../model/migration.ts'
import { isEmptyFunction } from '../empty-function.ts'
import { type ExportedFunction, findExport, importCode } from '../import-code.ts'
import type { Bind, Task } from './bind.ts'
import type { MigrationFile } from './list-files.ts'
import { readRemovals } from './read-removals.ts'

/** Both directions of a file, which is imported once, when the first of them is asked for. */
export function readBodies(file: MigrationFile, text: string, bind: Bind): { up: Body; down: Body } {
  const transaction = !noTransaction.test(text)
  let module: Promise<unknown> | null = null
  const load = async (direction: 'up' | 'down'): Promise<LoadedCode> => {
    // First: what the file's own modules connect with is then known, and refused while a migration runs.
    await bind.prepare()
    module ??= importCode(file)
    const found = findExport(await module, direction)
    return {
      run: found === null ? null : (context) => bind.run(context, describe(file, found)),
      transaction,
      empty: found !== null && isEmptyFunction(found.source),
      session: bind.session,
      removals: found === null ? [] : readRemovals(found.source, text),
    }
  }
  const body = (direction: 'up' | 'down'): Body => ({ kind: 'code', file: file.shown, load: () => load(direction) })
  return { up: body('up'), down: body('down') }
}

const noTransaction = /^\s*(?:\/\/|\/?\*+)\s*tenantry:no-transaction\b/m

function describe(file: MigrationFile, found: ExportedFunction): Task {
  return {
    migration: file.stem,
    call: found.call,
    parameters: found.source.length,
    name: basename(file.path),
    path: file.path,
    shown: file.shown,
  }
}
