import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { importCode } from '../import-code.ts'
import { showPath } from '../list-folder.ts'

/** What the project says to node-pg-migrate. Where it connects to is not kept. */
export interface Settings {
  /** Absolute; null: not said. */
  dir: string | null
  table: string | null
  /** Schema of the history table; null: not said. */
  historySchema: string | null
  /** The search path that migrations are run with; empty: not said. */
  searchPath: readonly string[]
  ignorePattern: string | null
  checkOrder: boolean
  decamelize: boolean
  language: string | null
  filenameFormat: string | null
  /** Absolute. */
  templateFile: string | null
}

type Said = Readonly<Record<string, unknown>>

/**
 * Settings in the order in which the tool believes them: options in a script of package.json (`node-pg-migrate -m …`),
 * the file that `--config-file` or the set names, the section `db` of `config/default.json` and of the environment's file
 * beside it. Looked for from the migrations up to the project's folder. What cannot be read says nothing.
 */
export async function readSettings(options: FormatOptions): Promise<Settings> {
  const base = await findBase(options)
  const script = readScript(await readJson(join(base, 'package.json')))
  const named =
    options.toolConfig ?? (typeof script['config-file'] === 'string' ? join(base, script['config-file']) : null)
  const file = named === null ? {} : await readConfigFile(options, named)
  const environment = options.environment ?? 'development'
  const said: Said = {
    ...section(await readJson(join(base, 'config/default.json'))),
    ...section(await readJson(join(base, `config/${environment}.json`))),
    ...file,
    ...script,
  }
  const text = (key: string) => (typeof said[key] === 'string' && said[key] !== '' ? said[key] : null)
  const path = (key: string) => {
    const value = text(key)
    return value === null ? null : resolve(base, value)
  }
  const searchPath = [said.schema].flat().filter((one): one is string => typeof one === 'string' && one !== '')
  return {
    dir: said['use-glob'] === true ? null : path('migrations-dir'),
    table: text('migrations-table'),
    historySchema: text('migrations-schema') ?? searchPath[0] ?? null,
    searchPath,
    ignorePattern: said['use-glob'] === true ? null : text('ignore-pattern'),
    checkOrder: said['check-order'] !== false,
    decamelize: said.decamelize === true,
    language: text('migration-file-language'),
    filenameFormat: text('migration-filename-format'),
    templateFile: path('template-file-name'),
  }
}

/** The nearest folder with a package.json, from the migrations up to the project's. */
async function findBase(options: FormatOptions): Promise<string> {
  const root = resolve(options.root)
  for (const start of options.dirs.map((dir) => resolve(dir))) {
    for (let dir = start; !relative(root, dir).startsWith('..'); dir = dirname(dir)) {
      if ((await readJson(join(dir, 'package.json'))) !== null) return dir
      if (dir === root || dirname(dir) === dir) break
    }
  }
  return root
}

async function readJson(path: string): Promise<Said | null> {
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isSaid(read) ? read : null
  } catch {
    return null
  }
}

async function readConfigFile(options: FormatOptions, path: string): Promise<Said> {
  if (path.endsWith('.json')) {
    const read = await readJson(path)
    return read === null ? {} : section(read, read)
  }
  const read = await importCode({ path, shown: showPath(options.root, path), compile: true })
  const said = isSaid(read) && isSaid(read.default) ? read.default : read
  return isSaid(said) ? section(said, said) : {}
}

/** The section of the settings, by its usual name. */
function section(read: Said | null, otherwise: Said = {}): Said {
  return isSaid(read?.db) ? read.db : otherwise
}

const short: Readonly<Record<string, string>> = {
  m: 'migrations-dir',
  t: 'migrations-table',
  s: 'schema',
  j: 'migration-file-language',
  f: 'config-file',
}

/** Options of the first script that calls the tool. Words with variables of a shell in them say nothing here. */
function readScript(manifest: Said | null): Said {
  const scripts = isSaid(manifest?.scripts) ? Object.values(manifest.scripts) : []
  const calls = scripts.filter((one): one is string => typeof one === 'string' && /\bnode-pg-migrate\b/.test(one))
  const said: Record<string, unknown> = {}
  for (const call of calls.reverse()) {
    const words = (/\bnode-pg-migrate\b(.*)/.exec(call)?.[1] ?? '').match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? []
    for (const [index, word] of words.entries()) {
      const [, long, letter, joined] = /^(?:--([a-z-]+)|-([a-z]))(?:=(.*))?$/.exec(word) ?? []
      const name = long ?? short[letter ?? '']
      if (name === undefined) continue
      const next = joined ?? (words[index + 1]?.startsWith('-') === false ? words[index + 1] : undefined)
      const value = next?.replaceAll(/^["']|["']$/g, '')
      if (name.startsWith('no-')) said[name.slice(3)] = false
      else if (value === undefined || value === 'true') said[name] = true
      else if (value === 'false') said[name] = false
      else if (!/[$%`]/.test(value)) said[name] = value
    }
  }
  return said
}

function isSaid(value: unknown): value is Said {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
