import type { HealthQuestion } from '../../model/health.ts'
import type { FoundSchema } from './picture-schemas.ts'
import { quoteLiteral } from './quote.ts'

/** A schema, the target that it is looked at for, and whether that one is shared. */
export interface AskedSchema extends FoundSchema {
  shared: boolean
}

/**
 * Schemas, and tables in them that some migration may have made. `pre`: what names of another schema than the target's
 * own begin with.
 */
function tables(schemas: readonly AskedSchema[], { exceptTables }: HealthQuestion): string {
  const list = JSON.stringify(schemas.map(({ target, oid, own, shared }) => ({ t: target, oid, own, shared })))
  return `s AS MATERIALIZED (
    SELECT e.t, n.oid, e.shared, CASE WHEN n.nspname = e.own::name THEN '' ELSE n.nspname || '.' END AS pre, n.nspname
    FROM json_to_recordset(${quoteLiteral(list)}) AS e(t int, oid oid, own text, shared boolean) JOIN pg_namespace n ON n.oid = e.oid),
  rel AS MATERIALIZED (
    SELECT s.t, s.shared, s.pre, s.nspname, c.oid, c.relname, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity
    FROM s JOIN pg_class c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p')
    WHERE c.relname <> ALL (ARRAY(SELECT json_array_elements_text(${quoteLiteral(JSON.stringify(exceptTables))}))::name[])
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))`
}

/** SQL: a policy `p` holds for whoever asks. */
const holdsForUs =
  "(p.polroles = ARRAY[0]::oid[] OR EXISTS (SELECT FROM unnest(p.polroles) g(r) WHERE g.r = 0 OR pg_has_role(g.r, 'USAGE')))"

/** SQL: the expression is the constant `true`; asked of the tree, since writing it as text would lock its table. */
const isTrue = (tree: string) => `${tree}::text ~ '^\\{CONST :consttype 16 .*:constvalue 1 \\[ 1 '`

/** Findings as rows `t, rule, object, a, b, c`; no table is locked for it. */
export function healthQuestion(schemas: readonly AskedSchema[], question: HealthQuestion): string {
  const { sharedTables } = question
  const parts = [
    `SELECT r.t, 'invalid-index' AS rule, r.pre || i.relname AS object, r.pre || r.relname AS a,
      CASE WHEN EXISTS (SELECT FROM pg_stat_progress_create_index g WHERE g.index_relid = i.oid) THEN 'building' ELSE i.relkind::text END AS b,
      quote_ident(r.nspname) || '.' || quote_ident(i.relname) AS c
    FROM rel r JOIN pg_index x ON x.indrelid = r.oid AND NOT (x.indisvalid AND x.indisready AND x.indislive) JOIN pg_class i ON i.oid = x.indexrelid`,
    // NOT ENFORCED (PostgreSQL 18) says that nobody wants it checked.
    `SELECT r.t, 'not-valid-constraint', r.pre || r.relname || '.' || k.conname,
      CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'n' THEN 'NOT NULL' ELSE 'check' END, quote_ident(k.conname),
      quote_ident(r.nspname) || '.' || quote_ident(r.relname)
    FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid AND NOT k.convalidated AND k.conparentid = 0
    WHERE coalesce((to_jsonb(k)->>'conenforced')::boolean, true) AND (k.conislocal OR NOT r.relispartition)`,
    `SELECT s.t, 'not-valid-constraint', s.pre || y.typname || '.' || k.conname, 'domain', quote_ident(k.conname),
      quote_ident(s.nspname) || '.' || quote_ident(y.typname)
    FROM s JOIN pg_type y ON y.typnamespace = s.oid AND y.typtype = 'd' JOIN pg_constraint k ON k.contypid = y.oid AND NOT k.convalidated`,
    `SELECT r.t, 'hidden-rows', r.pre || r.relname, current_user::text, r.relforcerowsecurity::text, NULL
    FROM rel r WHERE r.relrowsecurity AND row_security_active(r.oid)
      AND (NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid AND p.polpermissive AND p.polcmd = '*' AND ${holdsForUs} AND ${isTrue('p.polqual')})
        OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid AND NOT p.polpermissive AND ${holdsForUs}))`,
    ...(sharedTables === null
      ? []
      : [
          `SELECT r.t, 'tenant-column', r.pre || r.relname || '.' || a.attname, nullif(concat_ws(',', CASE WHEN NOT a.attnotnull THEN 'nullable' END,
        CASE WHEN NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = r.oid AND x.indisvalid AND x.indpred IS NULL AND x.indkey[0] = a.attnum) THEN 'unindexed' END,
        CASE WHEN NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)) THEN 'unreferenced' END), ''),
        ${sharedTables.rowLevelSecurity ? `CASE WHEN NOT r.relrowsecurity THEN 'off' WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid) THEN 'empty' END` : 'NULL'}, NULL
      FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = ${quoteLiteral(sharedTables.column)}::name AND a.attnum > 0 AND NOT a.attisdropped
      WHERE r.shared AND NOT r.relispartition AND r.relname <> ALL (ARRAY(SELECT json_array_elements_text(${quoteLiteral(JSON.stringify(sharedTables.except))}))::name[])`,
        ]),
  ]
  return `WITH ${tables(schemas, question)} SELECT * FROM (${parts.join('\n    UNION ALL ')}) f ORDER BY f.t, f.rule COLLATE "C", f.object COLLATE "C"`
}

