import type { ObjectName, StatementFact } from '../../model/statement-facts.ts'
import { type AlterContext, readAlterTable } from './facts-alter.ts'
import { constraintsOf, nameOfParts, nameOfRelation, readColumn } from './facts-columns.ts'
import { definitionOf, readConstraint } from './facts-constraints.ts'
import { costOfMode, costs } from './facts-costs.ts'
import { rewrites, show } from './facts-rewrites.ts'
import type { ParsedStatement } from './parse.ts'
import { branch, branches, isOn, nameParts, readOptions, type Tree, textOf, walk, word } from './tree.ts'

const guardOf = (node: Tree) => (node.if_not_exists === true ? ('present' as const) : ('missing' as const))

function readCreateTable(node: Tree): StatementFact[] {
  const relation = branch(node, 'relation')
  const table = nameOfRelation(relation)
  const elements = branches(node, 'tableElts')
  const isWritten = !('partbound' in node) && elements.every((item) => !('TableLikeClause' in item))
  const columns = elements.flatMap((item) => ('ColumnDef' in item ? [branch(item, 'ColumnDef')] : []))
  const constraints = [
    ...elements.flatMap((item) => ('Constraint' in item ? [{ tree: branch(item, 'Constraint'), column: null }] : [])),
    ...columns.flatMap((column) => constraintsOf(column).map((tree) => ({ tree, column: word(column, 'colname') }))),
  ].flatMap(({ tree, column }) => readConstraint(tree, table, column, '') ?? [])
  return [
    {
      kind: 'create-table',
      table,
      temporary: word(relation, 'relpersistence') === 't',
      guard: guardOf(node),
      columns: isWritten ? columns.map(readColumn) : null,
      constraints,
    },
  ]
}

const droppedKinds: Record<string, string> = {
  OBJECT_SCHEMA: 'schema',
  OBJECT_FOREIGN_TABLE: 'foreign table',
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
  OBJECT_EXTENSION: 'extension',
}

function namesDropped(node: Tree): ObjectName[] {
  return branches(node, 'objects').map((object) => {
    const single = textOf(object)
    const list = [...branches(branch(object, 'List'), 'items'), ...branches(branch(object, 'TypeName'), 'names')]
    return nameOfParts(single === null ? nameParts(list) : [single])
  })
}

function readDrop(node: Tree): StatementFact[] {
  const type = word(node, 'removeType') ?? ''
  const names = namesDropped(node)
  if (type === 'OBJECT_TABLE') return names.map((table) => ({ kind: 'drop-table', table, cost: costs.brief }))
  if (type === 'OBJECT_INDEX') {
    const isConcurrent = node.concurrent === true
    return names.map((index) => ({
      kind: 'drop-index',
      index,
      table: null,
      cost: isConcurrent ? costs.concurrentDrop : costs.brief,
      ...(!isConcurrent && { rewrite: rewrites.dropIndex(index) }),
    }))
  }
  const object = droppedKinds[type]
  return object === undefined ? [] : names.map((name) => ({ kind: 'drop-object', object, name }))
}

function readRename(node: Tree): StatementFact[] {
  const table = nameOfRelation(branch(node, 'relation'))
  const to = word(node, 'newname') ?? ''
  switch (word(node, 'renameType')) {
    case 'OBJECT_TABLE':
      return [{ kind: 'rename-table', table, to, cost: costs.brief, rewrite: rewrites.renameTable(table, to) }]
    case 'OBJECT_COLUMN': {
      if (word(node, 'relationType') !== 'OBJECT_TABLE') return []
      const column = word(node, 'subname') ?? ''
      const rewrite = rewrites.renameColumn(table, column, to)
      return [{ kind: 'rename-column', table, column, to, cost: costs.brief, rewrite }]
    }
    case 'OBJECT_TYPE': {
      const object = branches(branch(branch(node, 'object'), 'List'), 'items')
      return [{ kind: 'rename-type', type: nameParts(object).at(-1) ?? '', to }]
    }
    default:
      return []
  }
}

