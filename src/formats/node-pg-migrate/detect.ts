import { readFile } from 'node:fs/promises'
import { codeExtensions } from '../import-code.ts'
import { listFolder } from '../list-folder.ts'

/** Looked into; more say nothing new. */
const samples = 6

/**
 * How much a folder looks like node-pg-migrate's: code that builds with `pgm`, or SQL with the tool's marks. Files are read
 * as text, none is run.
 */
export async function detectNodePgMigrate(dir: string): Promise<number> {
  const entries = await listFolder(dir, dir, [])
  const files = entries.filter(({ kind, name }) => kind === 'file' && /^\d/.test(name) && !/\.d\.[cm]?ts$/.test(name))
  const ending = (endings: readonly string[]) =>
    files.filter(({ name }) => endings.some((one) => name.toLowerCase().endsWith(one))).slice(0, samples)
  const read = (chosen: typeof files) => Promise.all(chosen.map(({ path }) => readFile(path, 'utf8').catch(() => '')))
  const code = await read(ending(codeExtensions))
  if (code.some((text) => own.test(text))) return 0.95
  // Files of another tool beside it decide.
  if (code.some((text) => /\bup\b/.test(text))) return 0
  return (await read(ending(['.sql']))).some((text) => mark.test(text)) ? 0.85 : 0
}

const own = /\bpgm\b|['"]node-pg-migrate['"]/
const mark = /^\s*--[\s-]*up\s+migration\s*$/im
