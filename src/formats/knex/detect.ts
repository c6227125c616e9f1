import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeExtensions } from '../import-code.ts'
import { listFolder } from '../list-folder.ts'
import { findIn } from './knexfile.ts'

/** Looked into; more say nothing new. */
const samples = 6

/**
 * How much a folder looks like Knex's: files that export `up`, by what they do with what they are given. Files are read
 * as text, none is run. Without a sign of Knex itself (its name, its builder, a knexfile near by) it is none of it.
 */
export async function detectKnex(dir: string): Promise<number> {
  const entries = await listFolder(dir, dir, [])
  const files = entries.filter(
    ({ kind, name }) =>
      kind === 'file' && codeExtensions.some((extension) => name.endsWith(extension)) && !/\.d\.[cm]?ts$/.test(name),
  )
  const numbered = files.filter(({ name }) => /^\d/.test(name))
  const chosen = (numbered.length > 0 ? numbered : files).slice(0, samples)
  const read = await Promise.all(chosen.map(({ path }) => readFile(path, 'utf8').catch(() => '')))
  const texts = read.filter((text) => exportsUp.test(text) || (exportsOne.test(text) && hasUp.test(text)))
  const others = texts.filter((text) => otherTools.test(withoutComments(text)))
  if (others.length * 2 >= texts.length) return 0
  const nearby = (await hasKnexfile(dir)) ? 0.1 : 0
  if (texts.some((text) => /\bknex\b/i.test(text))) return 0.85 + nearby
  if (texts.some((text) => builder.test(text))) return 0.6 + nearby
  return nearby === 0 ? 0 : 0.5
}

const exportsUp = /\bexports\.up\b|\bexport\s+(?:(?:async\s+)?(?:function|const|let)\s+up\b|\{[^}]*\bup\b)/

const exportsOne = /\bexport\s+default\b|\bmodule\.exports\s*=/
const hasUp = /\bup\s*[:(,}]/

/** Sequelize and umzug, TypeORM, Kysely, node-pg-migrate, MikroORM, MongoDB: all of them have functions `up` and `down`. */
const otherTools =
  /\bqueryInterface\b|\bSequelize\b|['"]sequelize|\bMigrationInterface\b|\bQueryRunner\b|\bKysely\b|\bpgm\b|\bMigrationBuilder\b|@mikro-orm|\bumzug\b|\(\s*\{\s*context\b|\bmongo(?:db|ose)\b/

/** Its builders of schemas and queries, under whatever name the migration has them. */
const builder =
  /\bschema\s*\.(?:createTable|alterTable|table|dropTable|raw|hasTable|with|create|rename|drop)|\.raw\s*\(|\b\w+\(\s*['"`][\w.]+['"`]\s*\)\s*\.(?:insert|update|where|select|del|delete|first|truncate)\b/

/** Who moved from one tool to another says so. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/[^\n]*/g, ' ')
}

/** In the folder itself or up to three above it, within the project. */
async function hasKnexfile(dir: string): Promise<boolean> {
  for (let at = dir, steps = 0; steps < 4; at = dirname(at), steps++) {
    if ((await findIn(at)) !== null) return true
    const names = (await listFolder(at, at, [])).map(({ name }) => name)
    if (names.includes('package.json') || dirname(at) === at) return false
  }
  return false
}
