import type { ColumnDef, Node, RangeVar, TypeName } from 'libpg-query'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** A name as a statement writes it. */
export interface Name {
  /** null: unqualified. */
  schema: string | null
  name: string
}

/** Where objects of a kind are in the catalog. */
export interface Catalog {
  table: string
  name: string
  /** Column with the schema's oid; null: the kind has no schema. */
  namespace: string | null
  /** SQL condition on alias x. */
  where?: string
  noun: string
}

export function listStrings(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []))
}

/** From the parts of a dotted name; a leading database name is dropped. */
export function nameOfParts(parts: readonly string[]): Name {
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' }
}

export function nameOfRelation(relation: RangeVar | undefined): Name {
  return { schema: relation?.schemaname ?? null, name: relation?.relname ?? '' }
}

/** For people. */
export function showName({ schema, name }: Name): string {
  return schema === null ? name : `${schema}.${name}`
}

export function quoteName({ schema, name }: Name): string {
  return schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** SQL: oid of the relation that the name means on the search path; NULL if there is none. */
export function relationOid(name: Name): string {
  return `to_regclass(${quoteLiteral(quoteName(name))})::oid`
}

/**
 * SQL: a session that changes the relation, or waits to: NULL if there is none. What a cut connection had sent may
 * still be carried out, and sending it again meanwhile would queue behind it and then hit what it left.
 */
export function changerOf(relation: string): string {
  return `(SELECT l.pid FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = ${relation}
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    AND l.mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock') AND l.pid <> pg_backend_pid() LIMIT 1)`
}

/** SQL: is `column` the schema in which the name would be created? */
export function inCreationSchema(column: string, { schema }: Name): string {
  const wanted = schema === null ? 'current_schema()' : quoteLiteral(schema)
  return `${column} = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = ${wanted})`
}

/** SQL: is `column` a schema in which the name is looked for? */
export function inSearchedSchema(column: string, name: Name): string {
  if (name.schema !== null) return inCreationSchema(column, name)
  return `${column} IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY (current_schemas(true)))`
}

/** SQL: rows of a kind with this name; `alias` is the row, `scope` narrows the schema. */
export function findNamed(
  catalog: Catalog,
  name: Name,
  scope: 'creation' | 'searched',
  condition = 'true',
  alias = 'x',
): string {
  const conditions = [`${alias}.${catalog.name} = ${quoteLiteral(name.name)}`, condition]
  if (catalog.where) conditions.push(catalog.where.replaceAll('x.', `${alias}.`))
  if (catalog.namespace !== null) {
    const column = `${alias}.${catalog.namespace}`
    conditions.push(scope === 'creation' ? inCreationSchema(column, name) : inSearchedSchema(column, name))
  }
  return `SELECT FROM ${catalog.table} ${alias} WHERE ${conditions.join(' AND ')}`
}

/** SQL: oid of what a creation statement would make, or NULL. */
export function createdOid(catalog: Catalog, name: Name): string {
  return `(${findNamed(catalog, name, 'creation').replace('SELECT FROM', 'SELECT x.oid FROM')})`
}

/** A column type as it can be compared in the catalog. */
export interface ComparableType {
  /** SQL: the type's oid, NULL if it does not exist. */
  oid: string
  /** The type modifier; null: it cannot be computed here. */
  typmod: number | null
}

const serials: Record<string, string> = {
  serial: 'int4',
  serial4: 'int4',
  bigserial: 'int8',
  serial8: 'int8',
  smallserial: 'int2',
  serial2: 'int2',
}

function readInteger(node: Node | undefined): number | null {
  if (!node || !('A_Const' in node)) return null
  const constant = node.A_Const
  return constant.ival ? (constant.ival.ival ?? 0) : null
}

/** Type modifiers as the built-in types encode them (source: numeric.c, varchar.c, varbit.c, timestamp.c). */
function computeTypmod(type: string, typmods: readonly (number | null)[]): number | null {
  const [first, second] = typmods
  if (first === undefined) return -1
  if (first === null || second === null) return null
  if (type === 'numeric') return ((first << 16) | ((second ?? 0) & 0x7ff)) + 4
  if (second !== undefined) return null
  if (type === 'varchar' || type === 'bpchar') return first + 4
  if (['bit', 'varbit', 'time', 'timetz', 'timestamp', 'timestamptz'].includes(type)) return first
  return null
}

/** null: a type that is taken from elsewhere (`table.column%TYPE`). */
export function comparableType(type: TypeName | undefined): ComparableType | null {
  if (!type || type.pct_type) return null
  const parts = listStrings(type.names)
  const last = parts.at(-1) ?? ''
  const serial = parts.length === 1 ? serials[last] : undefined
  const typmod = computeTypmod(last, (type.typmods ?? []).map(readInteger))
  const text = serial ?? parts.map(quoteIdentifier).join('.')
  return { oid: `to_regtype(${quoteLiteral(text + (type.arrayBounds ? '[]' : ''))})::oid`, typmod }
}

/** SQL boolean on alias a of pg_attribute. */
export function hasType(type: ComparableType | null): string {
  if (!type) return 'true'
  return type.typmod === null ? `a.atttypid = ${type.oid}` : `a.atttypid = ${type.oid} AND a.atttypmod = ${type.typmod}`
}

/** SQL: the column of a relation, if a condition on alias a holds. */
export function findColumn(relation: string, column: string, condition = 'true'): string {
  return `EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ${relation} AND a.attname = ${quoteLiteral(column)}
    AND a.attnum > 0 AND NOT a.attisdropped AND (${condition}))`
}

/** SQL boolean: the relation has these columns with these types; `exact`: and no others. */
export function hasColumns(relation: string, columns: readonly ColumnDef[], exact: boolean): string {
  const conditions = columns.map((column) =>
    findColumn(relation, column.colname ?? '', hasType(comparableType(column.typeName))),
  )
  if (exact) conditions.push(hasColumnCount(relation, columns.length))
  return conditions.length === 0 ? 'true' : conditions.join(' AND ')
}

export function hasColumnCount(relation: string, count: number): string {
  return `(SELECT count(*) FROM pg_attribute a WHERE a.attrelid = ${relation} AND a.attnum > 0
    AND NOT a.attisdropped) = ${count}`
}

/** SQL: text[] of column names that a key (int2 array or vector, in order) stands for. */
export function keyColumns(relation: string, key: string): string {
  return `ARRAY(SELECT a.attname::text FROM unnest(${key}) WITH ORDINALITY k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.attnum ORDER BY k.place)`
}

export function textArray(values: readonly string[]): string {
  return `ARRAY[${values.map(quoteLiteral).join(', ')}]::text[]`
}
