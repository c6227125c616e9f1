import type { AlterTableStmt, ColumnDef, CreateStmt, CreateTableAsStmt, Node, SelectStmt, ViewStmt } from 'libpg-query'
import { askCommand } from './probe-commands.ts'
import {
  type Catalog,
  changerOf,
  createdOid,
  findNamed,
  hasColumnCount,
  hasColumns,
  keyColumns,
  listStrings,
  nameOfRelation,
  relationOid,
  showName,
  textArray,
} from './probe-sql.ts'
import { ask, type Check, type Question, repeat, unknown } from './probe-verdict.ts'

const relations: Catalog = { table: 'pg_class', name: 'relname', namespace: 'relnamespace', noun: 'relation' }

function listColumns(nodes: readonly Node[] | undefined): ColumnDef[] {
  return (nodes ?? []).flatMap((node) => ('ColumnDef' in node ? [node.ColumnDef] : []))
}

/** A relation of one of these kinds (pg_class.relkind) that satisfies `shape` (SQL; `oid` is its oid). */
function createRelation(
  relation: CreateStmt['relation'],
  noun: string,
  kinds: string,
  shape: (oid: string) => string,
): Question {
  const name = nameOfRelation(relation)
  if (relation?.relpersistence === 't' || name.schema === 'pg_temp') {
    return { kind: 'absent', reason: `${noun} ${name.name} is temporary: it ended with its session` }
  }
  const oid = createdOid(relations, name)
  const kind = `x.relkind = ANY ('{${kinds}}'::"char"[])`
  return ask({
    landed: `EXISTS (${findNamed(relations, name, 'creation', kind)}) AND ${shape(oid)}`,
    absent: `NOT EXISTS (${findNamed(relations, name, 'creation')})`,
    there: `${noun} ${showName(name)} is there`,
    missing: `${noun} ${showName(name)} is not there`,
    otherwise: `there is a ${showName(name)}, but it is not the ${noun} that the statement makes`,
  })
}

/** CREATE TABLE (foreign ones too): its columns and their types must be the statement's. */
export function askCreateTable(statement: CreateStmt): Question {
  if (statement.if_not_exists) return repeat('it does nothing when the table is there')
  const elements = statement.tableElts ?? []
  const columns = listColumns(elements)
  const partial =
    (statement.inhRelations ?? []).length > 0 ||
    statement.ofTypename !== undefined ||
    elements.some((element) => 'TableLikeClause' in element)
  return createRelation(statement.relation, 'table', 'r,p,f', (oid) =>
    // A column of PARTITION OF or OF has no type of its own.
    hasColumns(oid, statement.partbound || statement.ofTypename ? [] : columns, !partial),
  )
}

/** Names of the columns of a query; null when they cannot be read off it. */
function listOutputs(query: SelectStmt): string[] | null {
  if (query.op !== 'SETOP_NONE') return query.larg ? listOutputs(query.larg) : null
  if (!query.targetList) return null
  const names: string[] = []
  for (const node of query.targetList) {
    if (!('ResTarget' in node)) return null
    const { name, val } = node.ResTarget
    const field = val && 'ColumnRef' in val ? val.ColumnRef.fields?.at(-1) : undefined
    if (name !== undefined) names.push(name)
    else if (field && 'String' in field) names.push(field.String.sval ?? '')
    else return null
  }
  return names
}

function queryShape(query: Node | undefined, given: readonly string[]): (oid: string) => string {
  const outputs = query && 'SelectStmt' in query ? listOutputs(query.SelectStmt) : null
  // Names that are given may be fewer than the columns.
  const names = outputs ? [...given, ...outputs.slice(given.length)] : null
  return (oid) =>
    names
      ? `${keyColumns(
          oid,
          `ARRAY(SELECT b.attnum FROM pg_attribute b WHERE b.attrelid = ${oid} AND b.attnum > 0
          AND NOT b.attisdropped ORDER BY b.attnum)`,
        )} = ${textArray(names)} AND ${hasColumnCount(oid, names.length)}`
      : 'true'
}

/** CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW. */
export function askCreateTableAs(statement: CreateTableAsStmt): Question {
  const { into } = statement
  if (statement.if_not_exists) return repeat('it does nothing when the relation is there')
  const [noun, kinds] = statement.objtype === 'OBJECT_MATVIEW' ? ['materialized view', 'm'] : ['table', 'r']
  return createRelation(into?.rel, noun, kinds, queryShape(statement.query, listStrings(into?.colNames)))
}

export function askCreateView(statement: ViewStmt): Question {
  if (statement.replace) return repeat('replacing a view again is harmless')
  return createRelation(statement.view, 'view', 'v', queryShape(statement.query, listStrings(statement.aliases)))
}

/** A command that must not run twice may still be running. */
function watchTable<Asked extends { checks: readonly Check[] }>(asked: Asked, oid: string): Asked {
  return {
    ...asked,
    checks: asked.checks.map((check): Check => (check.weak ? check : { ...check, busy: changerOf(oid) })),
  }
}

/** ALTER TABLE and its like (index, view, sequence, composite type), with one or more commands. */
export function askAlterTable(statement: AlterTableStmt): Question {
  const name = nameOfRelation(statement.relation)
  const table = { oid: relationOid(name), name: showName(name) }
  const checks: Check[] = []
  const byText: Extract<Question, { kind: 'checks' }>[] = []
  let rest: 'repeat' | 'unknown' | undefined
  for (const node of statement.cmds ?? []) {
    if (!('AlterTableCmd' in node)) continue
    const answer = askCommand(node.AlterTableCmd, table)
    if (answer.kind === 'repeat') rest ??= 'repeat'
    else if (answer.kind !== 'checks') rest = 'unknown'
    else if (answer.compare) byText.push(watchTable(answer, table.oid))
    else checks.push(...watchTable(answer, table.oid).checks)
  }
  const named = byText.filter(({ compare }) => compare === 'unknown').flatMap((answer) => answer.checks)
  if (byText.length > 0 && !checks.some((check) => !check.weak)) {
    // Nothing else decides, so the constraints must be compared, and that takes all of the statement.
    const [only] = byText
    if (checks.length > 0 || rest || (byText.length > 1 && named.length < byText.length)) {
      return unknown('whether a constraint equals what it makes cannot be compared')
    }
    return byText.length === 1 && only ? only : { kind: 'checks', checks: named, compare: 'unknown' }
  }
  checks.push(...named)
  if (checks.length === 0) {
    return rest === 'repeat'
      ? repeat('setting it again changes nothing more')
      : unknown('whether it ran cannot be seen in the catalog')
  }
  if (!statement.missing_ok) return { kind: 'checks', checks, ...(rest && { rest }) }
  // IF EXISTS: without the table there is nothing to do.
  const lenient = checks.map((check) => ({ ...check, landed: `(${table.oid} IS NULL OR ${check.landed})` }))
  return { kind: 'checks', checks: lenient, ...(rest && { rest }) }
}
