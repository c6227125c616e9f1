import { type BodyStatement, collectFromBody } from './own-bodies.ts'
import { addColumn, addConstraint, addIndexName } from './own-tables.ts'
import type { ParsedSql } from './parse.ts'
import type { ObjectKind } from './sql-regions.ts'
import { type AstNode, child, children, lastName, list, only, ownedName, text } from './syntax-tree.ts'

/**
 * What a set of migrations creates in the tenant's schema (unqualified, or in `public`), by kind. Names that
 * PostgreSQL makes up (`t_pkey`, `t_id_seq`) are in. What was dropped again stays in: a later file may still name it.
 */
export interface OwnObjects {
  /** Tables, views, sequences, indexes: everything in `pg_class`. */
  relations: Set<string>
  types: Set<string>
  routines: Set<string>
  operators: Set<string>
  /** Collations, text search objects, statistics, operator classes, conversions. */
  others: Set<string>
  constraints: Set<string>
  triggers: Set<string>
  policies: Set<string>
  rules: Set<string>
  columns: Set<string>
  enumLabels: Set<string>
  /** Temporary tables: they are in no schema of the tenant. */
  temporary: Set<string>
  /** Schemas that the migrations make themselves. */
  schemas: Set<string>
}

export function emptyOwnObjects(): OwnObjects {
  return {
    relations: new Set(),
    types: new Set(),
    routines: new Set(),
    operators: new Set(),
    others: new Set(),
    constraints: new Set(),
    triggers: new Set(),
    policies: new Set(),
    rules: new Set(),
    columns: new Set(),
    enumLabels: new Set(),
    temporary: new Set(),
    schemas: new Set(),
  }
}

/** Collects over every file of a set, undo files included: an object is the tenants' own whichever file makes it. */
export function collectOwnObjects(files: readonly ParsedSql[]): OwnObjects {
  const own = emptyOwnObjects()
  const visit = (statement: BodyStatement): void => {
    addStatement(own, statement.type, statement.node)
    if (statement.type === 'DoStmt' || statement.type === 'CreateFunctionStmt') collectFromBody(statement, visit)
  }
  for (const file of files) for (const statement of file.statements) visit(statement)
  return own
}

function addRelation(own: OwnObjects, relation: AstNode | null): string | null {
  if (!relation) return null
  const name = text(relation, 'relname')
  if (name === null) return null
  if (relation.relpersistence === 't') {
    own.temporary.add(name)
    return null
  }
  const schema = text(relation, 'schemaname')
  if (schema !== null && schema !== 'public') return null
  own.relations.add(name)
  return name
}

function addTable(own: OwnObjects, node: AstNode): void {
  const table = addRelation(own, child(node, 'relation'))
  if (table === null) return
  addIndexName(own, table, null, 'pkey')
  for (const element of list(node, 'tableElts')) {
    const { type, node: item } = only(element)
    if (type === 'ColumnDef') addColumn(own, table, item)
    if (type === 'Constraint') addConstraint(own, table, item)
  }
}

function alterTable(own: OwnObjects, node: AstNode): void {
  const relation = child(node, 'relation')
  const table = relation && text(relation, 'relname')
  if (!table) return
  for (const { node: command } of children(node, 'cmds')) {
    const { type, node: item } = only(child(command, 'def') ?? {})
    if (type === 'ColumnDef') addColumn(own, table, item)
    if (type === 'Constraint') addConstraint(own, table, item, text(command, 'name'))
  }
}

const definedKinds: Record<string, 'routines' | 'operators' | 'types' | 'others'> = {
  OBJECT_AGGREGATE: 'routines',
  OBJECT_OPERATOR: 'operators',
  OBJECT_TYPE: 'types',
}

const kindsByObject: Record<string, keyof OwnObjects> = {
  OBJECT_TABLE: 'relations',
  OBJECT_VIEW: 'relations',
  OBJECT_MATVIEW: 'relations',
  OBJECT_INDEX: 'relations',
  OBJECT_SEQUENCE: 'relations',
  OBJECT_FOREIGN_TABLE: 'relations',
  OBJECT_TYPE: 'types',
  OBJECT_DOMAIN: 'types',
  OBJECT_FUNCTION: 'routines',
  OBJECT_PROCEDURE: 'routines',
  OBJECT_ROUTINE: 'routines',
  OBJECT_AGGREGATE: 'routines',
  OBJECT_OPERATOR: 'operators',
  OBJECT_TABCONSTRAINT: 'constraints',
  OBJECT_DOMCONSTRAINT: 'constraints',
  OBJECT_TRIGGER: 'triggers',
  OBJECT_POLICY: 'policies',
  OBJECT_RULE: 'rules',
  OBJECT_COLUMN: 'columns',
  OBJECT_ATTRIBUTE: 'columns',
}

function moveObject(own: OwnObjects, node: AstNode): void {
  const relation = child(node, 'relation')
  if (relation) {
    own.relations.add(text(relation, 'relname') ?? '')
    return
  }
  const { type, node: object } = only(child(node, 'object') ?? {})
  const names =
    type === 'List' ? list(object, 'items') : type === 'TypeName' ? list(object, 'names') : list(object, 'objname')
  const name = lastName(names)
  if (name !== null) own[kindsByObject[text(node, 'objectType') ?? ''] ?? 'others'].add(name)
}

