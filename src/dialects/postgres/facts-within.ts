import type { StatementFact } from '../../model/statement-facts.ts'
import { readCodeBody, scanBody } from './code-body.ts'
import type { Place } from './facts-alter.ts'
import { findNewer } from './facts-newer.ts'
import type { ParsedStatement } from './parse.ts'
import { branch, branches, nameParts, type Tree, walk, word } from './tree.ts'

const dataStatements = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

const placeFunctions = new Set(['current_schema', 'current_schemas', 'current_database'])
const placeWords: Record<string, string> = {
  SVFOP_CURRENT_CATALOG: 'current_catalog',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_CURRENT_ROLE: 'current_role',
  SVFOP_SESSION_USER: 'session_user',
  SVFOP_USER: 'user',
}

/** `'acme'`, `7`, `'…'::uuid`; null: no constant. */
function constantOf(tree: Tree): string | null {
  const constant = branch('TypeCast' in tree ? branch(branch(tree, 'TypeCast'), 'arg') : tree, 'A_Const')
  const text = word(branch(constant, 'sval'), 'sval')
  if (text !== null) return text
  if (!('ival' in constant)) return null
  const value = branch(constant, 'ival').ival
  return String(value ?? 0)
}

const columnOf = (tree: Tree) => nameParts(branches(branch(tree, 'ColumnRef'), 'fields')).at(-1) ?? null

const places = (node: Tree) => (typeof node.location === 'number' ? node.location : null)

/** Reads what stands inside of a statement, wherever it is. */
export function readWithin(
  statement: ParsedStatement,
  tenantColumns: ReadonlySet<string>,
  place: Place,
): StatementFact[] {
  const { type: own, node: root } = statement
  const facts: StatementFact[] = []
  const isData = dataStatements.has(own)
  const seen = new Set<string>()

  const addOnce = (key: string, fact: StatementFact) => {
    if (seen.has(key)) return
    seen.add(key)
    facts.push(fact)
  }
  const addValue = (column: string | null, value: string | null, offset: number | null) => {
    if (column === null || value === null || !tenantColumns.has(column)) return
    addOnce(`${column}=${value}`, {
      kind: 'tenant-value',
      column,
      value,
      ...(offset !== null && { at: place(offset) }),
    })
  }
  const look = (type: string, node: Tree) => {
    const newer = findNewer(type, node)
    if (newer !== null) {
      const offset = places(node)
      addOnce(newer.syntax, { kind: 'newer-syntax', ...newer, ...(offset !== null && { at: place(offset) }) })
    }
    if (type === 'A_Expr') readComparison(node, addValue)
    if (type === 'InsertStmt') readInsertedValues(node, addValue)
    if (type === 'UpdateStmt') {
      for (const item of branches(node, 'targetList')) {
        const target = branch(item, 'ResTarget')
        addValue(word(target, 'name'), constantOf(branch(target, 'val')), places(target))
      }
    }
    // A default, a policy, a view is computed when it is used, by whoever uses it.
    if (!isData && own !== 'CreateTableAsStmt') return
    const name = type === 'FuncCall' ? (nameParts(branches(node, 'funcname')).at(-1) ?? '') : ''
    const expression =
      type === 'SQLValueFunction'
        ? placeWords[word(node, 'op') ?? '']
        : placeFunctions.has(name)
          ? `${name}()`
          : undefined
    if (expression === undefined) return
    const offset = places(node)
    addOnce(expression, {
      kind: 'tenant-dependent',
      expression,
      inSchema: !isData,
      ...(offset !== null && { at: place(offset) }),
    })
  }

  look(own, root)
  for (const { type, node } of walk(root)) look(type, node)
  if (own === 'DoStmt') facts.push(...readProgram(statement))
  return facts
}

function readComparison(
  node: Tree,
  add: (column: string | null, value: string | null, offset: number | null) => void,
): void {
  const operator = nameParts(branches(node, 'name'))[0]
  const [left, right] = [branch(node, 'lexpr'), branch(node, 'rexpr')]
  if (word(node, 'kind') === 'AEXPR_IN') {
    for (const item of branches(branch(right, 'List'), 'items')) add(columnOf(left), constantOf(item), places(node))
    return
  }
  if (operator !== '=' && operator !== '<>') return
  add(columnOf(left), constantOf(right), places(node))
  add(columnOf(right), constantOf(left), places(node))
}

function readInsertedValues(
  node: Tree,
  add: (column: string | null, value: string | null, offset: number | null) => void,
): void {
  const rows = branches(branch(branch(node, 'selectStmt'), 'SelectStmt'), 'valuesLists')
  for (const [i, item] of branches(node, 'cols').entries()) {
    const column = word(branch(item, 'ResTarget'), 'name')
    for (const row of rows) add(column, constantOf(branches(branch(row, 'List'), 'items')[i] ?? {}), null)
  }
}

/** A block that builds statements out of where it runs. */
function readProgram(statement: ParsedStatement): StatementFact[] {
  const body = readCodeBody(statement)
  if (body === null || !/\bexecute\b/i.test(body.text)) return []
  const words = scanBody(body.text).map(({ text }) => text.toLowerCase())
  const found = words.find((word) => placeFunctions.has(word) || word === 'current_catalog')
  return found === undefined ? [] : [{ kind: 'tenant-dependent', expression: `${found} in a DO block`, inSchema: true }]
}
