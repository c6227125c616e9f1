import { dirname, relative, resolve } from 'node:path'
import type { FormatOptions } from '../model/format.ts'

/**
 * What a tool's config is searched for: from each folder of migrations up to the project's, then in the project's; the
 * first find counts. null: there is none.
 */
export async function findNearest<T>(
  options: Pick<FormatOptions, 'dirs' | 'root'>,
  findIn: (dir: string) => Promise<T | null>,
): Promise<T | null> {
  const root = resolve(options.root)
  for (const start of [...options.dirs.map((dir) => resolve(dir)), root]) {
    for (let dir = start; ; dir = dirname(dir)) {
      const found = await findIn(dir)
      if (found !== null) return found
      if (dir === root || relative(root, dir).startsWith('..') || dirname(dir) === dir) break
    }
  }
  return null
}
