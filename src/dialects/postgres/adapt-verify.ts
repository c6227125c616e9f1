import { type Edit, renderParts } from './edits.ts'
import { type ParsedSql, parseSql } from './parse.ts'
import { isNode, only, text } from './syntax-tree.ts'

/** Quotes of both kinds, so that a wrong quoting shows. */
const sentinel = `tenantry'"schema`
const spelledSentinel = /"?tenantry'+"+schema"?/
const schemaNames = /(?:"?tenantry'+"+schema"?|"public"|\bpublic\b)\s*(?:\.\s*)?/gi

/** The file with its edits filled in for a schema. Edits may come in any order. */
export function renderEdits(sql: Pick<ParsedSql, 'bytes'>, edits: readonly Edit[], schema: string): string {
  const pieces: string[] = []
  let at = 0
  for (const edit of sortEdits(edits)) {
    if (edit.start < at) throw new RangeError(`edits overlap at byte ${edit.start}`)
    pieces.push(sql.bytes.toString('utf8', at, edit.start), renderParts(edit.parts, schema))
    at = edit.end
  }
  pieces.push(sql.bytes.toString('utf8', at))
  return pieces.join('')
}

/** By place; an insertion comes before what is replaced behind it. */
export function sortEdits(edits: readonly Edit[]): Edit[] {
  return [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
}

/**
 * Proves that edits change schema names and nothing else: the file is rendered for a schema with quotes in its name
 * and parsed again, and both trees must be equal but for the schema. Edits of other kinds must at least parse.
 *
 * @returns null when that holds, else what does not.
 */
export function verifyAdaptation(sql: ParsedSql, edits: readonly Edit[]): string | null {
  if (edits.length === 0) return null
  try {
    const schemaEdits = edits.filter((edit) => edit.kind === 'schema')
    if (schemaEdits.length < edits.length) parseSql(renderEdits(sql, edits, sentinel))
    if (schemaEdits.length === 0) return null
    const after = parseSql(renderEdits(sql, schemaEdits, sentinel))
    if (after.statements.length !== sql.statements.length) return 'the number of statements changed'
    for (const [i, statement] of sql.statements.entries()) {
      const adapted = after.statements[i]
      if (!adapted || adapted.type !== statement.type || !equalTrees(statement.node, adapted.node)) {
        return `statement ${i + 1} changed in more than its schema`
      }
    }
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const places = new Set(['location', 'name_location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end'])

function equalTrees(before: unknown, after: unknown): boolean {
  if (before === after) return true
  if (typeof before === 'string' && typeof after === 'string') return equalText(before, after)
  if (Array.isArray(before) && Array.isArray(after)) return equalLists(before, after)
  if (!isNode(before) || !isNode(after)) return false
  for (const key in before) {
    if (!places.has(key) && !(key in after)) return false
  }
  for (const key in after) {
    if (places.has(key)) continue
    // an unqualified name was qualified
    if (key === 'schemaname' && after[key] === sentinel && before[key] === undefined) continue
    if (!equalTrees(before[key], after[key])) return false
  }
  return true
}

function equalLists(before: readonly unknown[], after: readonly unknown[]): boolean {
  const qualified = after.length === before.length + 1 && isSentinelName(after[0]) ? after.slice(1) : after
  return before.length === qualified.length && before.every((item, i) => equalTrees(item, qualified[i]))
}

function isSentinelName(item: unknown): boolean {
  const { type, node } = only(item)
  return type === 'String' && text(node, 'sval') === sentinel
}

/** A name, or a text (a body, a constant) in which only schema names differ. */
function equalText(before: string, after: string): boolean {
  if (after === sentinel) return before === 'public'
  if (!spelledSentinel.test(after)) return false
  return before.replace(schemaNames, '') === after.replace(schemaNames, '')
}
