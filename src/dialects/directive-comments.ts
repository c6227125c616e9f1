import type { FileComment } from '../model/statement-facts.ts'

/** A comment as it was found: string offsets of its first character and past its last one. */
export interface FoundComment {
  text: string
  start: number
  end: number
  line: number
  column: number
}

/** What stands in a line of a comment, without the marks around it. */
const marks = /^(?:--+|#+|\/\*+|\*+\/?|\/\/+)[ \t]*|[ \t]*\*+\/$/g

/**
 * Comments that speak to tenantry, with the statements that they stand before or in. `statements`: string offsets, in
 * order. One above the first statement is about the whole file where an empty line parts them.
 */
export function placeComments(
  text: string,
  comments: readonly FoundComment[],
  statements: readonly { index: number; start: number; end: number }[],
): FileComment[] {
  const [first] = statements
  return comments.flatMap((comment) => {
    if (!comment.text.includes('tenantry:')) return []
    const below = statements.find(({ end }) => end > comment.start)
    const isAbove = first !== undefined && comment.end <= first.start
    const isHeader = isAbove && /\n[ \t\r]*\n/.test(text.slice(comment.end, first.start))
    return comment.text.split('\n').flatMap((line, i): FileComment[] => {
      const said = line.trim().replace(marks, '').trim()
      if (!said.startsWith('tenantry:')) return []
      const { line: at, column } = comment
      return [{ text: said, line: at + i, column: i === 0 ? column : 1, statement: below?.index ?? null, isHeader }]
    })
  })
}
