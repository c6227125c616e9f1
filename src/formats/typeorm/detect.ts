import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMigrationFile } from './list-files.ts'

/** Looked into; more say nothing new. */
const samples = 6

/** How much a folder looks like TypeORM's: by classes whose names end in a time. Files are read as text, none is run. */
export async function detectTypeorm(dir: string): Promise<number> {
  const names = (await readdir(dir).catch(() => [])).filter(isMigrationFile).sort()
  const numbered = names.filter((name) => /\d{13}/.test(name))
  const chosen = (numbered.length > 0 ? numbered : names).slice(0, samples)
  const texts = await Promise.all(chosen.map((name) => readFile(join(dir, name), 'utf8').catch(() => '')))
  if (texts.some((text) => timedClass.test(text) && own.test(text))) return 0.95
  return texts.some((text) => timedClass.test(text) && directions.test(text)) ? 0.7 : 0
}

const timedClass = /\bclass\s+[A-Za-z_$][\w$]*?\d{10,}\b|\bname\s*=\s*['"][A-Za-z_$][\w$]*?\d{10,}['"]/
const own = /\bMigrationInterface\b|\bQueryRunner\b|\bqueryRunner\b|['"]typeorm['"]/
const directions = /\bup\s*\([\s\S]*\bdown\s*\(/
