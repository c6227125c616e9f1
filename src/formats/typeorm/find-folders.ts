import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FormatOptions } from '../../model/format.ts'
import type { ProjectSource } from './data-source.ts'

/** Where the project's typeorm is looked for: from its data source, the migrations, the project, and where this package is. */
export function packageFolders(options: FormatOptions, source: ProjectSource | null): string[] {
  const own = fileURLToPath(new URL('.', import.meta.url))
  return [...(source === null ? [] : [dirname(source.path)]), ...options.dirs, options.root, own]
}
