import { outlineSql } from './outline.ts'
import type { ParsedSql } from './parse.ts'
import { type Source, sliceSource } from './render.ts'

const noTransaction = /^--[ \t]*tenantry:no-transaction\b/

/** Bytes between the statements: white space, comments and semicolons. One more than there are statements. */
export function gapsOf({ bytes, statements }: ParsedSql): { start: number; end: number }[] {
  const gaps: { start: number; end: number }[] = []
  let at = 0
  for (const { start, end } of statements) {
    gaps.push({ start: at, end: start })
    at = end
  }
  gaps.push({ start: at, end: bytes.length })
  return gaps
}

/** Does the file say `-- tenantry:no-transaction` in a comment outside its statements? */
export function asksForNoTransaction(source: Source, sql: ParsedSql): boolean {
  if (!sql.text.includes('tenantry:no-transaction')) return false
  const said = (text: string) => outlineSql(text).comments.some((comment) => noTransaction.test(comment.text))
  if (gapsOf(sql).some(({ start, end }) => end > start && said(sliceSource(source, start, end)))) return true
  // A last statement without semicolon reaches to the end of the file, comments included.
  const last = sql.statements.at(-1)
  if (!last || last.end < sql.bytes.length) return false
  const { code, comments } = outlineSql(sliceSource(source, last.start, last.end), 'strings')
  const codeEnd = code.trimEnd().length
  return comments.some((comment) => comment.offset >= codeEnd && noTransaction.test(comment.text))
}

/** The same for a text that does not parse: at the top of the file only. */
export function startsWithNoTransaction(text: string): boolean {
  if (!text.includes('tenantry:no-transaction')) return false
  const { code, comments } = outlineSql(text)
  const codeStart = code.search(/\S/)
  return comments.some(
    (comment) => (codeStart === -1 || comment.offset < codeStart) && noTransaction.test(comment.text),
  )
}