function readIndex(node: Tree, { slice, start, end }: AlterContext): StatementFact[] {
  const table = nameOfRelation(branch(node, 'relation'))
  const index = word(node, 'idxname')
  const unique = node.unique === true
  const concurrent = node.concurrent === true
  // The text behind the table's name goes on as it is: USING, columns, INCLUDE, WHERE.
  const text = definitionOf(slice, start, end)
  const rest = /\bon\s+(?:only\s+)?(?:"(?:[^"]|"")*"|[^\s("]+)(?:\."(?:[^"]|"")*")?\s*(.*)$/is.exec(text)?.[1] ?? '(…)'
  return [
    {
      kind: 'create-index',
      table,
      index,
      unique,
      guard: index === null ? 'impossible' : guardOf(node),
      cost: concurrent ? costs.concurrentIndex : costs.index,
      ...(!concurrent && { rewrite: rewrites.index(table, unique, index, rest) }),
    },
  ]
}

function readEnum(node: Tree): StatementFact[] {
  const type = nameParts(branches(node, 'typeName')).at(-1) ?? ''
  const label = word(node, 'newVal') ?? ''
  const old = word(node, 'oldVal')
  if (old !== null) return [{ kind: 'rename-enum-label', type, label: old, to: label }]
  return [{ kind: 'add-enum-label', type, label }]
}

function readReindex(node: Tree): StatementFact[] {
  const relation = nameOfRelation(branch(node, 'relation'))
  const object = relation.name || (word(node, 'name') ?? '')
  const concurrent = isOn(readOptions(node, 'params').get('concurrently'))
  if (concurrent) return [{ kind: 'reindex', object, cost: costs.concurrentIndex }]
  const what = { REINDEX_OBJECT_INDEX: 'INDEX', REINDEX_OBJECT_TABLE: 'TABLE', REINDEX_OBJECT_SCHEMA: 'SCHEMA' }
  const type = what[word(node, 'kind') as keyof typeof what] ?? 'DATABASE'
  const rewrite = `REINDEX ${type} CONCURRENTLY ${show(object)};`
  return [{ kind: 'reindex', object, ...(type === 'TABLE' && { table: relation }), cost: costs.index, rewrite }]
}

/** `INSERT … SELECT` from a table copies as many rows as that has. */
function readData({ type, node }: ParsedStatement): StatementFact[] {
  const table = nameOfRelation(branch(node, 'relation'))
  switch (type) {
    case 'UpdateStmt':
      return [{ kind: 'change-data', verb: 'UPDATE', table, limited: 'whereClause' in node }]
    case 'DeleteStmt':
      return [{ kind: 'change-data', verb: 'DELETE', table, limited: 'whereClause' in node }]
    case 'MergeStmt':
      return [{ kind: 'change-data', verb: 'MERGE', table, limited: false }]
    case 'CopyStmt':
      return node.is_from === true ? [{ kind: 'change-data', verb: 'COPY', table, limited: true }] : []
    case 'InsertStmt': {
      const query = branch(branch(node, 'selectStmt'), 'SelectStmt')
      return [{ kind: 'change-data', verb: 'INSERT', table, limited: !('fromClause' in query) }]
    }
    default:
      return []
  }
}

/** Changes of data inside of WITH, whatever the statement around them. */
function readDataWithin(node: Tree): StatementFact[] {
  if (!('withClause' in node)) return []
  const kinds = new Set(['UpdateStmt', 'DeleteStmt', 'InsertStmt', 'MergeStmt'])
  return [...walk(node.withClause)].flatMap(({ type, node: inner }) =>
    kinds.has(type) ? readData({ type, node: inner, start: 0, end: 0 }) : [],
  )
}

