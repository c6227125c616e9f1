import type { ScriptStatement } from '../model/script.ts'
import type { LineIndex } from './line-index.ts'

/** A stretch of a file that is sent as one statement. */
export interface Excerpt {
  index: number
  kind: string
  start: number
  end: number
  /** What is sent in its place; places in it are not told. */
  instead?: string
}

/** The schema does not matter: a target is a whole database. */
export function makeStatement(
  text: string,
  lines: LineIndex,
  { index, kind, start, end, instead }: Excerpt,
): ScriptStatement {
  return {
    index,
    kind,
    text: () => instead ?? text.slice(start, end),
    locate(_schema, position) {
      if (position === undefined || instead !== undefined) return lines.place(start)
      let offset = start
      for (let left = position - 1; left > 0 && offset < end; left--) {
        offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
      }
      return lines.place(Math.min(offset, end))
    },
  }
}