function addNamed(
  own: OwnObjects,
  kind: 'routines' | 'operators' | 'types' | 'others',
  names: readonly unknown[],
): void {
  const name = ownedName(names)
  if (name !== null) own[kind].add(name)
}

/** With a range type come its multirange, and functions of both names that make values of them. */
function addRange(own: OwnObjects, name: string): void {
  const multirange = name.includes('range') ? name.replace('range', 'multirange') : `${name}_multirange`
  for (const made of [name, multirange]) {
    own.types.add(made)
    own.routines.add(made)
  }
}

function addStatement(own: OwnObjects, type: string, node: AstNode): void {
  switch (type) {
    case 'CreateStmt':
      addTable(own, node)
      break
    case 'CreateForeignTableStmt':
      addTable(own, child(node, 'base') ?? {})
      break
    case 'CreateTableAsStmt':
      addRelation(own, child(child(node, 'into') ?? {}, 'rel'))
      break
    case 'SelectStmt':
      addRelation(own, child(child(node, 'intoClause') ?? {}, 'rel'))
      break
    case 'ViewStmt':
      addRelation(own, child(node, 'view'))
      break
    case 'CreateSeqStmt':
      addRelation(own, child(node, 'sequence'))
      break
    case 'CompositeTypeStmt':
      addRelation(own, child(node, 'typevar'))
      for (const { node: column } of children(node, 'coldeflist')) own.columns.add(text(column, 'colname') ?? '')
      break
    case 'IndexStmt': {
      const name = text(node, 'idxname')
      const table = text(child(node, 'relation') ?? {}, 'relname') ?? ''
      if (name !== null) own.relations.add(name)
      else {
        const columns = children(node, 'indexParams').map(({ node: column }) => text(column, 'name') ?? 'expr')
        addIndexName(own, table, columns.join('_'), 'idx')
      }
      break
    }
    case 'CreateEnumStmt':
      addNamed(own, 'types', list(node, 'typeName'))
      for (const label of list(node, 'vals')) own.enumLabels.add(lastName([label]) ?? '')
      break
    case 'AlterEnumStmt':
      own.enumLabels.add(text(node, 'newVal') ?? '')
      break
    case 'CreateDomainStmt':
      addNamed(own, 'types', list(node, 'domainname'))
      for (const { node: constraint } of children(node, 'constraints')) {
        own.constraints.add(text(constraint, 'conname') ?? '')
      }
      break
    case 'CreateRangeStmt': {
      addNamed(own, 'types', list(node, 'typeName'))
      const name = ownedName(list(node, 'typeName'))
      if (name !== null) addRange(own, name)
      break
    }
    case 'CreateFunctionStmt':
      addNamed(own, 'routines', list(node, 'funcname'))
      break
    case 'DefineStmt':
      addNamed(own, definedKinds[text(node, 'kind') ?? ''] ?? 'others', list(node, 'defnames'))
      break
    case 'CreateStatsStmt':
      addNamed(own, 'others', list(node, 'defnames'))
      break
    case 'CreateOpClassStmt':
      addNamed(own, 'others', list(node, 'opclassname'))
      break
    case 'CreateOpFamilyStmt':
      addNamed(own, 'others', list(node, 'opfamilyname'))
      break
    case 'CreateConversionStmt':
      addNamed(own, 'others', list(node, 'conversion_name'))
      break
    case 'CreateTrigStmt':
      own.triggers.add(text(node, 'trigname') ?? '')
      if (node.isconstraint) own.constraints.add(text(node, 'trigname') ?? '')
      break
    case 'CreatePolicyStmt':
      own.policies.add(text(node, 'policy_name') ?? '')
      break
    case 'RuleStmt':
      own.rules.add(text(node, 'rulename') ?? '')
      break
    case 'AlterTableStmt':
      alterTable(own, node)
      break
    case 'AlterDomainStmt': {
      const { node: constraint } = only(child(node, 'def') ?? {})
      own.constraints.add(text(constraint, 'conname') ?? '')
      break
    }
    case 'RenameStmt': {
      const kind = kindsByObject[text(node, 'renameType') ?? '']
      if (kind) own[kind].add(text(node, 'newname') ?? '')
      break
    }
    case 'AlterObjectSchemaStmt':
      if (node.newschema === 'public') moveObject(own, node)
      break
    case 'CreateSchemaStmt': {
      const name = text(node, 'schemaname')
      if (name !== null && name !== 'public') own.schemas.add(name)
      break
    }
  }
}

/** Is there an own object of that name which could stand in such a place? */
export function ownsName(own: OwnObjects, kind: ObjectKind, name: string): boolean {
  switch (kind) {
    case 'relation':
      return own.relations.has(name)
    case 'type': // every table is a type too
      return own.types.has(name) || own.relations.has(name)
    case 'routine':
      return own.routines.has(name)
    case 'operator':
      return own.operators.has(name)
    case 'any':
      return (
        own.relations.has(name) ||
        own.types.has(name) ||
        own.routines.has(name) ||
        own.operators.has(name) ||
        own.others.has(name)
      )
  }
}
