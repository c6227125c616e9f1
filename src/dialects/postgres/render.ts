import { TenantryError } from '../../model/errors.ts'
import type { ScriptStatement } from '../../model/script.ts'
import { breaksDollarQuotes } from './adapt.ts'
import { type Edit, renderParts, type Slot } from './edits.ts'
import { indexLines, type LineIndex } from './line-index.ts'
import type { ParsedSql } from './parse.ts'

/** A file's text with its lines indexed. */
export interface Source {
  text: string
  bytes: Buffer
  lines: LineIndex
  /** Only single-byte characters: byte offsets are string offsets. */
  plain: boolean
  /** Dollar quotes that a schema's name is written into. */
  dollarTags: readonly string[]
}

/** A part of a file, and what changes in it. */
export interface Excerpt {
  /** 1-based number of the statement. */
  index: number
  kind: string
  /** Bytes of the file. */
  start: number
  end: number
  /** Sorted, within `start`–`end`, not overlapping. */
  edits: readonly Pick<Edit, 'start' | 'end' | 'parts'>[]
}

export function readSource(
  { text, bytes }: Pick<ParsedSql, 'text' | 'bytes'>,
  dollarTags: readonly string[] = [],
): Source {
  return { text, bytes, lines: indexLines(bytes), plain: bytes.length === text.length, dollarTags }
}

/** Text between two byte offsets. */
export function sliceSource(source: Source, start: number, end: number): string {
  return source.plain ? source.text.slice(start, end) : source.bytes.toString('utf8', start, end)
}

function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function takeCharacters(text: string, count: number): string {
  let units = 0
  let left = count
  for (const character of text) {
    if (left-- <= 0) break
    units += character.length
  }
  return text.slice(0, units)
}

interface Piece {
  start: number
  /** As it is in the file, or what an edit puts there. */
  parts: readonly (string | Slot)[]
  edited: boolean
}

function cutPieces(source: Source, excerpt: Excerpt): Piece[] {
  const pieces: Piece[] = []
  const copy = (start: number, end: number) => {
    if (end > start) pieces.push({ start, parts: [sliceSource(source, start, end)], edited: false })
  }
  let at = excerpt.start
  for (const edit of excerpt.edits) {
    copy(at, edit.start)
    pieces.push({ start: edit.start, parts: edit.parts, edited: true })
    at = edit.end
  }
  copy(at, excerpt.end)
  return pieces
}

function joinTexts(pieces: readonly Piece[]): (string | Slot)[] {
  const joined: (string | Slot)[] = []
  let text = ''
  for (const part of pieces.flatMap((piece) => piece.parts)) {
    if (typeof part === 'string') text += part
    else {
      joined.push(text, part)
      text = ''
    }
  }
  joined.push(text)
  return joined
}

function render(source: Source, parts: readonly (string | Slot)[], schema: string | null): string {
  const only = parts[0]
  if (parts.length === 1 && typeof only === 'string') return only
  if (schema === null && parts.some((part) => typeof part !== 'string')) {
    throw new TenantryError('INTERNAL', 'A statement that was adapted for schemas was asked for without a schema.')
  }
  if (schema === null) return renderParts(parts, '')
  if (breaksDollarQuotes(source.dollarTags, schema)) {
    throw new TenantryError(
      'MIGRATION_UNSUPPORTED',
      `The schema name ${schema} would end a dollar quote of the file.`,
      {
        hint: `give the quote another tag than ${source.dollarTags.join(' or ')}`,
      },
    )
  }
  return renderParts(parts, schema)
}

/**
 * A statement that can be sent for any target. Texts without the schema's name are made once. Its functions throw
 * MIGRATION_UNSUPPORTED for a schema whose name cannot be written into the file's dollar quotes.
 */
export function makeStatement(source: Source, excerpt: Excerpt): ScriptStatement {
  let parts: (string | Slot)[] | null = null
  return {
    index: excerpt.index,
    kind: excerpt.kind,
    text(schema) {
      parts ??= joinTexts(cutPieces(source, excerpt))
      return render(source, parts, schema)
    },
    locate(schema, position) {
      if (position === undefined) return source.lines.place(excerpt.start)
      let left = Math.max(0, position - 1)
      for (const piece of cutPieces(source, excerpt)) {
        const text = render(source, piece.parts, schema)
        const length = countCharacters(text)
        if (left < length) {
          return source.lines.place(piece.start + (piece.edited ? 0 : Buffer.byteLength(takeCharacters(text, left))))
        }
        left -= length
      }
      return source.lines.place(excerpt.end)
    },
  }
}
