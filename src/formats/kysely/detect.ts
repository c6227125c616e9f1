import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { listFolder } from '../list-folder.ts'
import { listMigrationFiles } from './list-files.ts'
import { findIn } from './read-config.ts'

/** Looked into; more say nothing new. */
const samples = 6

/**
 * How much a folder looks like Kysely's: files that export `up`, by what they import and do. Files are read as text, none
 * is run. Without a sign of Kysely itself (its name, its way to build and execute, a config near by) it is none of it.
 */
export async function detectKysely(dir: string): Promise<number> {
  const options = { dirs: [dir], root: dir, ignore: null, placeholders: {} }
  const files = await listMigrationFiles(options, { problems: [], notices: [] })
  const numbered = files.filter(({ name }) => /^\d/.test(name))
  const chosen = (numbered.length > 0 ? numbered : files).slice(0, samples)
  const read = await Promise.all(chosen.map(({ path }) => readFile(path, 'utf8').catch(() => '')))
  const texts = read.filter((text) => /\bup\b/.test(text)).map(withoutComments)
  const others = texts.filter((text) => otherTools.test(text) && !own.test(text))
  if (texts.length === 0 || others.length * 2 >= texts.length) return 0
  if (texts.some((text) => own.test(text))) return 0.96
  if (texts.some((text) => builder.test(text))) return 0.8
  const usesDb = texts.some((text) => /\bup\b[^(]*\(\s*db\b/.test(text))
  return usesDb && (await hasConfig(dir)) ? 0.75 : 0
}

const own = /\bKysely\b|['"]kysely['"]/

/** All of them have functions `up` and `down`, too. */
const otherTools =
  /\bknex\b|\bqueryInterface\b|\bSequelize\b|['"]sequelize|\bMigrationInterface\b|\bQueryRunner\b|\bpgm\b|\bMigrationBuilder\b|@mikro-orm|\bumzug\b|\(\s*\{\s*context\b|\bmongo(?:db|ose)\b/i

/** Its builders end in `execute()`, and its texts are executed by an instance. */
const builder =
  /\bschema\s*\.\s*(?:withSchema|createTable|alterTable|dropTable|createIndex|createView|createType|createSchema)\([\s\S]*?\.execute\(\)|`\s*\.execute\(\s*\w+\s*\)|\.(?:insertInto|updateTable|deleteFrom|selectFrom)\([\s\S]*?\.execute\w*\(\)/

function withoutComments(text: string): string {
  return text.replaceAll(/(^|\s)\/\/[^\n]*/g, ' ')
}

/** In the folder itself or up to three above it, within the project. */
async function hasConfig(dir: string): Promise<boolean> {
  for (let at = dir, steps = 0; steps < 4; at = dirname(at), steps++) {
    if ((await findIn(at)) !== null) return true
    const names = (await listFolder(at, at, [])).map(({ name }) => name)
    if (names.includes('package.json') || dirname(at) === at) return false
  }
  return false
}
