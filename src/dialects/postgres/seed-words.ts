import type { SeedColumn, SeedLiteral, SeedWords } from '../../model/seed-words.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

interface ColumnRow {
  name: string
  /** As the catalog calls it, without its modifier: `int4`, `timestamptz`; of another schema: with it. */
  type: string
  isArray: boolean
}

interface TableRow {
  schema: string
  name: string
  kind: string
  columns: ColumnRow[] | null
  unique: string[][] | null
}

const tableQuestion = `SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'isArray', t.typcategory = 'A',
        'type', CASE WHEN tn.nspname = 'pg_catalog' THEN t.typname::text
          ELSE pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname) END) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT pg_catalog.json_agg(k.names) FROM pg_catalog.pg_index i CROSS JOIN LATERAL (
        SELECT pg_catalog.json_agg(a.attname ORDER BY p.nth) AS names
        FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY p (number, nth)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.number
        WHERE p.nth <= i.indnkeyatts) k
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL) AS unique
  FROM pg_catalog.unnest(CASE WHEN $1::text IS NULL THEN pg_catalog.current_schemas(false) ELSE ARRAY[$1::text::name] END)
      WITH ORDINALITY s (name, nth)
    JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $2::text::name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  ORDER BY s.nth LIMIT 1`

/** Texts of these depend on settings of the session (TimeZone, DateStyle, bytea_output). */
const asTexts: Readonly<Record<string, (name: string) => string>> = {
  timestamptz: (name) => `extract(epoch FROM ${name})::text`,
  timestamp: (name) => `pg_catalog.to_jsonb(${name})::text`,
  date: (name) => `pg_catalog.to_jsonb(${name})::text`,
  bytea: (name) => `pg_catalog.encode(${name}, 'hex')`,
  // Spaces and the order of members are no difference.
  json: (name) => `${name}::jsonb::text`,
}

function column({ name, type, isArray }: ColumnRow): SeedColumn {
  const quoted = quoteIdentifier(name)
  return {
    name,
    quoted,
    asText: asTexts[type]?.(quoted) ?? `${quoted}::text`,
    copyText: `${quoted}::text`,
    copied: quoteLiteral,
    literal: (value) => literal(value, isArray),
  }
}

/** Quoted without a type, a value becomes one of the column that it is for. */
function literal(value: SeedLiteral, isArray: boolean): string {
  switch (value.kind) {
    case 'null':
      return 'NULL'
    case 'boolean':
      return value.value ? "'true'" : "'false'"
    case 'bytes':
      return quoteLiteral(`\\x${value.hex}`)
    case 'json': {
      const items: unknown = isArray ? JSON.parse(value.text) : null
      return quoteLiteral(Array.isArray(items) ? arrayText(items) : value.text)
    }
    default:
      return quoteLiteral(value.text)
  }
}

function arrayText(items: readonly unknown[]): string {
  const parts = items.map((item) => {
    if (item === null) return 'NULL'
    if (Array.isArray(item)) return arrayText(item)
    const text = typeof item === 'object' ? JSON.stringify(item) : String(item)
    return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
  })
  return `{${parts.join(',')}}`
}

export const seedWords: SeedWords = {
  async table(connection, schema, table) {
    const [row] = (await connection.query(tableQuestion, [schema, table])) as unknown as TableRow[]
    if (row === undefined) return null
    return {
      place: `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`,
      columns: (row.columns ?? []).map(column),
      unique: row.unique ?? [],
      obstacle: row.kind === 'r' || row.kind === 'p' ? null : 'it is no ordinary table',
    }
  },
  home: 'pg_catalog.current_schema()',
  key: 'varchar(190) COLLATE "C"',
  text: 'text',
}
