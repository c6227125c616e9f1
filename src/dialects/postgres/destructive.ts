import type { DestructiveStep } from '../../model/script.ts'
import type { Edit } from './edits.ts'
import { type ParsedStatement, scanSql } from './parse.ts'
import { type Source, sliceSource } from './render.ts'
import { branch, branches, nameParts, type Tree, textOf, walk, word } from './tree.ts'

type Found = Omit<DestructiveStep, 'statement'>

const dropKinds: Record<string, DestructiveStep['kind']> = {
  OBJECT_TABLE: 'drop-table',
  OBJECT_SCHEMA: 'drop-schema',
  OBJECT_FOREIGN_TABLE: 'drop-other',
  OBJECT_MATVIEW: 'drop-other',
  OBJECT_SEQUENCE: 'drop-other',
  OBJECT_TYPE: 'drop-other',
  OBJECT_DOMAIN: 'drop-other',
  OBJECT_EXTENSION: 'drop-other',
}

function ofTable(kind: DestructiveStep['kind'], relation: Tree, column: string | null = null): Found {
  return { kind, schema: word(relation, 'schemaname'), object: word(relation, 'relname') ?? '', column }
}

function readDrop(node: Tree): Found[] {
  const kind = dropKinds[word(node, 'removeType') ?? '']
  if (kind === undefined) return []
  return branches(node, 'objects').map((object): Found => {
    const single = textOf(object)
    const parts =
      single === null
        ? nameParts([...branches(branch(object, 'List'), 'items'), ...branches(branch(object, 'TypeName'), 'names')])
        : [single]
    return { kind, schema: parts.at(-2) ?? null, object: parts.at(-1) ?? '', column: null }
  })
}

function readAlter(node: Tree): Found[] {
  const found: Found[] = []
  for (const item of branches(node, 'cmds')) {
    const command = branch(item, 'AlterTableCmd')
    const subtype = word(command, 'subtype')
    if (subtype !== 'AT_DropColumn' && subtype !== 'AT_AlterColumnType') continue
    const isTable = word(node, 'objtype') === 'OBJECT_TABLE'
    const kind = subtype === 'AT_AlterColumnType' ? 'change-type' : 'drop-column'
    found.push(ofTable(isTable ? kind : 'drop-other', branch(node, 'relation'), word(command, 'name')))
  }
  return found
}

/** Rows that a statement deletes, in a CTE too. */
function readDeletes(type: string, node: Tree): Found[] {
  const found: Found[] = []
  const look = (at: string, tree: Tree) => {
    if (at === 'DeleteStmt') found.push(ofTable('delete', branch(tree, 'relation')))
    const deletes = (clause: Tree) => word(branch(clause, 'MergeWhenClause'), 'commandType') === 'CMD_DELETE'
    if (at === 'MergeStmt' && branches(tree, 'mergeWhenClauses').some(deletes)) {
      found.push(ofTable('delete', branch(tree, 'relation')))
    }
  }
  look(type, node)
  for (const below of walk(node.withClause)) look(below.type, below.node)
  return found
}

function readStatement({ type, node }: ParsedStatement): Found[] {
  switch (type) {
    case 'DropStmt':
      return readDrop(node)
    case 'AlterTableStmt':
      return readAlter(node)
    case 'TruncateStmt':
      return branches(node, 'relations').map((relation) => ofTable('truncate', branch(relation, 'RangeVar')))
    case 'DropdbStmt':
      return [{ kind: 'drop-other', schema: null, object: word(node, 'dbname') ?? '', column: null }]
    case 'DropOwnedStmt':
      return branches(node, 'roles').map((role) => ({
        kind: 'drop-other',
        schema: null,
        object: word(branch(role, 'RoleSpec'), 'rolename') ?? 'CURRENT_USER',
        column: null,
      }))
    case 'DeleteStmt':
    case 'MergeStmt':
    case 'SelectStmt':
    case 'InsertStmt':
    case 'UpdateStmt':
      return readDeletes(type, node)
    default:
      return []
  }
}

const unquote = (token: string) =>
  token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token.toLowerCase()

/** Names written with a schema that the adaptation moves to the tenant's. */
function movedNames(source: Source, statement: ParsedStatement, edits: readonly Edit[]): Set<string> {
  const places = new Set(edits.filter((edit) => edit.kind === 'schema').map((edit) => edit.start - statement.start))
  const moved = new Set<string>()
  if (places.size === 0) return moved
  const tokens = scanSql(sliceSource(source, statement.start, statement.end))
  for (const [i, token] of tokens.entries()) {
    const name = tokens[i + 2]
    if (places.has(token.start) && tokens[i + 1]?.text === '.' && name) {
      moved.add(`${unquote(token.text)}.${unquote(name.text)}`)
    }
  }
  return moved
}

/** What a statement takes away for good. What a program text does when it runs is not looked into. */
export function findDestructive(
  source: Source,
  statement: ParsedStatement,
  index: number,
  edits: readonly Edit[],
): DestructiveStep[] {
  const found = readStatement(statement)
  const isBlanked = edits.some((edit) => edit.kind === 'blank' && edit.start <= statement.start)
  if (found.length === 0 || isBlanked) return []
  const moved = found.some((step) => step.schema !== null) ? movedNames(source, statement, edits) : null
  return found.map((step) => ({
    ...step,
    schema: moved?.has(`${step.schema}.${step.object}`) ? null : step.schema,
    statement: index,
  }))
}
