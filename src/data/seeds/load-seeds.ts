import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { codeExtensions } from '../../formats/import-code.ts'
import { type FolderEntry, listFolder, showPath } from '../../formats/list-folder.ts'
import type { FolderProblem } from '../../formats/problems.ts'
import { readTextFile } from '../../formats/read-file.ts'
import { TenantryError } from '../../model/errors.ts'
import { parseSeedHeader } from './parse-header.ts'
import { readCodeSeed } from './read-code.ts'
import { readCsvSeed } from './read-csv.ts'
import { readJsonSeed } from './read-json.ts'
import { identifyKey, showKey } from './read-rows.ts'
import type { Complain, RowsBody, Seed, SeedPath } from './seed-file.ts'

export interface SeedFolder {
  root: string
  /** Absolute. */
  dir: string
  /** Sub-folders of other names are passed over. */
  environment: string | null
}

interface SeedProblem {
  file: string
  line: number | null
  message: string
  hint: string | null
}

/**
 * Reads the seeds of a folder and of its sub-folder for the environment, in the order of their file names. A missing
 * folder has none. Throws SEEDS_UNREADABLE with all that is wrong, SEED_UNKNOWN.
 */
export async function loadSeeds(folder: SeedFolder, only: readonly string[] = []): Promise<Seed[]> {
  const problems: SeedProblem[] = []
  const paths = await listSeeds(folder, problems)
  const chosen = only.length === 0 ? paths : paths.filter((path) => only.some((name) => choose(paths, name) === path))
  const seeds: Seed[] = []
  for (const path of chosen) {
    const seed = await readSeed(path, problems)
    if (seed !== null) seeds.push(seed)
  }
  refuseTwice(seeds, problems)
  throwProblems(problems)
  return seeds
}

async function listSeeds({ root, dir, environment }: SeedFolder, problems: SeedProblem[]): Promise<SeedPath[]> {
  if (!existsSync(dir)) return []
  const own = environment === null || !/^[\w.-]+$/.test(environment) ? null : environment
  const entries = await list(root, dir, problems)
  const inside = entries.find(({ kind, name }) => kind === 'folder' && name === own)
  const more = inside === undefined ? [] : await list(root, inside.path, problems)
  const found = [
    ...entries.map((entry) => ({ entry, name: entry.name })),
    ...more.map((entry) => ({ entry, name: `${own}/${entry.name}` })),
  ].filter(({ entry }) => entry.kind === 'file' && isSeed(entry.name))
  // Those of one name: first what is for every environment.
  const sorted = found.sort((a, b) =>
    a.entry.name === b.entry.name ? a.name.length - b.name.length : a.entry.name < b.entry.name ? -1 : 1,
  )
  return sorted.map(({ entry, name }) => ({ name, path: entry.path, shown: entry.shown }))
}

async function list(root: string, dir: string, problems: SeedProblem[]): Promise<FolderEntry[]> {
  const found: FolderProblem[] = []
  const entries = await listFolder(root, dir, found)
  for (const { message } of found) {
    const hint = 'Correct `seeds.dir` in the config, or make the folder.'
    problems.push({
      file: showPath(root, dir),
      line: null,
      message: message.replace('migrations folder', 'folder of seeds'),
      hint,
    })
  }
  return entries
}

function isSeed(name: string): boolean {
  const extension = extname(name)
  const isCode = codeExtensions.some((one) => one === extension) && !/\.d\.[cm]?ts$/.test(name)
  return isCode || ['.sql', '.csv', '.json'].includes(extension)
}

