import type { Batches, KeyColumn, Pressure, TextParameter, WalkedTable } from '../../model/batches.ts'
import type { Connection } from '../../model/dialect.ts'
import { outlineSql } from './outline.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

interface TableRow {
  schema: string
  name: string
  estimate: number | null
  hidden: boolean
  columns: { name: string; number: number; notNull: boolean; type: string }[] | null
  indexes: { unique: boolean; numbers: number[]; names: string[] }[] | null
  policies: string[] | null
}

/**
 * The first table of that name on the path. Types outside of the catalog get their schema: which one an unqualified name
 * would mean depends on the path. Nothing here is called with types that a function of a tenant could fit better.
 */
const tableQuestion = `SELECT n.nspname::text AS schema, c.relname::text AS name,
    CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::float8 END AS estimate,
    pg_catalog.row_security_active(c.oid) AS hidden,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'number', a.attnum, 'notNull', a.attnotnull,
        'type', CASE WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
          ELSE pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname) END))
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('unique', i.indisunique, 'numbers', k.numbers, 'names', k.names))
      FROM pg_catalog.pg_index i CROSS JOIN LATERAL (
        SELECT pg_catalog.json_agg(p.number ORDER BY p.nth) AS numbers, pg_catalog.json_agg(a.attname ORDER BY p.nth) AS names
        FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY p (number, nth)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.number
        WHERE p.nth <= i.indnkeyatts) k
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL) AS indexes,
    (SELECT pg_catalog.json_agg(pg_catalog.concat(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ' ', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))
      FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid) AS policies
  FROM pg_catalog.unnest(CASE WHEN $1::text IS NULL THEN pg_catalog.current_schemas(true) ELSE ARRAY[$1::text::name] END)
      WITH ORDINALITY s (name, nth)
    JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $2::text::name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  ORDER BY s.nth LIMIT 1`

async function table(
  connection: Connection,
  schema: string | null,
  name: string,
  key: readonly string[],
  tenantColumn: string,
): Promise<WalkedTable | null> {
  const [row] = (await connection.query(tableQuestion, [schema, name])) as unknown as TableRow[]
  if (row === undefined) return null
  const columns = new Map((row.columns ?? []).map((column) => [column.name, column]))
  return {
    place: `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`,
    schema: row.schema,
    key: key.flatMap((one): KeyColumn[] => {
      const type = columns.get(one)?.type
      if (type === undefined) return []
      const quoted = quoteIdentifier(one)
      return [{ name: quoted, asText: `${quoted}::text`, literal: (text) => `CAST(${quoteLiteral(text)} AS ${type})` }]
    }),
    obstacle: findObstacle(row, key, tenantColumn),
    hasTenantColumn: columns.has(tenantColumn),
    estimatedRows: row.estimate === null ? null : Math.round(row.estimate),
    rowSecurity: row.hidden,
    policySettings: findSettings(row.policies ?? []),
  }
}

function findObstacle({ columns, indexes }: TableRow, key: readonly string[], tenantColumn: string): string | null {
  const all = columns ?? []
  const found = key.map((name) => all.find((column) => column.name === name))
  const missing = key.find((_, i) => found[i] === undefined)
  if (missing !== undefined) return `it has no column ${missing}`
  const nullable = found.find((column) => column?.notNull === false)
  if (nullable !== undefined) return `its column ${nullable.name} may be NULL, and such rows would be passed over`
  if (key.length === 0) return null
  const unique = (indexes ?? []).filter((index) => index.unique)
  const wanted = [key.join('\0'), [tenantColumn, ...key].join('\0')]
  if (unique.some(({ names }) => wanted.includes(names.join('\0')))) return null
  const others = unique.map(({ names }) => `(${names.join(', ')})`)
  return `it has no unique index on (${key.join(', ')})${others.length === 0 ? '' : `; there is one on ${others.join(', ')}`}`
}

/** `current_setting('app.tenant_id'…)` in policies, as the catalog prints them. */
function findSettings(policies: readonly string[]): string[] {
  const names = policies.flatMap((text) =>
    [...text.matchAll(/\bcurrent_setting\('([^']+)'/g)].map(([, name = '']) => name),
  )
  return [...new Set(names)].sort()
}

function parameters(text: string): TextParameter[] {
  const { code } = outlineSql(text)
  return [...code.matchAll(/(?<![:\w$\]])::?[A-Za-z_]\w*/g)].flatMap((match) =>
    match[0].startsWith('::')
      ? []
      : [{ name: match[0].slice(1), start: match.index, end: match.index + match[0].length }],
  )
}

/** Those who wait for a row wait for its transaction; that they hold the table tells which one it is about. */
const pressureQuestion = (place: string) => `SELECT
  (SELECT count(*)::int FROM pg_catalog.pg_locks w WHERE NOT w.granted AND w.pid <> pg_catalog.pg_backend_pid() AND (
    (w.database = d.oid AND w.relation = r.oid) OR (w.locktype = 'transactionid' AND EXISTS (SELECT FROM pg_catalog.pg_locks h
      WHERE h.pid = w.pid AND h.granted AND h.database = d.oid AND h.relation = r.oid)))) AS waits,
  (SELECT (max(extract(epoch FROM coalesce(s.replay_lag, '0'::interval))) * 1000)::float8 FROM pg_catalog.pg_stat_replication s) AS lag
  FROM (SELECT ${quoteLiteral(place)}::regclass::oid AS oid) r,
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) d`

async function pressure(connection: Connection, { place }: WalkedTable): Promise<Pressure> {
  const [row] = await connection.query(pressureQuestion(place))
  return {
    lockWaits: Number(row?.waits ?? 0),
    replicaLagMs: row?.lag === null || row?.lag === undefined ? null : Number(row.lag),
  }
}

export const batches: Batches = {
  table,
  after: (key, cursor) => {
    const names = key.map(({ name }) => name)
    const values = key.map(({ literal }, i) => literal(cursor[i] as string))
    return key.length === 1 ? `${names[0]} > ${values[0]}` : `(${names.join(', ')}) > (${values.join(', ')})`
  },
  parameters,
  // So high that no text of a person holds it, and still a parameter.
  mark: (index) => `$${64_000 + index}`,
  pressure,
  actAs: (setting, tenant) => [
    tenant === null
      ? "SELECT set_config('row_security', 'off', true)"
      : `SELECT set_config(${quoteLiteral(setting)}, ${quoteLiteral(tenant)}, true)`,
  ],
  nowMs: '(extract(epoch FROM clock_timestamp())::numeric * 1000.0)::bigint',
  forUpdate: 'FOR UPDATE',
  bigint: 'bigint',
}
