/** The files that a page shows: blocks whose first line is a comment with a file's name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { defineConfig } from '../../src/config/define.ts'
import * as extend from '../../src/extend.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))

/** Name → text, as it stands in the page. */
export function filesOfPage(page: string): Record<string, string> {
  const text = readFileSync(join(docs, page), 'utf8')
  const found = [...text.matchAll(/^```ts\n(\/\/ ([\w.-]+\.ts)\n[\s\S]*?)^```$/gm)]
  return Object.fromEntries(found.map(([, block = '', name = '']) => [name, block]))
}

/** Imports a file that a page shows, with this package's own modules under the names that users import. */
export async function importPageFile<T>(path: string): Promise<T> {
  const virtualModules = { tenantry: { defineConfig }, 'tenantry/extend': extend }
  return createJiti(import.meta.url, { fsCache: false, virtualModules }).import<T>(path)
}
