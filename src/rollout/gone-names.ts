import type { ScriptStatement } from '../model/script.ts'

/**
 * Names that statements mention, drop or rename, as words of their texts. Only good enough to tell when an object may
 * be missing for a good reason: it errs on the side of "may be".
 */
const word = /"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([\p{L}_][\p{L}\p{N}_$]*)|'(?:[^']|'')*'/gu

/** Unquoted words that are no names in the statements looked at. */
const keywords = new Set(
  `add after aggregate all alter always and any as asc before by cascade cast change character check collate column comment
  concurrently constraint create current_timestamp database default deferrable deferred delete desc domain drop each enum
  exclude execute exists extension false first for foreign from full function generated grant if immediate in index
  initially inplace insert instant into is join key language like local materialized modify not null nulls of on only or
  owner partition policy primary procedure public range references rename replace restrict row rule schema select
  sequence set table tablespace temp temporary to trigger true truncate type unique unlogged update using valid validate
  value values varying view when where with without`.split(/\s+/),
)

/** Names in a text, in lower case. */
export function namesIn(text: string): Set<string> {
  const names = new Set<string>()
  for (const [, quoted, ticked, plain] of text.matchAll(word)) {
    const name = (quoted?.replaceAll('""', '"') ?? ticked?.replaceAll('``', '`') ?? plain)?.toLowerCase()
    if (name !== undefined && !(plain !== undefined && keywords.has(name))) names.add(name)
  }
  return names
}

const identifier = '("(?:[^"]|"")+"|`(?:[^`]|``)+`|[\\p{L}_][\\p{L}\\p{N}_$]*)'
const dropped = new RegExp(
  `\\bDROP\\s+(?:COLUMN\\s+|CONSTRAINT\\s+|INDEX\\s+|KEY\\s+|FOREIGN\\s+KEY\\s+|CHECK\\s+)?(?:IF\\s+EXISTS\\s+)?${identifier}`,
  'giu',
)
const renamed = new RegExp(
  `\\bRENAME\\s+(?:COLUMN\\s+|CONSTRAINT\\s+|INDEX\\s+|KEY\\s+|VALUE\\s+|ATTRIBUTE\\s+)?(?!TO\\b)(${identifier.slice(1, -1)}|'[^']*')\\s+TO\\b`,
  'giu',
)
const changed = new RegExp(`\\bCHANGE\\s+(?:COLUMN\\s+)?${identifier}`, 'giu')

/** Names that are gone once this statement has run: what it drops, and the old names of what it renames or moves. */
export function goneBy({ kind, text }: { kind: string; text: string }): Set<string> {
  if (/^(DROP|RENAME)\b/i.test(kind)) return namesIn(text)
  if (/^ALTER\b/i.test(kind)) {
    const gone = [dropped, renamed, changed].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]))
    if (/\b(RENAME\s+TO|SET\s+SCHEMA)\b/i.test(text))
      gone.push(text.slice(0, text.search(/\b(RENAME|SET\s+SCHEMA)\b/i)))
    return new Set(gone.flatMap((name) => [...namesIn((name ?? '').replace(/^'(.*)'$/, '"$1"'))]))
  }
  // What a block or a call drops cannot be told from its text: every word of it may be a name.
  return /\b(drop|rename)\b/i.test(text) ? namesIn(text.replaceAll("'", ' ')) : new Set()
}

/** Names whose absence explains that what a statement makes is not there. */
export function namesMade({ kind, text }: { kind: string; text: string }): Set<string> {
  // The columns of a table are looked for one by one later on; without this the table itself is.
  return namesIn(/^CREATE\b.*\bTABLE\b/i.test(kind) ? text.slice(0, text.indexOf('(') + 1 || text.length) : text)
}

/** Does it make something, in words that a catalog can be asked about? */
export function makesSomething({ kind, text }: { kind: string; text: string }): boolean {
  if (/^\s*CREATE\s+(OR\s+REPLACE\s+)?((GLOBAL|LOCAL)\s+)?TEMP/i.test(text)) return false
  return /^CREATE\b/i.test(kind) || (/^ALTER\b/i.test(kind) && /\bADD\b/i.test(text))
}

/**
 * The statement without the words by which it does nothing where its object is there: asked with them, the catalog
 * could only answer that it may be run again.
 */
export function unconditional(statement: ScriptStatement): ScriptStatement {
  return { ...statement, text: (schema) => withoutConditions(statement.kind, statement.text(schema)) }
}

function withoutConditions(kind: string, text: string): string {
  if (/^ALTER\b/i.test(kind))
    return text.replaceAll(/\b(ADD\s+(?:COLUMN\s+|VALUE\s+|CONSTRAINT\s+)?)IF\s+NOT\s+EXISTS\s+/gi, '$1')
  if (!/^CREATE\b/i.test(kind)) return text
  const head = /^\s*CREATE\b[^('"$;]*?\bIF\s+NOT\s+EXISTS\s+/i.exec(text)?.[0]
  if (head === undefined) return text
  return head.replace(/\bIF\s+NOT\s+EXISTS\s+/i, '') + text.slice(head.length)
}
