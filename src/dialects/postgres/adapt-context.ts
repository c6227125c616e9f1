import type { Notice } from '../../model/migration.ts'
import type { Edit, Slot } from './edits.ts'
import type { OwnObjects } from './own-objects.ts'
import type { ParsedSql } from './parse.ts'
import type { Literal, Region } from './sql-regions.ts'

export interface AdaptOptions {
  /** Path for messages. */
  file: string
  migration: string
  /** How many schema targets the largest database has; above 1, what works for one schema only is a problem. */
  targetsPerDatabase: number
  /** Where extensions are; second on the search path. */
  sharedSchema: string
}

export interface ExtensionRequest {
  name: string
  /** null: the shared schema. */
  schema: string | null
  /** null: the server's default version. */
  version: string | null
}

/** What is gathered while one file is adapted. */
export interface AdaptContext {
  sql: ParsedSql
  own: OwnObjects
  options: AdaptOptions
  edits: Edit[]
  notices: Notice[]
  problems: Notice[]
  extensions: ExtensionRequest[]
  /** Tags of the dollar quotes that edits stand in. */
  dollarTags: Set<string>
  /** The file sets a search path of its own, so that unqualified names are not the tenant's for certain. */
  ownSearchPath: boolean
  /** The body being read looks into the catalog, and that look-up was moved to the tenant's schema. */
  readsOwnCatalog: boolean
  /** Adapts a region inside of this one. */
  descend(region: Region): void
}

/** Replaces bytes of a region, given as bytes of the region. */
export function addEdit(
  context: AdaptContext,
  region: Region,
  start: number,
  end: number,
  parts: Edit['parts'],
  kind: Edit['kind'],
): void {
  context.edits.push({ start: region.fileOffset(start), end: region.fileOffset(end), parts, kind })
}

/** A slot for the tenant's schema; `inQuotes`: the edit writes a single-quoted string around it. */
export function slotIn(region: Region, as: Slot['as'], inQuotes: 0 | 1 = 0): Slot {
  const slot: Slot = { as, quoteDepth: region.quoteDepth + inQuotes }
  return region.inTemplate ? { ...slot, inTemplate: true } : slot
}

/** Puts the tenant's schema in place of token `i`. */
export function moveToken(context: AdaptContext, region: Region, i: number): void {
  const token = region.tokens[i]
  if (!token) return
  addEdit(context, region, token.start, token.end, [slotIn(region, 'identifier')], 'schema')
}

/** The region in a string constant; `read` opens it. Takes care that what is spliced in cannot end the constant. */
export function insideLiteral(
  context: AdaptContext,
  region: Region,
  i: number,
  literal: Literal,
  read: (place: Pick<Region, 'quoteDepth' | 'inTemplate' | 'fileOffset'>) => void,
): void {
  const token = region.tokens[i]
  if (!token) return
  const before = context.edits.length
  read({
    inTemplate: region.inTemplate,
    quoteDepth: region.quoteDepth + (literal.quoting === 'dollar' ? 0 : 1),
    fileOffset: (byte) => region.fileOffset(token.start + literal.tokenOffset(byte)),
  })
  if (context.edits.length === before) return
  if (literal.quoting === 'dollar') context.dollarTags.add(literal.tag)
  // without its E a backslash in the schema's name is only a backslash
  if (literal.quoting === 'escape') addEdit(context, region, token.start, token.start + 1, [], 'schema')
}

/** A file of data may hold thousands of strings that look like names. */
const noticesPerRule = 20

/** A notice with the place of a byte of the file; of a rule's notices in one file only the first 20 are kept. */
export function addNotice(
  context: AdaptContext,
  to: 'notices' | 'problems',
  offset: number,
  rule: string,
  message: string,
  hint: string,
): void {
  const { file, migration } = context.options
  if (to === 'notices' && context.notices.filter((notice) => notice.rule === rule).length >= noticesPerRule) return
  const place = placeOf(context, offset)
  const known = context[to].some(
    (notice) => notice.rule === rule && notice.line === place.line && notice.message === message,
  )
  if (!known) context[to].push({ rule, message, hint, file, migration, ...place })
}

const lineStarts = new WeakMap<ParsedSql, number[]>()

function placeOf(context: AdaptContext, offset: number): { line: number; column: number } {
  const { bytes } = context.sql
  let starts = lineStarts.get(context.sql)
  if (!starts) {
    starts = [0]
    for (let i = bytes.indexOf(10); i !== -1; i = bytes.indexOf(10, i + 1)) starts.push(i + 1)
    lineStarts.set(context.sql, starts)
  }
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] as number) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: [...bytes.toString('utf8', starts[low], offset)].length + 1 }
}
