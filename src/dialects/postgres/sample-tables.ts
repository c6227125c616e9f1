import { createHash } from 'node:crypto'
import type { Connection } from '../../model/dialect.ts'
import type { SampleColumn, SampleReference, SampleTable } from '../../model/sample.ts'
import { planOnce } from './plan-once.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { type SampleType, sampleValue } from './sample-values.ts'

interface ColumnRow extends Omit<SampleType, 'checks'> {
  name: string
  number: number
  notNull: boolean
  hasDefault: boolean
  checks: string[] | null
}

interface TableRow {
  schema: string
  name: string
  columns: ColumnRow[] | null
  references: { columns: string[]; schema: string; table: string; to: string[] }[] | null
  rules: string[] | null
}

/** A table, with what only this dialect asks for. */
export interface PostgresTable extends SampleTable {
  schema: string
  name: string
}

const columnsOf = `
  SELECT json_agg(json_build_object('name', a.attname::text, 'number', a.attnum, 'notNull', a.attnotnull OR t.typnotnull,
      'hasDefault', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL, 'base', e.typname::text, 'category', e.typcategory,
      'isArray', b.typcategory = 'A', 'modifier', CASE WHEN t.typtype = 'd' THEN coalesce(nullif(t.typtypmod, -1), d1.typtypmod, -1) ELSE a.atttypmod END,
      'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = e.oid),
      'checks', (SELECT json_agg(pg_get_constraintdef(k.oid)) FROM (
        SELECT oid FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c' AND a.attnum = ANY (conkey)
        UNION ALL SELECT oid FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'
        UNION ALL SELECT oid FROM pg_constraint WHERE contypid = nullif(t.typbasetype, 0) AND contype = 'c') k)) ORDER BY a.attname)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type d1 ON d1.oid = t.typbasetype AND t.typtype = 'd'
  LEFT JOIN pg_type d2 ON d2.oid = d1.typbasetype AND d1.typtype = 'd'
  LEFT JOIN pg_type d3 ON d3.oid = d2.typbasetype AND d2.typtype = 'd'
  JOIN pg_type b ON b.oid = coalesce(d3.oid, d2.oid, d1.oid, t.oid)
  JOIN pg_type e ON e.oid = CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE b.oid END
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''`

const referencesOf = `
  SELECT json_agg(json_build_object('schema', rn.nspname::text, 'table', r.relname::text,
      'columns', (SELECT json_agg(a.attname::text ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n),
      'to', (SELECT json_agg(a.attname::text ORDER BY u.i) FROM unnest(k.confkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n)) ORDER BY k.conname)
  FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
  WHERE k.conrelid = c.oid AND k.contype = 'f'`

const userSchema = `n.nspname::text !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')`

/** Tables of a schema (null: of every schema of the database); partitions are filled through their table. */
export async function readSampleTables(
  connection: Connection,
  target: string | null,
  except: readonly string[],
): Promise<PostgresTable[]> {
  const rows = await planOnce(
    connection,
    'tenantry_tables',
    `SELECT n.nspname::text AS schema, n.nspname = coalesce(current_schema(), 'public') AS own, c.relname::text AS name,
       (${columnsOf}) AS columns, (${referencesOf}) AS "references",
       (SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'u', 'p', 'x')) AS rules
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND ${target === null ? userSchema : `n.nspname = ${quoteLiteral(target)}`}
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY n.nspname, c.relname`,
    // Planned while the catalogs are nearly empty: they will not be.
    (asking) =>
      connection.run(`SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true); ${asking}`),
  )
  const idOf = (schema: string, name: string, own: boolean) => (own ? name : `${schema}.${name}`)
  const found = rows.map((row) => {
    const { schema, name } = row as unknown as TableRow
    return { row: row as unknown as TableRow, id: idOf(schema, name, target !== null || row.own === true) }
  })
  const ids = new Map(found.map(({ row, id }) => [`${row.schema}\0${row.name}`, id]))
  return found
    .filter(({ row }) => !except.includes(row.name))
    .map(({ row, id }) => {
      const columns = row.columns ?? []
      return {
        id,
        schema: row.schema,
        name: row.name,
        place: `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`,
        columns: columns.map(readColumn),
        references: (row.references ?? []).map(
          ({ columns: own, schema, table, to }): SampleReference => ({
            columns: own,
            table: ids.get(`${schema}\0${table}`) ?? null,
            to,
          }),
        ),
        shape: createHash('sha256')
          .update(JSON.stringify([columns.map(({ number, ...one }) => one), row.references, row.rules]))
          .digest('base64'),
      }
    })
}

function readColumn(row: ColumnRow): SampleColumn {
  const type: SampleType = { ...row, checks: row.checks ?? [] }
  return {
    name: row.name,
    nullable: !row.notNull,
    hasDefault: row.hasDefault,
    value: (n, attempt) => sampleValue(type, { n, attempt, position: row.number }),
  }
}
