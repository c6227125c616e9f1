import type { AlterObjectSchemaStmt, DropStmt, ObjectType, RangeVar, RenameStmt } from 'libpg-query'
import { catalogs, hasPart, type ObjectReference, readReference, relationParts } from './probe-catalogs.ts'
import { changerOf, findNamed, type Name, nameOfRelation, relationOid, showName } from './probe-sql.ts'
import { ask, type Check, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** Sent again while it still runs, the statement would wait and then find a namesake further on the search path. */
function watchRelation(table: string, name: Name): Pick<Check, 'busy'> {
  return table === 'pg_class' ? { busy: changerOf(relationOid(name)) } : {}
}

/**
 * An unqualified name may have meant the first schema of the search path or, when that had none, a later one. If only
 * a later one has it now, the drop either landed in the first schema or never ran.
 */
function dropNamed(kind: ObjectType, reference: ObjectReference): Check | null {
  const catalog = catalogs[kind]
  if (!catalog) return null
  const { name } = reference
  const condition = reference.condition('x')
  const label = `${catalog.noun} ${showName(name)}`
  return {
    landed: `NOT EXISTS (${findNamed(catalog, name, 'searched', condition)})`,
    absent: `EXISTS (${findNamed(catalog, name, 'creation', condition)})`,
    there: `${label} is gone`,
    missing: `${label} is still there`,
    ...watchRelation(catalog.table, name),
    otherwise: `${label} is not in the target's schema, but there is one further on the search path: which was meant cannot be told`,
  }
}

function dropPart(kind: ObjectType, parts: readonly string[]): Check | null {
  const part = relationParts[kind]
  if (!part) return null
  const [name = '', table = '', schema = null] = parts.toReversed()
  const owner: Name = { schema, name: table }
  const found = hasPart(part, relationOid(owner), name)
  return {
    landed: `${relationOid(owner)} IS NOT NULL AND NOT ${found}`,
    absent: found,
    there: `${part.noun} ${name} on ${showName(owner)} is gone`,
    missing: `${part.noun} ${name} on ${showName(owner)} is still there`,
    otherwise: `${showName(owner)} is not there`,
  }
}

/** DROP of one or more objects of a kind. */
export function askDrop(statement: DropStmt): Question {
  const kind = statement.removeType ?? 'OBJECT_TABLE'
  const lenient = statement.missing_ok === true
  const checks: Check[] = []
  let qualified = true
  for (const node of statement.objects ?? []) {
    const list = 'List' in node ? (node.List.items ?? []) : []
    const parts = list.flatMap((item) => ('String' in item ? [item.String.sval ?? ''] : []))
    const reference = readReference(node)
    const check = relationParts[kind] ? dropPart(kind, parts) : reference && dropNamed(kind, reference)
    if (!check) {
      return lenient ? repeat('dropping again is harmless') : unknown('a kind of object that is not looked up')
    }
    // Without a schema a second DROP IF EXISTS could hit another object, further on the search path.
    qualified &&= reference !== null && (reference.name.schema !== null || catalogs[kind]?.namespace === null)
    checks.push(lenient ? { ...check, weak: true } : check)
  }
  return lenient && qualified ? repeat('dropping again is harmless: IF EXISTS') : ask(...checks)
}

function renameNamed(kind: ObjectType, reference: ObjectReference, newName: string): Question {
  const catalog = catalogs[kind]
  if (!catalog) return unknown('a kind of object that is not looked up')
  const { name } = reference
  const renamed: Name = { schema: name.schema, name: newName }
  // Old and new are compared within one schema: the search path may have a namesake in another one.
  const beside = (other: Name): string => {
    const row = `SELECT FROM ${catalog.table} y WHERE y.${catalog.name} = ${quoteLiteral(other.name)}
      AND ${reference.condition('y')}`
    return catalog.namespace === null
      ? `NOT EXISTS (${row})`
      : `NOT EXISTS (${row} AND y.${catalog.namespace} = x.${catalog.namespace})`
  }
  const exists = (present: Name, gone: Name) =>
    `EXISTS (${findNamed(catalog, present, 'searched', `${reference.condition('x')} AND ${beside(gone)}`)})`
  return ask({
    landed: exists(renamed, name),
    absent: exists(name, renamed),
    ...watchRelation(catalog.table, name),
    there: `${catalog.noun} ${showName(name)} is called ${newName} now`,
    missing: `${catalog.noun} ${showName(name)} has its old name`,
    otherwise: `${catalog.noun} ${showName(name)} and ${newName} are both there, or neither is`,
  })
}

function renamePart(kind: ObjectType, relation: RangeVar | undefined, oldName: string, newName: string): Question {
  const part = relationParts[kind]
  if (!part) return unknown('a kind of object that is not looked up')
  const owner = nameOfRelation(relation)
  const oid = relationOid(owner)
  const [before, after] = [hasPart(part, oid, oldName), hasPart(part, oid, newName)]
  return ask({
    landed: `${after} AND NOT ${before}`,
    absent: `${before} AND NOT ${after}`,
    there: `${part.noun} ${oldName} of ${showName(owner)} is called ${newName} now`,
    missing: `${part.noun} ${oldName} of ${showName(owner)} has its old name`,
    otherwise: `${part.noun}s ${oldName} and ${newName} of ${showName(owner)} are both there, or neither is`,
  })
}

/** ALTER … RENAME of anything. */
export function askRename(statement: RenameStmt): Question {
  const kind = statement.renameType ?? 'OBJECT_TABLE'
  const newName = statement.newname ?? ''
  if (relationParts[kind]) return renamePart(kind, statement.relation, statement.subname ?? '', newName)
  if (kind === 'OBJECT_DOMCONSTRAINT') return unknown('a kind of object that is not looked up')
  if (statement.relation) {
    return renameNamed(kind, { name: nameOfRelation(statement.relation), condition: () => 'true' }, newName)
  }
  const reference = readReference(statement.object) ?? {
    name: { schema: null, name: statement.subname ?? '' },
    condition: () => 'true',
  }
  return renameNamed(kind, reference, newName)
}

/** ALTER … SET SCHEMA. */
export function askSetSchema(statement: AlterObjectSchemaStmt): Question {
  const kind = statement.objectType ?? 'OBJECT_TABLE'
  const schema = statement.newschema ?? ''
  const catalog = catalogs[kind]
  const reference = statement.relation
    ? { name: nameOfRelation(statement.relation), condition: () => 'true' }
    : readReference(statement.object)
  if (!reference || !catalog) return unknown('a kind of object that is not looked up')
  const { name } = reference
  const newNamespace = `(SELECT n.oid FROM pg_namespace n WHERE n.nspname = ${quoteLiteral(schema)})`
  if (kind === 'OBJECT_EXTENSION') {
    const find = (condition: string) =>
      `EXISTS (SELECT FROM pg_extension x WHERE x.extname = ${quoteLiteral(name.name)} AND ${condition})`
    return ask({
      landed: find(`x.extnamespace = ${newNamespace}`),
      absent: find(`x.extnamespace <> ${newNamespace}`),
      weak: true,
      there: `extension ${name.name} is in schema ${schema}`,
      missing: `extension ${name.name} is not in schema ${schema}`,
      otherwise: `extension ${name.name} or schema ${schema} is not there`,
    })
  }
  const condition = reference.condition('x')
  const label = `${catalog.noun} ${showName(name)}`
  return ask({
    landed: `EXISTS (${findNamed(catalog, { schema, name: name.name }, 'creation', condition)})`,
    absent: `EXISTS (${findNamed(catalog, name, 'searched', `${condition} AND x.${catalog.namespace} <> ${newNamespace}`)})`,
    there: `${label} is in schema ${schema}`,
    missing: `${label} is not in schema ${schema}`,
    otherwise: `there is more than one ${showName(name)}, or none: ${quoteIdentifier(schema)} may have had one before`,
  })
}
