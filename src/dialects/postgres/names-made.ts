import type { ObjectName } from '../../model/named-objects.ts'
import { type Found, localName, relationName, type Statement } from './names-used.ts'
import { branch, branches, nameParts, type Tree, word } from './tree.ts'

type Maker = (found: Found, node: Tree) => void

const makers: Readonly<Record<string, Maker>> = {
  CreateStmt: makeTable,
  CreateForeignTableStmt: (found, node) => makeTable(found, branch(node, 'base')),
  CreateTableAsStmt: (found, node) => {
    const label = word(node, 'objtype') === 'OBJECT_MATVIEW' ? 'materialized view' : 'table'
    makeRelation(found, branch(branch(node, 'into'), 'rel'), label)
  },
  SelectStmt: (found, node) => makeRelation(found, branch(branch(node, 'intoClause'), 'rel'), 'table'),
  ViewStmt: (found, node) => makeRelation(found, branch(node, 'view'), 'view'),
  CreateSeqStmt: (found, node) => makeRelation(found, branch(node, 'sequence'), 'sequence'),
  IndexStmt: makeIndex,
  CompositeTypeStmt: (found, node) => {
    const name = relationName(found, branch(node, 'typevar'))
    if (name !== null) found.makes.push({ kind: 'type', name, label: 'type' })
  },
  CreateEnumStmt: (found, node) => makeNamed(found, 'type', 'type', branches(node, 'typeName')),
  CreateRangeStmt: (found, node) => makeNamed(found, 'type', 'type', branches(node, 'typeName')),
  CreateDomainStmt: (found, node) => makeNamed(found, 'type', 'domain', branches(node, 'domainname')),
  CreateFunctionStmt: (found, node) => {
    const label = node.is_procedure === true ? 'procedure' : 'function'
    makeNamed(found, 'function', label, branches(node, 'funcname'))
  },
  DefineStmt: (found, node) => {
    if (word(node, 'kind') === 'OBJECT_AGGREGATE') makeNamed(found, 'function', 'aggregate', branches(node, 'defnames'))
  },
  AlterTableStmt: alterTable,
  DropStmt: drop,
  RenameStmt: rename,
}

/** What a statement makes, drops and renames. */
export function collectMade(found: Found, { type, node }: Statement): void {
  makers[type]?.(found, node)
}

function makeRelation(found: Found, relation: Tree, label: string): void {
  const name = relationName(found, relation)
  if (name !== null) found.makes.push({ kind: 'relation', name, label })
}

function makeTable(found: Found, node: Tree): void {
  const table = relationName(found, branch(node, 'relation'))
  if (table === null) return
  found.makes.push({ kind: 'relation', name: table, label: 'table' })
  for (const element of branches(node, 'tableElts')) addColumn(found, table, branch(element, 'ColumnDef'))
}

function addColumn(found: Found, table: string, definition: Tree): void {
  const name = word(definition, 'colname')
  if (name !== null) found.makes.push({ kind: 'column', table, name, label: 'column' })
}

/** An index is in the schema of its table, and named without it. */
function makeIndex(found: Found, node: Tree): void {
  const name = word(node, 'idxname')
  const relation = branch(node, 'relation')
  if (name === null || relationName(found, relation) === null) return
  const schema = word(relation, 'schemaname')
  const own = localName(found, schema === null ? [name] : [schema, name])
  found.makes.push({ kind: 'relation', name: own, label: 'index' })
}

function makeNamed(found: Found, kind: 'type' | 'function', label: string, list: readonly Tree[]): void {
  const parts = nameParts(list)
  if (parts.length > 0) found.makes.push({ kind, name: localName(found, parts), label })
}

function alterTable(found: Found, node: Tree): void {
  const table = relationName(found, branch(node, 'relation'))
  if (table === null || word(node, 'objtype') !== 'OBJECT_TABLE') return
  for (const item of branches(node, 'cmds')) {
    const command = branch(item, 'AlterTableCmd')
    const subtype = word(command, 'subtype')
    if (subtype === 'AT_AddColumn') addColumn(found, table, branch(branch(command, 'def'), 'ColumnDef'))
    const name = word(command, 'name')
    if (subtype === 'AT_DropColumn' && name !== null) found.drops.push({ kind: 'column', table, name })
  }
}

const droppedKinds: Record<string, 'relation' | 'type' | 'function'> = {
  OBJECT_TABLE: 'relation',
  OBJECT_VIEW: 'relation',
  OBJECT_MATVIEW: 'relation',
  OBJECT_INDEX: 'relation',
  OBJECT_SEQUENCE: 'relation',
  OBJECT_FOREIGN_TABLE: 'relation',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'type',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'function',
  OBJECT_ROUTINE: 'function',
  OBJECT_AGGREGATE: 'function',
}

function drop(found: Found, node: Tree): void {
  const kind = droppedKinds[word(node, 'removeType') ?? '']
  if (kind === undefined) return
  for (const object of branches(node, 'objects')) {
    const parts = partsOf(object)
    if (parts.length > 0) found.drops.push({ kind, name: localName(found, parts) })
  }
}

function partsOf(object: Tree): string[] {
  return nameParts([
    ...branches(branch(object, 'List'), 'items'),
    ...branches(branch(object, 'TypeName'), 'names'),
    ...branches(branch(object, 'ObjectWithArgs'), 'objname'),
  ])
}

function rename(found: Found, node: Tree): void {
  const to = word(node, 'newname')
  const renameType = word(node, 'renameType') ?? ''
  if (to === null) return
  const table = relationName(found, branch(node, 'relation'))
  const old = word(node, 'subname')
  if (renameType === 'OBJECT_COLUMN' && table !== null && old !== null) {
    found.renames.push({ from: { kind: 'column', table, name: old }, to: { kind: 'column', table, name: to } })
    return
  }
  const kind = droppedKinds[renameType]
  const from = kind === 'relation' ? table : localName(found, partsOf(branch(node, 'object')))
  if (kind === undefined || from === null || from === '') return
  const moved: ObjectName = { kind, name: from.includes('.') ? `${from.slice(0, from.lastIndexOf('.'))}.${to}` : to }
  found.renames.push({ from: { kind, name: from }, to: moved })
}
