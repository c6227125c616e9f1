import type { LoadedCode } from '../../model/code.ts'
import type { Body } from '../../model/migration.ts'
import { isEmptyFunction } from '../empty-function.ts'
import { findExport, importCode } from '../import-code.ts'
import type { Bind } from './bind.ts'
import type { MigrationFile } from './list-files.ts'

/** Both directions of one migration; the module is imported when the first of them is needed. */
export function readBodies({ path, shown }: MigrationFile, bind: Bind): { up: Body; down: Body } {
  let module: Promise<unknown> | null = null
  const body = (direction: 'up' | 'down'): Body => ({
    kind: 'code',
    file: shown,
    async load(): Promise<LoadedCode> {
      module ??= importCode({ path, shown })
      const found = findExport(await module, direction)
      const transaction = bind.transactions
      if (found === null) return { run: null, transaction, empty: false }
      // Looked for now: a missing package is told before anything is touched.
      await bind.prepare()
      return { run: (context) => bind.run(context, found.call), transaction, empty: isEmptyFunction(found.source) }
    },
  })
  return { up: body('up'), down: body('down') }
}
