import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Names of Prisma's own config. */
const configNames = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((ending) => `prisma.config.${ending}`)

/**
 * The folder that Prisma itself would take: of `prisma.config.*` (where it is written as a plain text), beside the
 * schema that package.json names, else `prisma/migrations`. null: none of them is there. Nothing is run.
 */
export async function findFolder(root: string): Promise<string | null> {
  for (const candidate of [await fromConfig(root), await fromPackage(root), join(root, 'prisma', 'migrations')]) {
    if (candidate !== null && (await isFolder(candidate))) return candidate
  }
  return null
}

async function fromConfig(root: string): Promise<string | null> {
  for (const name of configNames) {
    const text = await readFile(join(root, name), 'utf8').catch(() => null)
    if (text === null) continue
    const path = /\bmigrations\s*:\s*\{[^}]*?\bpath\s*:\s*['"`]([^'"`$]+)['"`]/.exec(text)?.[1]
    return path === undefined ? null : join(root, path)
  }
  return null
}

async function fromPackage(root: string): Promise<string | null> {
  const text = await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}')
  try {
    const { prisma } = JSON.parse(text) as { prisma?: { schema?: unknown } }
    return typeof prisma?.schema === 'string' ? join(root, dirname(prisma.schema), 'migrations') : null
  } catch {
    return null
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
