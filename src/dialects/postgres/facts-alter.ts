import type { ColumnFacts, ObjectName, StatementFact } from '../../model/statement-facts.ts'
import { constraintsOf, nameOfRelation, readColumn, showType } from './facts-columns.ts'
import { definitionOf, readConstraint, type Slice } from './facts-constraints.ts'
import { costs } from './facts-costs.ts'
import { rewrites } from './facts-rewrites.ts'
import { branch, branches, type Tree, word } from './tree.ts'

/** Where a byte of the file is. */
export type Place = (offset: number) => { line: number; column: number }

export interface AlterContext {
  slice: Slice
  place: Place
  /** Bytes of the statement. */
  start: number
  end: number
}

const offsetOf = (tree: Tree): number | null => (typeof tree.location === 'number' ? tree.location : null)

/** Where the command after this one begins, as far as the tree says; else the end of the statement. */
function ends(commands: readonly Tree[], at: number, { end }: AlterContext): number {
  for (const item of commands.slice(at + 1)) {
    const def = branch(branch(item, 'AlterTableCmd'), 'def')
    const next = offsetOf(branch(def, 'ColumnDef')) ?? offsetOf(branch(def, 'Constraint'))
    if (next !== null) return next
  }
  return end
}

/** `… , ADD CONSTRAINT` at the end belongs to the next command. */
const withoutNext = (text: string) => text.replace(/,\s*(?:add|alter)(?:\s+column)?(?:\s+if\s+not\s+exists)?\s*$/i, '')

function addedColumnRewrite(table: ObjectName, column: ColumnFacts): string | null {
  const { name, type } = column
  if (column.generated === 'stored') return rewrites.storedColumn(table, name, type)
  if (column.default === 'sequence') return rewrites.sequenceColumn(table, name, type)
  if (column.default === 'volatile' || column.default === 'unknown') return rewrites.volatileDefault(table, name, type)
  if (column.notNull && column.default === 'none') return rewrites.addNotNull(table, name, type)
  return null
}

function readAddedColumn(command: Tree, table: ObjectName, end: number, context: AlterContext): StatementFact[] {
  const tree = branch(branch(command, 'def'), 'ColumnDef')
  const column = readColumn(tree)
  const rewritten = column.generated === 'stored' || ['volatile', 'unknown', 'sequence'].includes(column.default)
  const rewrite = addedColumnRewrite(table, column)
  const offset = offsetOf(tree) ?? context.start
  const facts: StatementFact[] = [
    {
      kind: 'add-column',
      table,
      column,
      guard: command.missing_ok === true ? 'present' : 'missing',
      cost: rewritten ? costs.rewrite : costs.brief,
      at: context.place(offset),
      ...(rewrite !== null && { rewrite }),
    },
  ]
  const constraints = constraintsOf(tree)
  for (const [i, constraint] of constraints.entries()) {
    const from = offsetOf(constraint) ?? offset
    const to =
      constraints
        .slice(i + 1)
        .map(offsetOf)
        .find((next) => next !== null && next > from) ?? end
    const type = word(constraint, 'contype')
    const own = definitionOf(context.slice, from, to)
    const definition = type === 'CONSTR_FOREIGN' ? `FOREIGN KEY (${column.name}) ${own}` : own
    const fact = readConstraint(constraint, table, column.name, withoutNext(definition))
    if (fact === null) continue
    // A column that is NULL everywhere refers to nothing: PostgreSQL looks at no row (transformFKConstraints).
    const isEmpty = type === 'CONSTR_FOREIGN' && column.default === 'none' && column.generated === 'no'
    facts.push({ ...fact, ...(isEmpty && { cost: costs.foreignKeyLater }), at: context.place(from) })
  }
  return facts
}

/** What a command that has no word of its own in the facts writes again. */
const rewriters: Record<string, string> = {
  AT_SetLogged: 'SET LOGGED',
  AT_SetUnLogged: 'SET UNLOGGED',
  AT_SetAccessMethod: 'SET ACCESS METHOD',
  AT_SetTableSpace: 'SET TABLESPACE',
  AT_SetExpression: 'SET EXPRESSION',
}

function readCommand(command: Tree, table: ObjectName, end: number, context: AlterContext): StatementFact[] {
  const subtype = word(command, 'subtype') ?? ''
  const column = word(command, 'name') ?? ''
  const def = branch(command, 'def')
  switch (subtype) {
    case 'AT_AddColumn':
      return readAddedColumn(command, table, end, context)
    case 'AT_DropColumn':
      return [{ kind: 'drop-column', table, column, cost: costs.brief }]
    case 'AT_SetNotNull':
      return [{ kind: 'set-not-null', table, column, cost: costs.scanAll, rewrite: rewrites.setNotNull(table, column) }]
    case 'AT_AlterColumnType': {
      const changed = branch(def, 'ColumnDef')
      const type = showType(branch(changed, 'typeName'))
      const using = branch(changed, 'raw_default')
      const offset = offsetOf(changed)
      // USING with more than a cast of the column itself computes each value.
      const isPlain = Object.keys(using).length === 0 || 'ColumnRef' in branch(branch(using, 'TypeCast'), 'arg')
      return [
        {
          kind: 'change-type',
          table,
          column,
          type,
          rewrites: isPlain || 'ColumnRef' in using ? 'depends' : 'yes',
          cost: costs.rewrite,
          rewrite: rewrites.changeType(table, column, type),
          ...(offset !== null && { at: context.place(offset) }),
        },
      ]
    }
    case 'AT_AddConstraint': {
      const constraint = branch(def, 'Constraint')
      const offset = offsetOf(constraint) ?? context.start
      const fact = readConstraint(constraint, table, null, withoutNext(definitionOf(context.slice, offset, end)))
      return fact === null ? [] : [{ ...fact, at: context.place(offset) }]
    }
    case 'AT_ValidateConstraint':
      return [{ kind: 'validate-constraint', table, constraint: column, cost: costs.validate }]
    case 'AT_DropConstraint':
      return [{ kind: 'drop-constraint', table, constraint: column }]
    default: {
      const how = rewriters[subtype]
      return how === undefined ? [] : [{ kind: 'rewrite-table', table, how, cost: costs.rewrite }]
    }
  }
}

export function readAlterTable(node: Tree, context: AlterContext): StatementFact[] {
  const objtype = word(node, 'objtype')
  if (objtype !== 'OBJECT_TABLE' && objtype !== 'OBJECT_MATVIEW') return []
  const table = nameOfRelation(branch(node, 'relation'))
  const commands = branches(node, 'cmds')
  return commands.flatMap((item, i) =>
    readCommand(branch(item, 'AlterTableCmd'), table, ends(commands, i, context), context),
  )
}
