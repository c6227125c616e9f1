import type { ObjectName } from '../../model/named-objects.ts'
import { branch, branches, nameParts, type Tree, textOf, word } from './tree.ts'

/** What is collected over the statements of a text. */
export interface Found {
  /** The target's own schema: a name written with it is as good as one without. */
  own: string
  makes: (ObjectName & { label: string })[]
  drops: ObjectName[]
  renames: { from: ObjectName; to: ObjectName }[]
  names: ObjectName[]
  columns: { tables: string[]; name: string }[]
}

export interface Statement {
  type: string
  node: Tree
}

/** A dotted name, without the target's own schema. */
export function localName({ own }: Pick<Found, 'own'>, parts: readonly string[]): string {
  const [schema] = parts
  return parts.length > 1 && schema !== own ? parts.join('.') : (parts.at(-1) ?? '')
}

/** The name of a `RangeVar`; null: it is none, or a temporary table. */
export function relationName(found: Pick<Found, 'own'>, node: Tree): string | null {
  const name = word(node, 'relname')
  if (name === null || word(node, 'relpersistence') === 't') return null
  const schema = word(node, 'schemaname')
  return localName(found, schema === null ? [name] : [schema, name])
}

/** `app."Users"` → its parts, folded as the server does. */
export function readDotted(text: string): string[] {
  const parts = text.match(/"(?:[^"]|"")+"|[^".\s[\]]+/g) ?? []
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()))
}

/** Tables of one statement, by the names they go by in it. */
interface Scope {
  aliases: Map<string, string>
  relations: Set<string>
  withQueries: Set<string>
  columns: { qualifier: string | null; name: string }[]
}

/** What a statement names. */
export function collectNamed(found: Found, { type, node }: Statement): void {
  const scope: Scope = { aliases: new Map(), relations: new Set(), withQueries: new Set(), columns: [] }
  collectWithQueries(scope, node)
  visit(found, scope, type, node)
  for (const table of scope.relations) found.names.push({ kind: 'relation', name: table })
  const tables = [...scope.relations]
  for (const { qualifier, name } of scope.columns) {
    if (qualifier === null) found.columns.push({ tables, name })
    else {
      const table = scope.aliases.get(qualifier)
      if (table !== undefined) found.names.push({ kind: 'column', table, name })
    }
  }
}

function collectWithQueries(scope: Scope, value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) {
    const name = word(value as Tree, 'ctename')
    if (name !== null) scope.withQueries.add(name)
  }
  for (const below of Object.values(value)) collectWithQueries(scope, below)
}

/** What an ALTER TABLE command names by `name` and is a column. */
const ofColumn = /Column|NotNull|Identity|Statistics|Storage|Compression|Expression/
/** Calls whose text is the name of a relation. */
const namesRelation = new Set(['nextval', 'currval', 'setval', 'to_regclass', 'pg_get_serial_sequence'])

