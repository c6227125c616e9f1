import type { Node, RangeVar } from 'libpg-query'
import { listStrings, type Name, nameOfParts, nameOfRelation } from './probe-sql.ts'

/** What a statement makes, as far as it takes to make it a second time elsewhere and compare. */
export interface Subject {
  kind:
    | 'table'
    | 'columns'
    | 'constraints'
    | 'index'
    | 'view'
    | 'sequence'
    | 'function'
    | 'enum'
    | 'composite'
    | 'domain'
  /** The new object; for `columns`, `constraints` and `index` the table that is changed. */
  name: Name
  /** Name of the new index, columns or constraints; empty: not named. */
  parts: readonly string[]
  /** Existing tables that the statement would lock or change, so that it gets empty copies of them. */
  copies: readonly { name: Name; indexes: boolean }[]
}

function referencedTables(nodes: readonly Node[]): RangeVar[] {
  return nodes.flatMap((node): RangeVar[] => {
    if ('ColumnDef' in node) return referencedTables(node.ColumnDef.constraints ?? [])
    if (!('Constraint' in node) || node.Constraint.contype !== 'CONSTR_FOREIGN') return []
    return node.Constraint.pktable ? [node.Constraint.pktable] : []
  })
}

function readAlterTable(node: Extract<Node, { AlterTableStmt: unknown }>): Subject | null {
  const { relation, cmds = [], objtype } = node.AlterTableStmt
  if (objtype !== 'OBJECT_TABLE') return null
  const definitions: Node[] = []
  const columns: string[] = []
  const constraints: string[] = []
  let unnamed = 0
  for (const item of cmds) {
    const command = 'AlterTableCmd' in item ? item.AlterTableCmd : {}
    if (!command.def) return null
    definitions.push(command.def)
    if (command.subtype === 'AT_AddColumn' && 'ColumnDef' in command.def) {
      columns.push(command.def.ColumnDef.colname ?? '')
    } else if (command.subtype === 'AT_AddConstraint' && 'Constraint' in command.def) {
      if (command.def.Constraint.indexname) return null
      if (command.def.Constraint.conname === undefined) unnamed++
      else constraints.push(command.def.Constraint.conname)
    } else return null
  }
  // Mixed forms, and several constraints of which some have no name, cannot be paired with what is there.
  const all = columns.length + constraints.length + unnamed
  if ((columns.length !== all && columns.length > 0) || (unnamed > 0 && all > 1)) return null
  const name = nameOfRelation(relation)
  const references = referencedTables(definitions).map(nameOfRelation)
  return {
    kind: columns.length > 0 ? 'columns' : 'constraints',
    name,
    parts: columns.length > 0 ? columns : constraints,
    copies: [
      { name, indexes: references.some((other) => other.name === name.name) },
      ...references.map((other) => ({ name: other, indexes: true })),
    ],
  }
}

/** null: a statement whose object is not compared. */
export function readSubject(node: Node): Subject | null {
  const made = (kind: Subject['kind'], name: Name): Subject => ({ kind, name, parts: [], copies: [] })
  if ('CreateStmt' in node) {
    const { relation, tableElts = [], inhRelations, partbound, ofTypename } = node.CreateStmt
    if (relation?.relpersistence === 't' || inhRelations || partbound || ofTypename) return null
    const name = nameOfRelation(relation)
    const copies = referencedTables(tableElts)
      .map(nameOfRelation)
      .filter((other) => other.name !== name.name)
      .map((other) => ({ name: other, indexes: true }))
    return { ...made('table', name), copies }
  }
  if ('AlterTableStmt' in node) return readAlterTable(node)
  if ('IndexStmt' in node) {
    const { relation, idxname } = node.IndexStmt
    const name = nameOfRelation(relation)
    return { kind: 'index', name, parts: idxname === undefined ? [] : [idxname], copies: [{ name, indexes: false }] }
  }
  if ('ViewStmt' in node) {
    return node.ViewStmt.view?.relpersistence === 't' ? null : made('view', nameOfRelation(node.ViewStmt.view))
  }
  if ('CreateSeqStmt' in node) {
    const { sequence } = node.CreateSeqStmt
    return sequence?.relpersistence === 't' ? null : made('sequence', nameOfRelation(sequence))
  }
  if ('CreateFunctionStmt' in node) return made('function', nameOfParts(listStrings(node.CreateFunctionStmt.funcname)))
  if ('CreateEnumStmt' in node) return made('enum', nameOfParts(listStrings(node.CreateEnumStmt.typeName)))
  if ('CompositeTypeStmt' in node) return made('composite', nameOfRelation(node.CompositeTypeStmt.typevar))
  if ('CreateDomainStmt' in node) return made('domain', nameOfParts(listStrings(node.CreateDomainStmt.domainname)))
  return null
}