/** Larger than this, a column without an index is not read whole for its maximum. */
const mostUnindexedBytes = 64 * 1024 * 1024

/**
 * Columns of whole numbers that a sequence fills, in tables that have rows, of which we may see all and look at both.
 * Where a policy would be asked, nothing is: it may call functions of the tenant's.
 */
export function sequencesQuestion(schemas: readonly AskedSchema[], question: HealthQuestion): string {
  const first = '(SELECT FROM pg_index x WHERE x.indrelid = r.oid AND x.indisvalid AND x.indkey[0] = a.attnum'
  return `WITH ${tables(schemas, question)},
  u AS (
    SELECT r.oid AS rel, d.objid AS seq, d.refobjsubid AS att FROM rel r JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
      AND d.refobjsubid > 0 AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    UNION
    SELECT r.oid, d.refobjid, f.adnum FROM rel r JOIN pg_attrdef f ON f.adrelid = r.oid
      JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n')
  SELECT r.t, r.pre || r.relname || '.' || a.attname AS object, r.nspname AS schema, r.relname AS table, a.attname AS column,
    n.nspname AS "sequenceSchema", c.relname AS sequence, q.seqincrement::text AS step,
    EXISTS ${first} AND x.indisunique AND x.indnkeyatts = 1) AS "isUnique"
  FROM u JOIN rel r ON r.oid = u.rel JOIN pg_class c ON c.oid = u.seq AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence q ON q.seqrelid = c.oid AND NOT q.seqcycle
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = u.att AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
  WHERE NOT r.relispartition AND NOT row_security_active(r.oid)
    AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(r.oid, a.attnum, 'SELECT')
    AND (EXISTS ${first}) OR r.relkind = 'r' AND pg_relation_size(r.oid) < ${mostUnindexedBytes})
    AND (r.relkind = 'p' OR pg_relation_size(r.oid) > 0)
  ORDER BY 1, 2`
}

/**
 * Looks at sequences of a list in the setting `tenantry.ask`, each beside the furthest value of its column. Those that
 * would give a value that is not beyond it are put into `tenantry.answer`, by their number in the list. A table that is
 * gone, or locked for longer than we wait, is passed over.
 */
export const sequencesLook = `DO $tenantry$
DECLARE
  ask json := current_setting('tenantry.ask')::json; e json; o int8; furthest numeric; at numeric; next numeric; called boolean;
  answer json[] := '{}';
BEGIN
  FOR e, o IN SELECT * FROM json_array_elements(ask) WITH ORDINALITY LOOP
    BEGIN
      EXECUTE format('SELECT (SELECT %s(%I) FROM %I.%I), last_value, is_called FROM %I.%I',
        CASE WHEN left(e->>'step', 1) = '-' THEN 'min' ELSE 'max' END, e->>'column', e->>'schema', e->>'table', e->>'sequenceSchema', e->>'sequence')
        INTO furthest, at, called;
    EXCEPTION WHEN OTHERS THEN CONTINUE;
    END;
    next := CASE WHEN called THEN at + (e->>'step')::numeric ELSE at END;
    IF furthest IS NOT NULL AND (CASE WHEN left(e->>'step', 1) = '-' THEN next >= furthest ELSE next <= furthest END) THEN
      answer := answer || json_build_object('at', o - 1, 'furthest', furthest::text, 'next', next::text);
    END IF;
  END LOOP;
  PERFORM set_config('tenantry.answer', array_to_json(answer)::text, true);
END $tenantry$`
