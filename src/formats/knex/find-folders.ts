import { fileURLToPath } from 'node:url'
import type { FormatOptions } from '../../model/format.ts'
import type { Knexfile } from './knexfile.ts'

/** Where the project's knex is looked for: from the knexfile, the migrations, the project, and where this package is. */
export function findPackageFolders(options: FormatOptions, knexfile: Knexfile | null): string[] {
  const own = fileURLToPath(new URL('.', import.meta.url))
  return [...(knexfile === null ? [] : [knexfile.dir]), ...options.dirs, options.root, own]
}
