/** What Drizzle splits files at, wherever it stands. */
export const breakpoint = '--> statement-breakpoint'

/**
 * A file's SQL with an end of statement at each breakpoint. Drizzle sends each piece as a query of its own, which needs
 * no semicolon; and to MySQL `-->` is no comment. Lines and columns stay where they are.
 */
export function endAtBreakpoints(text: string): string {
  const pieces = text.split(breakpoint)
  let joined = pieces[0] ?? ''
  for (let piece of pieces.slice(1)) {
    const line = joined.slice(joined.lastIndexOf('\n') + 1)
    if (/--|#/.test(line)) {
      // A comment that reaches to the end of the line must not hide what ends the statement.
      piece = piece.replace(/^[ \t]*\r?\n/, '')
      joined += `\n;${piece}`
      continue
    }
    const ended = /(^|;)\s*$/.test(joined)
    joined += (ended ? ' ' : ';').padEnd(breakpoint.length) + piece
  }
  return joined
}
