import type { CodeRemoval } from '../../model/code.ts'
import type { Dialect } from '../../model/dialect.ts'
import type { FactsFile, FactsRequest, StatementFacts } from '../../model/statement-facts.ts'

/**
 * What code plainly takes away, as facts: read from the SQL that says the same, put where the call stands in its file.
 */
export async function readRemovals(
  removals: readonly CodeRemoval[],
  file: Omit<FactsFile, 'text'>,
  dialect: Dialect,
  request: FactsRequest,
): Promise<readonly StatementFacts[]> {
  if (removals.length === 0) return []
  const quote = (name: string) => dialect.quoteIdentifier(name)
  let text = ''
  let [line, column] = [1, 1]
  for (const removal of removals) {
    const { at } = removal
    const down = Math.max(0, at.line - line)
    const right = Math.max(0, at.column - (down > 0 ? 1 : column))
    const sql = `${' '.repeat(right)}${sqlOf(removal, quote)};`
    text += '\n'.repeat(down) + sql
    column = (down > 0 ? 1 : column) + sql.length
    line = Math.max(line, at.line)
  }
  const [facts] = await dialect.facts.read([{ ...file, text }], request)
  return facts?.statements ?? []
}

function sqlOf(removal: CodeRemoval, quote: (name: string) => string): string {
  const table = quote(removal.table)
  switch (removal.action) {
    case 'drop-table':
      return `DROP TABLE IF EXISTS ${table}`
    case 'drop-column':
      return `ALTER TABLE ${table} DROP COLUMN ${quote(removal.column)}`
    case 'rename-table':
      return `ALTER TABLE ${table} RENAME TO ${quote(removal.to)}`
    case 'rename-column':
      return `ALTER TABLE ${table} RENAME COLUMN ${quote(removal.column)} TO ${quote(removal.to)}`
  }
}