function choose(paths: readonly SeedPath[], wanted: string): SeedPath {
  const stemOf = (name: string) => name.replace(/\.[^./]+$/, '')
  const fileOf = (name: string) => name.split('/').at(-1) ?? name
  const number = /^\d+$/.test(wanted) ? Number(wanted) : null
  const attempts: ((name: string) => boolean)[] = [
    (name) => name === wanted || stemOf(name) === wanted,
    (name) => fileOf(name) === wanted || stemOf(fileOf(name)) === wanted,
    (name) => number !== null && Number(/^\d+/.exec(fileOf(name))?.[0]) === number,
    (name) => fileOf(name).startsWith(wanted) || stemOf(fileOf(name)).replace(/^\d+[_-]*/, '') === wanted,
  ]
  const found = attempts.map((test) => paths.filter(({ name }) => test(name))).find(({ length }) => length > 0) ?? []
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  const names = (found.length > 1 ? found : paths).map(({ name }) => name)
  throw new TenantryError(
    'SEED_UNKNOWN',
    `${JSON.stringify(wanted)} names ${found.length > 1 ? `${found.length} seeds` : 'no seed'}.`,
    {
      hint:
        names.length === 0
          ? 'The folder of seeds is empty; see docs/seeding.md.'
          : `There are ${names.slice(0, 8).join(', ')}.`,
      context: { seeds: names },
    },
  )
}

async function readSeed(path: SeedPath, problems: SeedProblem[]): Promise<Seed | null> {
  const { name, shown } = path
  const before = problems.length
  const complain: Complain = (message, line = null, hint) =>
    void problems.push({ file: shown, line, message, hint: hint ?? null })
  const unreadable: FolderProblem[] = []
  const read = await readTextFile(path, unreadable)
  for (const { message, hint } of unreadable)
    problems.push({
      file: shown,
      line: null,
      message: message.replace('a migration may', 'a seed may').replace(/\.$/, ''),
      hint,
    })
  if (read === null) return null
  const { text } = read
  const seed = (set: string | null, body: Seed['body']): Seed => ({
    name,
    file: shown,
    checksum: hashText(text),
    set,
    body,
  })
  const made = await readBody(path, text, complain)
  return made === null || problems.length > before ? null : seed(made.set, made.body)
}

async function readBody(
  path: SeedPath,
  text: string,
  complain: Complain,
): Promise<{ body: Seed['body']; set: string | null } | null> {
  switch (extname(path.name)) {
    case '.json':
      return readJsonSeed(text, path.name, complain)
    case '.csv':
      return readCsvSeed(text, path.name, complain)
    case '.sql': {
      const header = parseSeedHeader(text, '--', ['always', 'set'], complain)
      return { body: { kind: 'sql', text, always: header.always }, set: header.values.get('set') ?? null }
    }
    default:
      return readCodeSeed(path, complain)
  }
}

export function hashText(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}

/** One row in two files would be changed to and fro. */
function refuseTwice(seeds: readonly Seed[], problems: SeedProblem[]): void {
  const seen = new Map<string, { file: string; line: number }>()
  for (const { file, set, body } of seeds) {
    if (body.kind !== 'rows') continue
    for (const row of body.rows) {
      const id = `${set ?? ''}\0${body.table}\0${identifyKey(body.key, row)}`
      const other = seen.get(id)
      if (other === undefined) seen.set(id, { file, line: row.line })
      else if (other.file !== file) problems.push(describeTwice(body, row, file, other))
    }
  }
}

function describeTwice(
  { table, key }: RowsBody,
  row: RowsBody['rows'][number],
  file: string,
  other: { file: string; line: number },
): SeedProblem {
  return {
    file,
    line: row.line,
    message: `the row ${showKey(key, row)} of ${table} is in ${other.file}:${other.line}, too`,
    hint: 'Keep each row in one file.',
  }
}

function throwProblems(problems: readonly SeedProblem[]): void {
  const [first, ...others] = problems
  if (first === undefined) return
  const show = ({ file, line, message }: SeedProblem) =>
    message.startsWith(file) || message.startsWith('The ')
      ? message
      : `${file}${line === null ? '' : `:${line}`}: ${message}`
  const text =
    others.length === 0
      ? `${show(first).replace(/\.$/, '')}.`
      : `The seeds cannot be used; ${problems.length} problems:\n${problems.map((one) => `- ${show(one)}`).join('\n')}`
  const hints = [...new Set(problems.flatMap(({ hint }) => hint ?? []))]
  throw new TenantryError('SEEDS_UNREADABLE', text, {
    hint: [...hints, 'No target was touched. docs/seeding.md shows what seeds look like.'].join('\n'),
    context: {
      problems,
      ...(others.length === 0 && first.line !== null ? { file: first.file, line: first.line } : {}),
    },
  })
}
