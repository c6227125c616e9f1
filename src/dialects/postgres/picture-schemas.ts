import type { Connection } from '../../model/dialect.ts'
import { quoteLiteral } from './quote.ts'

/** A schema that is looked at for a target. */
export interface FoundSchema {
  /** Index of the target. */
  target: number
  oid: number
  /** The target's own schema. */
  own: string
  /** Tables and views in it. */
  relations: number
  /** Locks that reading the definitions of its views takes. */
  locks: number
}

/** Schemas of targets, in the order of these; none for a target whose schema does not exist. */
export async function findSchemas(connection: Connection, targets: readonly (string | null)[]): Promise<FoundSchema[]> {
  const names = targets.filter((target) => target !== null)
  const all = targets.includes(null)
  const rows = await connection.run(
    `SELECT pg_catalog.set_config('tenantry.home', coalesce(pg_catalog.current_schema(), 'public'), true), pg_catalog.set_config('search_path', '', true);
    WITH n AS MATERIALIZED (
      SELECT n.oid, n.nspname::text AS name FROM pg_namespace n
      WHERE ${all ? `(n.nspname::text !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')) OR ` : ''}
        n.nspname IN (SELECT e::name FROM json_array_elements_text(${quoteLiteral(JSON.stringify(names))}) e))
    , v AS MATERIALIZED (
      SELECT c.relnamespace, count(DISTINCT d.refobjid) AS locks FROM n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('v', 'm')
        JOIN pg_rewrite r ON r.ev_class = c.oid JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
      GROUP BY c.relnamespace)
    SELECT n.oid::int8::text AS oid, n.name, current_setting('tenantry.home') AS home, count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f'))::text AS relations, coalesce(max(v.locks), 0)::text AS locks
    FROM n LEFT JOIN pg_class c ON c.relnamespace = n.oid LEFT JOIN v ON v.relnamespace = n.oid GROUP BY n.oid, n.name ORDER BY n.name COLLATE "C"`,
  )
  const known = rows.map((row) => ({
    oid: Number(row.oid),
    name: String(row.name),
    relations: Number(row.relations),
    locks: Number(row.locks),
  }))
  const home = String(rows[0]?.home ?? 'public')
  const byName = new Map(known.map((schema) => [schema.name, schema]))
  return targets.flatMap((name, target) => {
    const own = name ?? home
    const found =
      name === null
        ? known.filter((schema) => !schema.name.startsWith('pg_') && schema.name !== 'information_schema')
        : [byName.get(name)]
    return found.flatMap((schema) => (schema === undefined ? [] : [{ target, own, ...schema }]))
  })
}
