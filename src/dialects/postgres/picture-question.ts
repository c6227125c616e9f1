import type { ObjectKind, PictureScope } from '../../model/picture.ts'
import { type Branch, bodyPlace, properties, propertyEnd, statementEnd } from './picture-branch.ts'
import { markBranches } from './picture-marks.ts'
import { own, ownBody, ownPatterns, ownSql } from './picture-own.ts'
import { programBranches } from './picture-programs.ts'
import { tableBranches } from './picture-tables.ts'
import { typeBranches } from './picture-types.ts'
import { quoteLiteral } from './quote.ts'

/** A schema, and the target that it belongs to: several for a whole database. */
export interface AskedSchema {
  target: number
  oid: number
}

/** A target, and the schema of its own: that of a whole database is the connection's default one. */
export interface AskedTarget {
  target: number
  own: string
}

export type Wanted = 'hashes' | 'objects' | 'creations'

const excluded = (names: readonly string[]) => `ARRAY[${names.map(quoteLiteral).join(', ')}]::name[]`

const relationKind = `CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized-view' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'composite' ELSE 'table' END`

function ignored(ignore: PictureScope['ignore'], kind: string, name: string): string {
  const rules = ignore.map(
    (rule) =>
      `(${rule.kind === null ? '' : `${kind} = ${quoteLiteral(rule.kind)} AND `}${name} ~ ${quoteLiteral(rule.name)})`,
  )
  return rules.length === 0 ? 'false' : `(${rules.join(' OR ')})`
}

/**
 * Which schemas a question is about, as settings of its transaction: so the question itself is the same for all of them,
 * and planned once.
 */
export function pictureSettings(
  schemas: readonly AskedSchema[],
  targets: readonly AskedTarget[],
): readonly (readonly [name: string, value: string])[] {
  const asks = targets.map(({ target, own: name }) => ({ t: target, own: name, ...ownPatterns(name) }))
  const places = schemas.map(({ target, oid }) => ({ t: target, o: oid }))
  return [
    ['tenantry.asks', JSON.stringify(asks)],
    ['tenantry.places', JSON.stringify(places)],
  ]
}

/**
 * One statement over the whole of the schemas that {@link pictureSettings} name: each catalog is read for all of them
 * together, since none of them has an index that begins with the schema. What a table brings goes with it where it is
 * passed over.
 *
 * Rows: `hashes`: `t`, `hash`, `own` (the oid of the target's own schema). `objects`: `kind`, `name`, `of`, `properties`, and one of kind NULL with the hash as its
 * name. `creations`: `kind`, `name`, `of`, `statements`, `class`, `oid`.
 */
export function pictureQuestion(wanted: Wanted, scope: PictureScope, version: number): string {
  const made = wanted === 'creations'
  const kinds = new Set<ObjectKind>(scope.kinds)
  const branches = [...tableBranches(version), ...typeBranches(), ...programBranches(), ...markBranches()].filter(
    (branch) => branch.kinds.some((kind) => kinds.has(kind)),
  )
  return `WITH asks AS MATERIALIZED (
    SELECT e.*, o.oid AS own_oid, quote_ident(e.own) || '.' AS dot FROM json_to_recordset(current_setting('tenantry.asks')::json) e(t int, own text, needle text, sql text, qualified text, alias text, body text, path text, lookup text, setting text, header text)
      LEFT JOIN pg_namespace o ON o.nspname = e.own),
  ns AS MATERIALIZED (
    SELECT e.t, n.oid, n.nspname::text AS nsp, a.own, a.own_oid, a.dot, CASE WHEN n.nspname = a.own THEN '' ELSE n.nspname || '.' END AS pre,
      CASE WHEN n.nspname = a.own THEN ${own} ELSE quote_ident(n.nspname) END AS sch
    FROM json_to_recordset(current_setting('tenantry.places')::json) e(t int, o oid) JOIN pg_namespace n ON n.oid = e.o JOIN asks a ON a.t = e.t),
  ext AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'),
  found AS MATERIALIZED (
    SELECT n.t, n.own, n.own_oid, n.dot, n.pre, n.sch, c.oid AS rel, c.relname, n.pre || c.relname AS name, n.sch || '.' || quote_ident(c.relname) AS q, c.relkind, c.relpersistence, c.reloptions,
      c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relhassubclass, c.relam, c.relreplident, c.reloftype, c.relacl, c.relowner, c.relispopulated,
      c.relname = ANY (${excluded(scope.exceptTables)}) OR ${ignored(scope.ignore, relationKind, '(n.pre || c.relname)')} AS passed
    FROM pg_class c JOIN ns n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.relpersistence <> 't'),
  rel AS MATERIALIZED (
    SELECT f.*, f.relkind IN ('r', 'f') AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = f.rel) AS inherits FROM found f
    WHERE NOT f.passed AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_class'::regclass AND e.objid = f.rel)
      AND NOT (f.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d JOIN found p ON p.rel = d.refobjid AND p.passed
        WHERE d.classid = 'pg_class'::regclass AND d.objid = f.rel AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))),
  con AS MATERIALIZED (
    SELECT r.t, r.own_oid, r.dot, r.name, r.q, k.oid, k.conname, k.contype, k.confrelid, k.conindid, k.convalidated, k.conparentid, k.coninhcount, k.conislocal
    FROM rel r, LATERAL (SELECT k.* FROM pg_constraint k WHERE k.conrelid = r.rel AND k.contype IN ('p', 'u', 'f', 'c', 'x') OFFSET 0) k WHERE r.relkind IN ('r', 'p', 'f')),
  note AS MATERIALIZED (SELECT d.classoid, d.objoid, d.objsubid, d.description FROM pg_description d WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass),
  objects AS (${branches.map((branch) => (made ? makeObjects(branch) : readObjects(branch))).join('\n  UNION ALL ')}),
  counted AS (SELECT * FROM objects x WHERE x.kind = ANY (ARRAY[${scope.kinds.map(quoteLiteral).join(', ')}]::text[]) AND NOT ${ignored(scope.ignore, 'x.kind', 'x.name')})
  ${made ? creations : pictures(wanted)}`
}

