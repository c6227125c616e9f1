import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { TableQuestion, TableSize, TargetSizes } from '../../model/table-sizes.ts'

type Row = Record<string, unknown>

/**
 * The files of a relation with its TOAST table. Asking for them opens it under ACCESS SHARE, and so waits behind
 * whoever holds ACCESS EXCLUSIVE on it.
 */
const measured = {
  table: 'pg_catalog.pg_table_size(leaf.oid)',
  indexes: 'pg_catalog.pg_indexes_size(leaf.oid)',
}

/** The same from the last VACUUM or ANALYZE, without a lock: nothing is known of what has never been looked at. */
const noted = {
  table: `(leaf.relpages::float8 OPERATOR(pg_catalog.+) coalesce((SELECT t.relpages::float8 FROM pg_catalog.pg_class t
      WHERE t.oid OPERATOR(pg_catalog.=) leaf.reltoastrelid), 0::float8)) OPERATOR(pg_catalog.*) block.bytes`,
  indexes: `coalesce((SELECT pg_catalog.sum(i.relpages::float8) FROM pg_catalog.pg_index x
      JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
      WHERE x.indrelid OPERATOR(pg_catalog.=) leaf.oid), 0::float8) OPERATOR(pg_catalog.*) block.bytes`,
}

/**
 * Rows as the planner counts them: the density at the last ANALYZE times the size of today, and before the first one
 * what the statistics have counted (`reltuples` is -1 then; PostgreSQL manual, 52.11). ANALYZE notes in a partitioned
 * table what its partitions hold together.
 */
const rows = (table: string) => `CASE WHEN leaf.relkind OPERATOR(pg_catalog.=) 'p' THEN 0::float8
    WHEN leaf.reltuples OPERATOR(pg_catalog.>=) 0::float4 AND leaf.relpages OPERATOR(pg_catalog.>) 0
    THEN leaf.reltuples::float8 OPERATOR(pg_catalog./) leaf.relpages::float8 OPERATOR(pg_catalog.*) (${table}) OPERATOR(pg_catalog./) block.bytes
    ELSE GREATEST(leaf.reltuples::float8, pg_catalog.pg_stat_get_live_tuples(leaf.oid)::float8, 0::float8) END`

/** A partitioned table is as large as its partitions together. */
function question({ table, indexes }: typeof measured, ownTable: string): string {
  return `WITH RECURSIVE limits AS MATERIALIZED (
    SELECT pg_catalog.set_config('lock_timeout', $4::text, true) AS value),
  block AS MATERIALIZED (
    SELECT pg_catalog.current_setting('block_size')::float8 AS bytes FROM limits WHERE limits.value IS NOT NULL),
  asked AS MATERIALIZED (
    SELECT (s.at OPERATOR(pg_catalog.-) 1) AS target, (t.at OPERATOR(pg_catalog.-) 1) AS place, c.oid AS id
    FROM ROWS FROM (pg_catalog.unnest($1::text[])) WITH ORDINALITY AS s(own, at)
    CROSS JOIN ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) WITH ORDINALITY AS t(schema, name, at)
    JOIN pg_catalog.pg_namespace n
      ON n.nspname OPERATOR(pg_catalog.=) coalesce(t.schema, s.own, pg_catalog.current_schema()::text)::name
    JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
      AND c.relname OPERATOR(pg_catalog.=) t.name::name AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog."char"[])),
  parts AS (
    SELECT a.target, a.place, a.id FROM asked a
    UNION ALL
    SELECT p.target, p.place, i.inhrelid FROM parts p
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.id AND c.relkind OPERATOR(pg_catalog.=) 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) p.id)
  SELECT p.target::int, p.place::int, pg_catalog.sum(${rows(ownTable)})::float8 AS rows,
    pg_catalog.sum((${table})::float8) AS bytes, pg_catalog.sum((${indexes})::float8) AS index_bytes
  FROM parts p JOIN pg_catalog.pg_class leaf ON leaf.oid OPERATOR(pg_catalog.=) p.id CROSS JOIN block

  GROUP BY p.target, p.place`
}

const measuredQuestion = question(measured, 'pg_catalog.pg_relation_size(leaf.oid)')
const notedQuestion = question(noted, 'leaf.relpages::float8 OPERATOR(pg_catalog.*) block.bytes')

/** @see ReadTableSizes */
export async function tableSizes(
  connection: Connection,
  targets: readonly (string | null)[],
  tables: readonly TableQuestion[],
  lockTimeoutMs: number,
): Promise<readonly TargetSizes[]> {
  const values = [
    targets,
    tables.map(({ schema }) => schema),
    tables.map(({ name }) => name),
    `${Math.max(1, Math.round(lockTimeoutMs))}ms`,
  ]
  const found = await connection.query(measuredQuestion, values).catch((error: unknown) => {
    if (error instanceof DatabaseError && error.failure.kind === 'lock-timeout')
      return connection.query(notedQuestion, values)
    throw error
  })
  const sizes = targets.map(() => tables.map((): TableSize | null => null))
  for (const row of found) {
    const own = sizes[Number(row.target)]
    if (own !== undefined) own[Number(row.place)] = readSize(row)
  }
  return sizes
}

function readSize({ rows, bytes, index_bytes: indexBytes }: Row): TableSize {
  return { rows: Math.round(Number(rows)), bytes: Number(bytes ?? 0), indexBytes: Number(indexBytes ?? 0) }
}
