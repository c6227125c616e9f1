import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Format, FormatOptions, LoadedMigrations } from '../model/format.ts'
import type { Migration } from '../model/migration.ts'
import { checksumText } from './checksums.ts'
import { readHeaders } from './headers.ts'
import { historyShape } from './history-shapes.ts'
import { type FolderEntry, listFolder } from './list-folder.ts'
import { readPhase } from './phase.ts'
import { replacePlaceholders } from './placeholders.ts'
import { type Findings, throwProblems } from './problems.ts'
import { readTextFile } from './read-file.ts'
import { readInBatches } from './read-in-batches.ts'
import { readUndo } from './read-undo.ts'
import { nextNumber } from './sections/next-version.ts'
import { describeName, formatStamp, makeSlug } from './slug.ts'

/** The files of one number. */
interface Pair {
  id: string
  /** As written. */
  digits: string
  number: bigint
  up: FolderEntry | null
  down: FolderEntry | null
}

const fileName = /^(\d+)_(.*)\.(up|down)\.sql$/

/**
 * Files `1_name.up.sql` and `1_name.down.sql` of golang-migrate, either of which may be missing. Source: `source/parse.go`:
 * numbers are compared as numbers, and each is there once. Plain SQL files may be named so, too: what tells them apart is
 * the project's go.mod, or the config.
 */
export const golangMigrate: Format = {
  name: 'golang-migrate',
  history: historyShape('golang-migrate'),

  async detect(dir) {
    const entries = await listFolder(dir, dir, [])
    if (!entries.some(({ kind, name }) => kind === 'file' && fileName.test(name))) return 0
    return (await isGoProject(dir)) ? 0.8 : 0.3
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const pairs = await findPairs(options, findings)
    const migrations = await readInBatches(pairs, findings, (pair, own) => readMigration(pair, options, own))
    throwProblems(findings.problems)
    return { migrations, notices: findings.notices }
  },

  async template(options, name, { description, now }) {
    const slug = makeSlug(name)
    const last = (await findPairs(options, { problems: [], notices: [] })).at(-1)
    const dir = last === undefined ? (options.dirs[0] ?? options.root) : dirname((last.up ?? last.down)?.path ?? '')
    const id = `${nextNumber(last?.digits ?? null, now, formatStamp(now))}_${slug}`
    return [
      { path: join(dir, `${id}.up.sql`), text: `-- Description: ${describeName(name, description)}\n\n` },
      { path: join(dir, `${id}.down.sql`), text: `-- Rollback for: ${id}\n\n` },
    ]
  },
}

/** Does a go.mod at or above this folder ask for golang-migrate? */
async function isGoProject(dir: string): Promise<boolean> {
  let at = resolve(dir)
  for (let level = 0; level < 6; level++) {
    const text = await readFile(join(at, 'go.mod'), 'utf8').catch(() => null)
    if (text !== null) return /\bgithub\.com\/golang-migrate\/migrate\b/.test(text)
    const above = dirname(at)
    if (above === at) break
    at = above
  }
  return false
}

async function findPairs(options: FormatOptions, { problems }: Findings): Promise<Pair[]> {
  const pairs = new Map<bigint, Pair>()
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, problems)) {
      const match = entry.kind === 'file' ? fileName.exec(entry.name) : null
      if (match === null || (options.ignore !== null && entry.name.search(options.ignore) >= 0)) continue
      const [, digits = '', name = '', direction = 'up'] = match
      const number = BigInt(digits)
      const pair = pairs.get(number) ?? { id: `${digits}_${name}`, digits, number, up: null, down: null }
      const taken = direction === 'up' ? pair.up : pair.down
      if (taken !== null) {
        problems.push({
          code: 'MIGRATION_DUPLICATE',
          message: `Two ${direction} files have the number ${number}: ${taken.shown}, ${entry.shown}.`,
          hint: 'Give each its own number; one that has been applied anywhere should keep its name.',
          files: [taken.shown, entry.shown],
        })
        continue
      }
      pairs.set(
        number,
        direction === 'up' ? { ...pair, id: `${digits}_${name}`, digits, up: entry } : { ...pair, down: entry },
      )
    }
  }
  return [...pairs.values()].sort((a, b) => (a.number < b.number ? -1 : 1))
}

async function readMigration(pair: Pair, options: FormatOptions, findings: Findings): Promise<Migration | null> {
  const { id, number, up } = pair
  // The tool takes a down file alone for a migration that does nothing upwards.
  const file = up === null ? { bytes: Buffer.alloc(0), text: '' } : await readTextFile(up, findings.problems)
  const down = pair.down === null ? null : await readUndo(pair.down, id, options, findings)
  if (file === null) return null
  const text = replacePlaceholders(file.text, options.placeholders)
  const headers = readHeaders(text)
  const shown = (up ?? pair.down)?.shown ?? id
  return {
    id,
    number: String(number),
    ...checksumText(file),
    description: headers.description,
    keys: [id, String(number)],
    up: { kind: 'sql', text, file: shown },
    down,
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, shown, findings.problems),
  }
}
