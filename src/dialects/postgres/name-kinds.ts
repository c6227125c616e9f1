import type { ParsedStatement } from './parse.ts'
import type { NameKind } from './sql-regions.ts'
import { type AstNode, isNode, strings } from './syntax-tree.ts'

/** What the parser knows about the names that begin with `public`, by the byte that they start at. */
export function findNameKinds(statements: readonly ParsedStatement[]): Map<number, NameKind> {
  const kinds = new Map<number, NameKind>()
  for (const { type, node } of statements) visit(kinds, type, node, type === 'DefineStmt' || type === 'CreateRangeStmt')
  return kinds
}

function startsPublic(names: unknown): names is unknown[] {
  return Array.isArray(names) && strings(names.slice(0, 1))[0] === 'public'
}

/** `loose`: options of CREATE OPERATOR, AGGREGATE, TYPE … are TypeName nodes whatever they name. */
function visit(kinds: Map<number, NameKind>, type: string, node: AstNode, loose: boolean): void {
  const location = typeof node.location === 'number' ? node.location : 0
  if (node.schemaname === 'public' && typeof node.relname === 'string') kinds.set(location, 'relation')
  else if ('typemod' in node && startsPublic(node.names)) {
    kinds.set(location, loose ? 'any' : node.pct_type ? 'relation' : 'type')
  } else if (type === 'FuncCall' && startsPublic(node.funcname)) kinds.set(location, 'routine')
  else if (type === 'ColumnRef' && startsPublic(node.fields)) {
    kinds.set(location, node.fields.length === 2 ? 'alias' : 'relation')
  } else if (type === 'ResTarget' && node.name === 'public' && node.indirection) kinds.set(location, 'alias')
  for (const key in node) {
    const value = node[key]
    if (Array.isArray(value)) for (const item of value) visitWrapped(kinds, key, item, loose)
    else visitWrapped(kinds, key, value, loose)
  }
}

function visitWrapped(kinds: Map<number, NameKind>, key: string, value: unknown, loose: boolean): void {
  if (Array.isArray(value)) for (const item of value) visitWrapped(kinds, key, item, loose)
  else if (isNode(value)) visit(kinds, key, value, loose)
}