function readObjects({ target, kind, name, of, plain, defs, body, from }: Branch): string {
  return `SELECT ${target} AS t, ${kind} AS kind, (${name})::text AS name, (${of})::text AS of, ${properties(plain)} AS plain, ${properties(defs ?? [])} AS defs,
    ${properties(body ? [body] : [])} AS body FROM ${from}`
}

function makeObjects({ target, kind, name, of, make, body, from, address }: Branch): string {
  return `SELECT ${target} AS t, ${kind} AS kind, (${name})::text AS name, (${of})::text AS of, ${make} AS defs, ${body ? body[1] : 'NULL'} AS body,
    (${address[0]})::regclass::oid AS class, ${address[1]} AS oid FROM ${from}`
}

function pictures(wanted: Wanted): string {
  // Sorted, since the server keeps a few compiled patterns only, and each schema has its own.
  const lines = `named AS MATERIALIZED (SELECT x.*, strpos(x.defs, w.needle) > 0 OR strpos(x.body, w.needle) > 0 AS named FROM counted x JOIN asks w ON w.t = x.t),
  lines AS MATERIALIZED (
    SELECT x.t, x.kind, x.name, x.of, concat_ws(${propertyEnd}, x.plain, x.defs, x.body) AS properties FROM named x WHERE x.named IS NOT TRUE
    UNION ALL SELECT w.t, w.kind, w.name, w.of, concat_ws(${propertyEnd}, w.plain, ${ownSql('w.defs')}, ${ownBody('w.text')})
      FROM (SELECT x.kind, x.name, x.of, x.plain, x.defs, x.body AS text, w.* FROM named x JOIN asks w ON w.t = x.t WHERE x.named ORDER BY x.t OFFSET 0) w)`
  const hash = `encode(sha256(convert_to(coalesce(string_agg(concat_ws(${statementEnd}, l.kind, l.name, coalesce(l.of, ''), l.properties), ${statementEnd}
    ORDER BY l.kind COLLATE "C", l.name COLLATE "C"), ''), 'UTF8')), 'hex')`
  return wanted === 'hashes'
    ? `, ${lines} SELECT w.t, ${hash} AS hash, w.own_oid::int8::text AS own FROM asks w LEFT JOIN lines l ON l.t = w.t GROUP BY w.t, w.own_oid`
    : `, ${lines} SELECT NULL AS kind, ${hash} AS name, NULL AS of, NULL AS properties FROM lines l
       UNION ALL SELECT l.kind, l.name, l.of, l.properties FROM lines l`
}

const creations = `SELECT x.kind, x.name, x.of, x.class::int8::text AS class, x.oid::int8::text AS oid,
    CASE WHEN x.body IS NULL THEN ${ownSql('x.defs', 'made')} ELSE replace(${ownSql('x.defs', 'made')}, ${bodyPlace}, 
      (SELECT tag || made || tag FROM (SELECT ${ownBody('x.body', 'made')} AS made) b, LATERAL (SELECT '$' || repeat('b', n) || '$' AS tag FROM generate_series(1, 50) n WHERE strpos(made, '$' || repeat('b', n) || '$') = 0 LIMIT 1) q)) END AS statements
  FROM counted x JOIN asks w ON w.t = x.t WHERE x.defs IS NOT NULL`
