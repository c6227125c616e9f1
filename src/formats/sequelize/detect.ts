import { readFile } from 'node:fs/promises'
import { listMigrationFiles } from './list-files.ts'

/** Looked into; more say nothing new. */
const samples = 6

/**
 * How much a folder looks like Sequelize's: by what its files do with what they are given. Files are read as text, none
 * is run. 0 for files that speak of Knex, or of nothing known.
 */
export async function detectSequelize(dir: string): Promise<number> {
  const files = await listMigrationFiles({ dirs: [dir], root: dir, ignore: null, placeholders: {} }, [])
  const numbered = files.filter(({ name }) => /^\d/.test(name))
  const chosen = (numbered.length > 0 ? numbered : files).slice(0, samples)
  const texts = await Promise.all(chosen.map(({ path }) => readFile(path, 'utf8').catch(() => '')))
  const written = texts.filter((text) => exportsUp.test(text))
  if (written.some((text) => own.test(text))) return 0.95
  if (written.length === 0 || written.some((text) => others.test(text))) return 0
  if (written.some((text) => umzug.test(text))) return 0.7
  return written.some((text) => calls.test(text)) ? 0.6 : 0
}

const exportsUp = /\bup\b/
const own = /\bqueryInterface\b|\bQueryInterface\b|['"](?:sequelize(?:-cli)?|@sequelize\/core)['"]|\bSequelize\b/
/** Their migrations have functions `up` and `down`, too. */
const others =
  /\bknex\b|\bKysely\b|\bMigrationInterface\b|\bQueryRunner\b|\bpgm\b|\bMigrationBuilder\b|@mikro-orm|\bmongo/i
/** `up: (q) => q.addColumn('users', …)`; Knex has its builder below `schema`. */
const calls =
  /(?<!\bschema)\.(?:createTable|dropTable|(?:add|remove|change|rename)Column|(?:add|remove)(?:Index|Constraint)|bulk(?:Insert|Delete|Update))\(\s*['"`{]/
/** `async ({ context }) => …`, `async ({ context: sequelize }) => …` */
const umzug = /\(\s*\{[^)]*\bcontext\b|['"]umzug['"]/
