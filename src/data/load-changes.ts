import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { isRecord } from '../config/record.ts'
import type { DataChangeRules } from '../config/resolved.ts'
import { codeExtensions, findExport, findValue, importCode } from '../formats/import-code.ts'
import { listFolder } from '../formats/list-folder.ts'
import { readPhase } from '../formats/phase.ts'
import { type FolderProblem, throwProblems } from '../formats/problems.ts'
import { readTextFile } from '../formats/read-file.ts'
import type { DataChangeDefinition } from '../model/data-change.ts'
import { TenantryError } from '../model/errors.ts'
import type { DataChange } from './data-change.ts'
import { parseHeader } from './parse-header.ts'

interface ChangeFile {
  name: string
  path: string
  shown: string
}

/**
 * Reads the changes of a folder, in the order of their names; `wanted`: this one only (its stem, or a unique number or
 * beginning). A missing folder has none, unless the config names it. Throws MIGRATIONS_UNREADABLE with all that is wrong,
 * DATA_CHANGE_UNKNOWN.
 */
export async function loadChanges(rules: DataChangeRules, root: string, wanted?: string): Promise<DataChange[]> {
  const problems: FolderProblem[] = []
  const entries = !rules.dirGiven && !existsSync(rules.dir) ? [] : await listFolder(root, rules.dir, problems)
  for (const problem of problems)
    Object.assign(problem, {
      message: problem.message.replace('migrations folder', 'folder of data changes'),
      hint: 'Correct `dataChanges.dir` in the config, or make the folder.',
    })
  const files = entries.flatMap(({ name, path, shown, kind }): ChangeFile[] => {
    const extension = extname(name)
    const isCode = codeExtensions.some((one) => one === extension) && !/\.d\.[cm]?ts$/.test(name)
    return kind === 'file' && (isCode || extension === '.sql')
      ? [{ name: name.slice(0, -extension.length), path, shown }]
      : []
  })
  for (const [i, { name, shown }] of files.entries()) {
    const other = files[i + 1]
    if (other?.name !== name) continue
    const message = `${shown} and ${other.shown} are two data changes of one name.`
    problems.push({ code: 'MIGRATION_DUPLICATE', message, hint: 'Rename one of them.', files: [shown, other.shown] })
  }
  throwProblems(problems)
  const chosen = wanted === undefined ? files : [chooseFile(files, wanted)]
  const changes: DataChange[] = []
  for (const file of chosen) {
    const change = file.path.endsWith('.sql')
      ? await readSql(file, rules, problems)
      : await readCode(file, rules, problems)
    if (change !== null) changes.push(change)
  }
  throwProblems(problems)
  return changes
}

function chooseFile(files: readonly ChangeFile[], wanted: string): ChangeFile {
  const stem = wanted.replace(/\.(sql|[cm]?[jt]s)$/, '')
  const exact = files.filter(({ name }) => name === stem)
  const number = /^\d+$/.test(stem) ? files.filter(({ name }) => Number(/^\d+/.exec(name)?.[0]) === Number(stem)) : []
  const found =
    [exact, number, files.filter(({ name }) => name.startsWith(stem))].find(({ length }) => length > 0) ?? []
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  const names = (found.length > 1 ? found : files).map(({ name }) => name)
  throw new TenantryError(
    'DATA_CHANGE_UNKNOWN',
    `${JSON.stringify(wanted)} names ${found.length > 1 ? `${found.length} data changes` : 'no data change'}.`,
    {
      hint:
        names.length === 0
          ? 'The folder of data changes is empty; see docs/data-changes.md.'
          : `There are ${names.slice(0, 8).join(', ')}.`,
      context: { changes: names },
    },
  )
}

function checksum(bytes: string): string {
  return createHash('sha256').update(bytes.replaceAll('\r\n', '\n')).digest('hex')
}