/** Does the statement write to the server's own table of enum labels? */
function editsEnumCatalog(facts: readonly StatementFact[]): boolean {
  return facts.some((fact) => fact.kind === 'change-data' && fact.table.name === 'pg_enum')
}

/** What one statement does to tables and rows. */
export function readStatementFacts(statement: ParsedStatement, context: AlterContext): StatementFact[] {
  const { type, node } = statement
  switch (type) {
    case 'CreateStmt':
      return readCreateTable(node)
    case 'CreateTableAsStmt': {
      const into = branch(node, 'into')
      const relation = branch(into, 'rel')
      if (word(node, 'objtype') === 'OBJECT_MATVIEW') return [{ kind: 'create-view', view: nameOfRelation(relation) }]
      if (word(node, 'objtype') !== 'OBJECT_TABLE') return []
      const table = nameOfRelation(relation)
      const temporary = word(relation, 'relpersistence') === 't'
      return [{ kind: 'create-table', table, temporary, guard: guardOf(node), columns: null, constraints: [] }]
    }
    case 'ViewStmt':
      return [{ kind: 'create-view', view: nameOfRelation(branch(node, 'view')) }]
    case 'CreateEnumStmt': {
      const name = nameParts(branches(node, 'typeName')).at(-1) ?? ''
      return [{ kind: 'create-enum', type: name, labels: nameParts(branches(node, 'vals')) }]
    }
    case 'AlterTableStmt':
      return readAlterTable(node, context)
    case 'DropStmt':
      return readDrop(node)
    case 'RenameStmt':
      return readRename(node)
    case 'AlterObjectSchemaStmt': {
      if (word(node, 'objectType') !== 'OBJECT_TABLE') return []
      const table = nameOfRelation(branch(node, 'relation'))
      return [{ kind: 'rename-table', table, to: `${word(node, 'newschema')}.${table.name}`, cost: costs.brief }]
    }
    case 'IndexStmt':
      return readIndex(node, context)
    case 'ReindexStmt':
      return readReindex(node)
    case 'AlterEnumStmt':
      return readEnum(node)
    case 'TruncateStmt':
      return branches(node, 'relations').map((relation) => ({
        kind: 'truncate',
        table: nameOfRelation(branch(relation, 'RangeVar')),
        cost: costs.brief,
      }))
    case 'ClusterStmt': {
      const table = 'relation' in node ? nameOfRelation(branch(node, 'relation')) : null
      return [{ kind: 'rewrite-table', table, how: 'CLUSTER', cost: costs.rewrite }]
    }
    case 'VacuumStmt': {
      if (node.is_vacuumcmd !== true || !isOn(readOptions(node).get('full'))) return []
      const tables = branches(node, 'rels').map((rel) =>
        nameOfRelation(branch(branch(rel, 'VacuumRelation'), 'relation')),
      )
      return (tables.length === 0 ? [null] : tables).map((table) => ({
        kind: 'rewrite-table',
        table,
        how: 'VACUUM FULL',
        cost: costs.rewrite,
      }))
    }
    case 'RefreshMatViewStmt': {
      const table = nameOfRelation(branch(node, 'relation'))
      if (node.concurrent === true) return []
      const how = 'REFRESH MATERIALIZED VIEW'
      const rewrite = `REFRESH MATERIALIZED VIEW CONCURRENTLY ${table.name};  -- needs a unique index on it`
      return [{ kind: 'rewrite-table', table, how, cost: costs.rewrite, rewrite }]
    }
    case 'LockStmt':
      return branches(node, 'relations').map((relation) => ({
        kind: 'lock-table',
        table: nameOfRelation(branch(relation, 'RangeVar')),
        cost: costOfMode(Number(node.mode ?? 8)),
      }))
    default: {
      const facts = [...readData(statement), ...readDataWithin(node)]
      return editsEnumCatalog(facts) ? [{ kind: 'edit-enum-catalog' }] : facts
    }
  }
}
