import { suggest } from '../../config/problem.ts'
import { type JsonNode, JsonProblem, parseJsonLines } from './json-lines.ts'
import { makeRows } from './read-rows.ts'
import { readValue } from './read-value.ts'
import type { Complain, RowsBody, SeedRow } from './seed-file.ts'

const known = ['table', 'key', 'mode', 'removed', 'set', 'rows', 'description', '$schema']
const hint = 'Write `{ "table": "roles", "key": ["name"], "rows": [ { "name": "Admin" } ] }`; see docs/seeding.md.'

/** Reads rows for a table. null: the text is no such file; why was said. */
export function readJsonSeed(
  text: string,
  fileName: string,
  complain: Complain,
): { body: RowsBody; set: string | null } | null {
  let root: JsonNode
  try {
    root = parseJsonLines(text)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    complain(`it is not JSON: ${error.message}`, error.line)
    return null
  }
  if (root.kind !== 'object') {
    complain('it must be an object', root.line, hint)
    return null
  }
  const { members } = root
  for (const [name, { line }] of [...members].filter(([one]) => !known.includes(one)))
    complain(`it has an unknown member ${JSON.stringify(name.slice(0, 60))}${suggest(name, known)}`, line, hint)
  const textAt = (name: string) => {
    const node = members.get(name)
    if (node === undefined) return null
    if (node.kind === 'text' && node.text !== '') return node.text
    complain(`\`${name}\` must be a text`, node.line)
    return null
  }
  const rowsNode = members.get('rows')
  if (rowsNode?.kind !== 'list') complain('`rows` must be a list of objects', rowsNode?.line ?? root.line, hint)
  const rows = rowsNode?.kind === 'list' ? rowsNode.items.flatMap((item) => readRow(item, complain)) : []
  const keyNode = members.get('key')
  const frame = {
    line: keyNode?.line ?? root.line,
    table: textAt('table'),
    key: readKey(keyNode, complain),
    mode: textAt('mode'),
    removed: textAt('removed'),
  }
  return { body: makeRows(frame, rows, fileName, complain), set: textAt('set') }
}

function readKey(node: JsonNode | undefined, complain: Complain): string[] {
  if (node?.kind === 'text' && node.text !== '') return [node.text]
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item) => {
    if (item.kind === 'text' && item.text !== '') return [item.text]
    complain('`key` must be a list of names of columns', item.line)
    return []
  })
}

function readRow(node: JsonNode, complain: Complain): SeedRow[] {
  if (node.kind !== 'object' || node.members.size === 0) {
    complain('a row must be an object of columns and values', node.line)
    return []
  }
  const values = [...node.members].map(([name, value]) => [name, readValue(value, complain)] as const)
  if (node.members.has('')) complain('a column has no name', node.line)
  return [{ line: node.line, values: new Map(values) }]
}
