import type { Connection } from '../../model/dialect.ts'
import type { EmptyingCounter, EmptyingTable } from '../../model/emptying.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** A table, with what only this dialect asks for. */
export interface PostgresEmptyingTable extends EmptyingTable {
  oid: string
  isPartitioned: boolean
}

interface RelationRow {
  oid: string
  schema: string
  name: string
  home: boolean
  kind: string
  /** The partitioned table that it is a part of. */
  parent: string | null
}

interface KeyRow {
  name: string
  child: string
  parent: string
  columns: string[]
  to_columns: string[]
  operators: string[]
  child_schema: string
  child_name: string
  child_kind: string
}

/** Names of functions are given with their schema: one with the very types, on the search path, would be taken for them. */
function scopeOf(schema: string | null, namespace: string): string {
  if (schema !== null) return `${namespace}.nspname OPERATOR(pg_catalog.=) ${quoteLiteral(schema)}::name`
  return `${namespace}.nspname NOT IN ('pg_catalog', 'information_schema')
    AND NOT pg_catalog.starts_with(${namespace}.nspname::text, 'pg_')`
}

const notOfExtension = (oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`

const namesOf = (relation: string, numbers: string) =>
  `(SELECT pg_catalog.json_agg(a.attname::text ORDER BY u.i) FROM pg_catalog.unnest(${numbers}) WITH ORDINALITY u (n, i)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = u.n)`

const relationsQuestion = (schema: string | null) => `
SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
  n.nspname OPERATOR(pg_catalog.=) coalesce(pg_catalog.current_schema(), 'public')::name AS home,
  CASE WHEN c.relispartition THEN (SELECT i.inhparent::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) END AS parent
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${scopeOf(schema, 'n')} AND ${notOfExtension('c.oid')}
ORDER BY n.nspname, c.relname`

/** Those that partitions have from their table are left out: the table's own says it all. */
const keysQuestion = (schema: string | null) => `
SELECT k.conname::text AS name, k.conrelid::text AS child, k.confrelid::text AS parent,
  ${namesOf('k.conrelid', 'k.conkey')} AS columns, ${namesOf('k.confrelid', 'k.confkey')} AS to_columns,
  (SELECT pg_catalog.json_agg(pg_catalog.concat('OPERATOR(', pg_catalog.quote_ident(z.nspname::text), '.', o.oprname::text, ')') ORDER BY u.i)
    FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY u (op, i) JOIN pg_catalog.pg_operator o ON o.oid = u.op
    JOIN pg_catalog.pg_namespace z ON z.oid = o.oprnamespace) AS operators,
  cn.nspname::text AS child_schema, c.relname::text AS child_name, c.relkind::text AS child_kind
FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND ${scopeOf(schema, 'n')}
ORDER BY cn.nspname, c.relname, k.conname`

/**
 * Tables of a schema (null: of every schema), each with its partitions as one; and tables elsewhere whose keys point to
 * them.
 */
export async function readTables(connection: Connection, schema: string | null): Promise<PostgresEmptyingTable[]> {
  const relations = (await connection.query(relationsQuestion(schema))) as unknown as RelationRow[]
  const keys = (await connection.query(keysQuestion(schema))) as unknown as KeyRow[]
  const known = new Map(relations.map((one) => [one.oid, one]))
  /** The table that a partition is reached through, as far as that is in the same place. */
  const topOf = (oid: string): string => {
    const parent = known.get(oid)?.parent
    return parent == null || !known.has(parent) ? oid : topOf(parent)
  }
  const tables = new Map<string, PostgresEmptyingTable>()
  const add = (oid: string, place: { schema: string; name: string; kind: string }, id: string, isOutside: boolean) => {
    const isPartitioned = place.kind === 'p'
    const name = `${quoteIdentifier(place.schema)}.${quoteIdentifier(place.name)}`
    tables.set(oid, {
      ...{ id, oid, isPartitioned, isOutside, name: place.name },
      place: isPartitioned ? name : `ONLY ${name}`,
      rowKey: ['tableoid', 'ctid'],
      keys: [],
      obstacle: null,
    })
  }
  for (const one of relations) {
    const isAlone = topOf(one.oid) === one.oid
    if (isAlone) add(one.oid, one, schema !== null || one.home ? one.name : `${one.schema}.${one.name}`, false)
  }
  for (const key of keys) {
    const [child, parent] = [topOf(key.child), topOf(key.parent)]
    if (!tables.has(parent)) continue
    if (!tables.has(child)) {
      const place = { schema: key.child_schema, name: key.child_name, kind: key.child_kind }
      add(child, place, `${place.schema}.${place.name}`, true)
    }
    const own = tables.get(child) as PostgresEmptyingTable
    const { name, columns, to_columns: toColumns, operators } = key
    const to = (tables.get(parent) as PostgresEmptyingTable).id
    tables.set(child, { ...own, keys: [...own.keys, { name, columns, to, toColumns, operators }] })
  }
  return [...tables.values()]
}

/** Those that a column owns, and those that only its default names. */
const sequencesQuestion = (schema: string | null) => `
SELECT n.nspname::text AS schema, s.relname::text AS name, q.seqstart::text AS start, q.seqincrement::text AS step,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', u.rel::text, 'column', a.attname::text, 'isNumber', t.typcategory = 'N', 'isPart', c.relispartition))
    FROM (SELECT d.refobjid AS rel, d.refobjsubid AS att FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
          AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
      UNION SELECT f.adrelid, f.adnum::int FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
        WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = s.oid) u
    JOIN pg_catalog.pg_attribute a ON a.attrelid = u.rel AND a.attnum = u.att
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_class c ON c.oid = u.rel) AS uses
FROM pg_catalog.pg_class s JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
WHERE s.relkind = 'S' AND s.relpersistence <> 't' AND ${scopeOf(schema, 'n')} AND ${notOfExtension('s.oid')}
ORDER BY n.nspname, s.relname`

interface SequenceRow {
  schema: string
  name: string
  start: string
  step: string
  uses: { oid: string; column: string; isNumber: boolean; isPart: boolean }[] | null
}

const sequencesAtOnce = 200

export async function readCounters(
  connection: Connection,
  schema: string | null,
  tables: readonly EmptyingTable[],
): Promise<EmptyingCounter[]> {
  const ids = new Map((tables as readonly PostgresEmptyingTable[]).map(({ oid, id }) => [oid, id]))
  const rows = ((await connection.query(sequencesQuestion(schema))) as unknown as SequenceRow[]).filter(
    ({ uses }) => uses !== null,
  )
  const places = rows.map(({ schema: own, name }) => `${quoteIdentifier(own)}.${quoteIdentifier(name)}`)
  const next: string[] = []
  for (let start = 0; start < places.length; start += sequencesAtOnce) {
    const parts = places
      .slice(start, start + sequencesAtOnce)
      .map((place, i) => `SELECT ${i} AS i, last_value::text AS last, is_called FROM ${place}`)
    for (const row of await connection.query(parts.join(' UNION ALL '))) {
      const i = start + Number(row.i)
      const last = BigInt(String(row.last))
      next[i] = String(row.is_called === true ? last + BigInt(rows[i]?.step ?? '1') : last)
    }
  }
  return rows.map(({ name, start, step, uses }, i) => ({
    ...{ name, start, step },
    place: places[i] as string,
    next: next[i] as string,
    // A partition's column is its table's, which has the same default.
    uses: (uses ?? [])
      .filter(({ oid, isPart }) => ids.has(oid) || !isPart)
      .map(({ oid, column, isNumber }) => ({ table: ids.get(oid) ?? '', column: quoteIdentifier(column), isNumber })),
  }))
}
