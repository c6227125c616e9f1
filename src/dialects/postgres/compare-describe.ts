import type { Subject } from './compare-subject.ts'
import { textArray } from './probe-sql.ts'
import { quoteLiteral } from './quote.ts'

function findRelation(schema: string, name: string): string {
  return `(SELECT x.oid FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace
    WHERE n.nspname = ${quoteLiteral(schema)} AND x.relname = ${quoteLiteral(name)})`
}

function findType(schema: string, name: string): string {
  return `(SELECT x.oid FROM pg_type x JOIN pg_namespace n ON n.oid = x.typnamespace
    WHERE n.nspname = ${quoteLiteral(schema)} AND x.typname = ${quoteLiteral(name)})`
}

function describeColumns(relation: string, names: readonly string[] | null): string {
  return `(SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
      a.attgenerated, pg_get_expr(d.adbin, d.adrelid), nullif(a.attcollation, t.typcollation)::regcollation)
      ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ${relation} AND a.attnum > 0 AND NOT a.attisdropped
    ${names ? `AND a.attname::text = ANY (${textArray(names)})` : ''})`
}

/** Not-null constraints show in the columns; PostgreSQL 18 lists them here too, earlier versions do not. */
const constraintKinds = `k.contype IN ('c', 'p', 'u', 'f', 'x')`

function describeConstraints(relation: string, names: readonly string[] | null): string {
  return `(SELECT json_agg(json_build_array(k.conname, k.contype, pg_get_constraintdef(k.oid)) ORDER BY k.conname)
    FROM pg_constraint k WHERE k.conrelid = ${relation} AND ${constraintKinds}
    ${names ? `AND k.conname::text = ANY (${textArray(names)})` : ''})`
}

/** Without the index's name, and without the ONLY that a partitioned table's index is shown with. */
const indexDefinition = `regexp_replace(substr(pg_get_indexdef(i.indexrelid), length('CREATE ' ||
  CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(c.relname) || ' ON ') + 1), '^ONLY ', '')`

/**
 * SQL: JSON texts that describe the object, to be compared with the same of another schema. Several: candidates, of
 * which one must match. NULL or none: there is no such object.
 *
 * @param like for a function: SQL oid of one whose arguments it must have
 */
export function describeSubject(subject: Subject, schema: string, like: string | null): string {
  const { name } = subject.name
  const relation = findRelation(schema, name)
  const one = (value: string, from: string) => `SELECT (${value})::text AS description FROM ${from}`
  switch (subject.kind) {
    case 'table':
      return one(
        `json_build_array(c.relkind, c.relpersistence, c.reloptions, pg_get_partkeydef(c.oid),
          ${describeColumns('c.oid', null)}, ${describeConstraints('c.oid', null)})`,
        `pg_class c WHERE c.oid = ${relation}`,
      )
    case 'columns':
      return one(describeColumns(relation, subject.parts), '(SELECT) one')
    case 'constraints':
      if (subject.parts.length > 0) return one(describeConstraints(relation, subject.parts), '(SELECT) one')
      return one(
        'json_build_array(k.contype, pg_get_constraintdef(k.oid))',
        `pg_constraint k WHERE k.conrelid = ${relation} AND ${constraintKinds}`,
      )
    case 'index': {
      const named = subject.parts[0]
      return one(
        `json_build_array(i.indisunique, ${indexDefinition})`,
        `pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ${relation} AND i.indisvalid
          ${named === undefined ? '' : `AND c.relname = ${quoteLiteral(named)}`}`,
      )
    }
    case 'view':
      return one(
        `json_build_array(c.relkind, c.reloptions, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
          ${describeColumns('c.oid', null)})`,
        `pg_class c WHERE c.oid = ${relation}`,
      )
    case 'sequence':
      return one(
        `json_build_array(c.relkind, (SELECT json_build_array(s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax,
          s.seqmin, s.seqcache, s.seqcycle) FROM pg_sequence s WHERE s.seqrelid = c.oid))`,
        `pg_class c WHERE c.oid = ${relation}`,
      )
    case 'function':
      return one(
        `to_json(CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_get_functiondef(p.oid) END)`,
        `pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ${quoteLiteral(schema)}
          AND p.proname = ${quoteLiteral(name)}
          ${like === null ? '' : `AND p.proargtypes = (SELECT q.proargtypes FROM pg_proc q WHERE q.oid = ${like})`}`,
      )
    case 'enum':
      return one(
        `json_build_array(t.typtype, (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
          WHERE e.enumtypid = t.oid))`,
        `pg_type t WHERE t.oid = ${findType(schema, name)}`,
      )
    case 'composite':
      return one(
        `json_build_array(c.relkind, ${describeColumns('c.oid', null)})`,
        `pg_class c WHERE c.oid = ${relation}`,
      )
    case 'domain':
      return one(
        `json_build_array(t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
          (SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY pg_get_constraintdef(k.oid)) FROM pg_constraint k
            WHERE k.contypid = t.oid AND k.contype = 'c'))`,
        `pg_type t WHERE t.oid = ${findType(schema, name)}`,
      )
  }
}
