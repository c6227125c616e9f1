import { readCodeBody, scanBody } from './code-body.ts'
import type { ParsedStatement } from './parse.ts'
import { branch, branches, nameParts, walk, word } from './tree.ts'

/** An enum label that one statement adds and a later one uses: error 55P04 within one transaction. */
export interface EnumTrap {
  label: string
  /** Positions in the list of statements. */
  added: number
  used: number
}

const textTypes = new Set(['text', 'varchar', 'bpchar', 'name'])

/** Is the label written as a constant here, other than as text? */
function usesLabel(statement: ParsedStatement, label: string): boolean {
  const body = readCodeBody(statement)
  if (body) {
    // A PL/pgSQL function only names the label when it is made; a DO block and an SQL body use it at once.
    if (statement.type === 'CreateFunctionStmt' && body.language !== 'sql') return false
    const constant = `'${label.replaceAll("'", "''")}'`
    return scanBody(body.text).some((token) => token.text === constant)
  }
  const asText = new Set<unknown>()
  for (const { type, node } of walk(statement.node)) {
    if (type === 'TypeCast') {
      const target = nameParts(branches(branch(node, 'typeName'), 'names')).at(-1) ?? ''
      if (textTypes.has(target)) asText.add(branch(node, 'arg').A_Const)
    } else if (type === 'A_Const' && !asText.has(node) && word(branch(node, 'sval'), 'sval') === label) return true
  }
  return false
}

/** Labels that are used in the same file after they are added to a type that the file does not create itself. */
export function findEnumTraps(statements: readonly ParsedStatement[]): EnumTrap[] {
  const created = new Set<string>()
  const traps: EnumTrap[] = []
  for (const [added, { type, node }] of statements.entries()) {
    if (type !== 'CreateEnumStmt' && type !== 'AlterEnumStmt') continue
    const name = nameParts(branches(node, 'typeName')).at(-1) ?? ''
    if (type === 'CreateEnumStmt') created.add(name)
    const label = word(node, 'newVal')
    if (type === 'CreateEnumStmt' || label === null || 'oldVal' in node || created.has(name)) continue
    const used = statements.findIndex((later, i) => i > added && usesLabel(later, label))
    if (used !== -1) traps.push({ label, added, used })
  }
  return traps
}