async function readSql(
  file: ChangeFile,
  rules: DataChangeRules,
  problems: FolderProblem[],
): Promise<DataChange | null> {
  const read = await readTextFile(file, problems)
  if (read === null) return null
  const refuse = (message: string, hint = 'See docs/data-changes.md for the header of such a file.') => {
    problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${file.shown} is no data change: ${message}.`,
      hint,
      files: [file.shown],
    })
  }
  const before = problems.length
  const header = parseHeader(read.text)
  if (header.line === 0) {
    refuse('it has no header', 'Begin it with a line such as `-- tenantry:data-change table=orders key=id`.')
    return null
  }
  for (const problem of header.problems) refuse(problem)
  const value = (key: string) => header.values.get(key) ?? null
  const table = value('table')
  const key = (value('key') ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  const remaining = value('remaining')
  const scope = value('scope') ?? 'tenant'
  const chunkMs = value('chunk-ms')
  if (table === null) refuse('its header does not say `table`')
  if (key.length === 0 && remaining === null)
    refuse('its header does not say `key`, the column or columns that the rows are walked by')
  if (key.length > 0 && remaining !== null)
    refuse('its header says both `key` and `remaining`: a walk by key knows what remains')
  if (scope !== 'tenant' && scope !== 'target') refuse('`scope` is `tenant` or `target`')
  if (chunkMs !== null && !/^[1-9]\d{1,6}$/.test(chunkMs)) refuse('`chunk-ms` is a number of milliseconds from 10')
  if (problems.length > before || table === null) return null
  return {
    name: file.name,
    file: file.shown,
    checksum: checksum(read.text),
    table,
    key,
    chunkMs: chunkMs === null ? rules.chunkMs : Number(chunkMs),
    after: value('after'),
    count: value('count'),
    remaining,
    set: value('set'),
    scope: scope === 'target' ? 'target' : 'tenant',
    ...readPhase(read.text, file.shown, problems),
    body: { kind: 'sql', text: read.text },
  }
}

async function readCode(
  file: ChangeFile,
  rules: DataChangeRules,
  problems: FolderProblem[],
): Promise<DataChange | null> {
  const module = await importCode(file)
  const refuse = (message: string) => {
    const hint = 'Write `export default defineDataChange({ table, key, async batch({ query, from, to }) { … } })`.'
    problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${file.shown} is no data change: ${message}.`,
      hint,
      files: [file.shown],
    })
    return null
  }
  const batch = findExport(module, 'batch')
  if (batch === null) return refuse('its default export has no function `batch`')
  const known: readonly (keyof DataChangeDefinition)[] = [
    'table',
    'key',
    'chunkMs',
    'after',
    'count',
    'set',
    'scope',
    'batch',
  ]
  const outer = findValue(module, 'batch') === undefined ? null : (module as { default?: unknown }).default
  const unknown = isRecord(outer)
    ? Object.keys(outer).find((key) => key !== 'default' && !known.some((one) => one === key))
    : undefined
  if (unknown !== undefined) return refuse(`it has an unknown key \`${unknown}\``)
  const text = (key: keyof DataChangeDefinition) => {
    const value = findValue(module, key)
    if (value === undefined) return null
    if (typeof value === 'string' && value !== '') return value
    refuse(`\`${key}\` must be a text`)
    return null
  }
  const before = problems.length
  const given = findValue(module, 'key')
  const key = (Array.isArray(given) ? given : [given]).filter(
    (one): one is string => typeof one === 'string' && one !== '',
  )
  const chunkMs = findValue(module, 'chunkMs') ?? rules.chunkMs
  const scope = findValue(module, 'scope') ?? 'tenant'
  const table = text('table')
  if (table === null && problems.length === before) refuse('it does not say `table`')
  if (key.length === 0) refuse('it does not say `key`, the column or columns that the rows are walked by')
  if (typeof chunkMs !== 'number' || !(chunkMs >= 10)) refuse('`chunkMs` is a number of milliseconds from 10')
  if (scope !== 'tenant' && scope !== 'target') refuse('`scope` is `tenant` or `target`')
  const [after, count, set] = [text('after'), text('count'), text('set')]
  if (problems.length > before || table === null) return null
  const source = await readFile(file.path, 'utf8')
  return {
    name: file.name,
    file: file.shown,
    checksum: checksum(source),
    ...readPhase(source, file.shown, problems),
    table,
    key,
    chunkMs: Number(chunkMs),
    after,
    count,
    remaining: null,
    set,
    scope: scope === 'target' ? 'target' : 'tenant',
    body: { kind: 'code', batch: async (one) => batch.call(one) },
  }
}