function visit(found: Found, scope: Scope, type: string, node: Tree): void {
  if ('relname' in node) visitRelation(found, scope, node)
  if ('typemod' in node && 'names' in node) addType(found, nameParts(branches(node, 'names')))
  const called = 'funcname' in node ? nameParts(branches(node, 'funcname')) : []
  if (called.length > 0 && type !== 'CreateFunctionStmt')
    found.names.push({ kind: 'function', name: localName(found, called) })
  switch (type) {
    case 'FuncCall': {
      const text = textOf(branches(node, 'args')[0] ?? {})
      if (text !== null && namesRelation.has(called.at(-1) ?? '')) addRelation(found, scope, readDotted(text))
      break
    }
    case 'TypeCast': {
      const to = nameParts(branches(branch(node, 'typeName'), 'names')).at(-1)
      const text = textOf(branch(node, 'arg'))
      if (text !== null && to === 'regclass') addRelation(found, scope, readDotted(text))
      break
    }
    case 'ColumnRef': {
      const parts = nameParts(branches(node, 'fields'))
      const [name, qualifier] = [...parts].reverse()
      const isStar = branches(node, 'fields').some((field) => 'A_Star' in field)
      if (name !== undefined && !isStar) scope.columns.push({ qualifier: qualifier ?? null, name })
      break
    }
    case 'IndexElem':
      addColumns(scope, null, [word(node, 'name')])
      break
    case 'Constraint':
      visitConstraint(found, scope, node)
      break
    case 'AlterTableCmd':
      if (ofColumn.test(word(node, 'subtype') ?? '')) addColumns(scope, null, [word(node, 'name')])
      break
    case 'RenameStmt':
      if (word(node, 'renameType') === 'OBJECT_COLUMN') addColumns(scope, null, [word(node, 'subname')])
      break
    case 'InsertStmt':
      addTargets(scope, branches(node, 'cols'))
      break
    case 'UpdateStmt':
      addTargets(scope, branches(node, 'targetList'))
      break
    case 'CreateTrigStmt':
      addColumns(scope, null, nameParts(branches(node, 'columns')))
      break
    case 'AccessPriv':
      addColumns(scope, null, nameParts(branches(node, 'cols')))
      break
    case 'AlterEnumStmt':
      addType(found, nameParts(branches(node, 'typeName')))
      break
    case 'ObjectWithArgs':
      found.names.push({ kind: 'function', name: localName(found, nameParts(branches(node, 'objname'))) })
      break
    case 'CommentStmt':
      visitObject(found, scope, word(node, 'objtype') ?? '', branch(node, 'object'))
      break
    case 'DropStmt':
      for (const object of branches(node, 'objects')) visitObject(found, scope, word(node, 'removeType') ?? '', object)
      break
  }
  for (const [key, below] of Object.entries(node)) visitBelow(found, scope, key, below)
}

function visitBelow(found: Found, scope: Scope, key: string, value: unknown): void {
  if (Array.isArray(value)) for (const item of value) visitBelow(found, scope, '', item)
  else if (typeof value === 'object' && value !== null) {
    // A node is wrapped in its type where several types may stand.
    visit(found, scope, /^[A-Z]/.test(key) ? key : '', value as Tree)
  }
}

function visitRelation(found: Found, scope: Scope, node: Tree): void {
  const bare = word(node, 'schemaname') === null
  const name = relationName(found, node)
  if (name === null || (bare && scope.withQueries.has(name))) return
  scope.relations.add(name)
  scope.aliases.set(word(branch(node, 'alias'), 'aliasname') ?? (word(node, 'relname') as string), name)
}

function visitConstraint(found: Found, scope: Scope, node: Tree): void {
  addColumns(scope, null, nameParts([...branches(node, 'keys'), ...branches(node, 'fk_attrs')]))
  const table = relationName(found, branch(node, 'pktable'))
  if (table === null) return
  for (const name of nameParts(branches(node, 'pk_attrs'))) found.names.push({ kind: 'column', table, name })
}

/** What COMMENT and DROP name: a list of parts, a type, or a function with its arguments. */
function visitObject(found: Found, scope: Scope, objtype: string, object: Tree): void {
  const parts = nameParts(branches(branch(object, 'List'), 'items'))
  if (parts.length === 0) return
  if (/^OBJECT_(TABLE|VIEW|MATVIEW|INDEX|SEQUENCE|FOREIGN_TABLE)$/.test(objtype)) addRelation(found, scope, parts)
  // `table.thing`
  if (/^OBJECT_(TRIGGER|POLICY|RULE|TABCONSTRAINT|COLUMN)$/.test(objtype) && parts.length > 1) {
    const table = localName(found, parts.slice(0, -1))
    scope.relations.add(table)
    if (objtype === 'OBJECT_COLUMN') found.names.push({ kind: 'column', table, name: parts.at(-1) as string })
  }
}

function addRelation(found: Found, scope: Scope, parts: readonly string[]): void {
  if (parts.length > 0) scope.relations.add(localName(found, parts))
}

function addType(found: Found, parts: readonly string[]): void {
  if (parts.length > 0 && parts[0] !== 'pg_catalog') found.names.push({ kind: 'type', name: localName(found, parts) })
}

function addTargets(scope: Scope, targets: readonly Tree[]): void {
  addColumns(
    scope,
    null,
    targets.map((target) => word(branch(target, 'ResTarget'), 'name')),
  )
}

function addColumns(scope: Scope, qualifier: string | null, names: readonly (string | null)[]): void {
  for (const name of names) if (name !== null) scope.columns.push({ qualifier, name })
}
