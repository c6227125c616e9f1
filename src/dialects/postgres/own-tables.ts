import { implicitName } from './implicit-names.ts'
import type { OwnObjects } from './own-objects.ts'
import { type AstNode, child, children, lastName, list, strings, text } from './syntax-tree.ts'

/** An index's name, made up as PostgreSQL does; a second one of the same name gets a number. */
export function addIndexName(own: OwnObjects, table: string, columns: string | null, label: string): void {
  const name = implicitName(table, columns, label)
  if (own.relations.has(name) && label !== 'pkey') own.relations.add(implicitName(table, columns, `${label}1`))
  own.relations.add(name)
  if (label !== 'idx') own.constraints.add(name)
}

function addSequence(own: OwnObjects, table: string, column: string): void {
  own.relations.add(implicitName(table, column, 'seq'))
}

/** Adds a column and what comes with it: its sequence, its constraints and their indexes. */
export function addColumn(own: OwnObjects, table: string, column: AstNode): void {
  const name = text(column, 'colname')
  if (name === null) return
  own.columns.add(name)
  const type = lastName(list(child(column, 'typeName') ?? {}, 'names')) ?? ''
  if (/^((small|big)?serial|serial[248])$/.test(type)) addSequence(own, table, name)
  for (const { node } of children(column, 'constraints')) addConstraint(own, table, node, name)
}

const labels: Record<string, string> = {
  CONSTR_PRIMARY: 'pkey',
  CONSTR_UNIQUE: 'key',
  CONSTR_EXCLUSION: 'excl',
  CONSTR_FOREIGN: 'fkey',
  CONSTR_CHECK: 'check',
  CONSTR_NOTNULL: 'not_null',
}

/** `column` is the one it is written behind; null for a table constraint. */
export function addConstraint(own: OwnObjects, table: string, constraint: AstNode, column: string | null = null): void {
  const contype = text(constraint, 'contype') ?? ''
  if (contype === 'CONSTR_IDENTITY') {
    if (column !== null) addSequence(own, table, column)
    for (const { node } of children(constraint, 'options')) {
      if (node.defname === 'sequence_name') {
        const name = lastName(list(child(child(node, 'arg') ?? {}, 'List') ?? {}, 'items'))
        if (name !== null) own.relations.add(name)
      }
    }
    return
  }
  const label = labels[contype]
  if (label === undefined) return
  const makesIndex = contype === 'CONSTR_PRIMARY' || contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_EXCLUSION'
  const named = text(constraint, 'conname') ?? text(constraint, 'indexname')
  if (named !== null) {
    own.constraints.add(named)
    if (makesIndex) own.relations.add(named)
    return
  }
  const keys = strings(list(constraint, contype === 'CONSTR_FOREIGN' ? 'fk_attrs' : 'keys'))
  const exclusions = list(constraint, 'exclusions').length > 0
  const columns = contype === 'CONSTR_PRIMARY' || exclusions ? null : keys.length > 0 ? keys.join('_') : column
  if (makesIndex) addIndexName(own, table, columns, label)
  else own.constraints.add(implicitName(table, columns, label))
}
