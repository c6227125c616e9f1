import { markPrefix } from '../../model/places.ts'
import { argumentTypes, type Branch, ordinaryProgram, statementEnd } from './picture-branch.ts'
import { quoteLiteral } from './quote.ts'

/** What the own type's name is, without what belongs to a table, an array or another type. */
const namedTypes = `pg_type y JOIN ns n ON n.oid = y.typnamespace LEFT JOIN pg_class yc ON yc.oid = y.typrelid
  WHERE (y.typtype IN ('e', 'd', 'r') OR yc.relkind = 'c') AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_type'::regclass AND e.objid = y.oid)`

const programs = `pg_proc p JOIN ns n ON n.oid = p.pronamespace
  WHERE ${ordinaryProgram}`

const signature = `p.proname || '(' || ${argumentTypes('n.dot')} || ')'`
const statementSignature = `n.sch || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')'`
const programWord = `CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END`
const relationWord = `CASE r.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END`

/**
 * Everything with privileges of its own: what they are, what they would be if nobody had said anything, whose it is. The
 * owner's own are no part of it.
 */
const acls = `(
  SELECT r.t, lower(CASE WHEN r.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END) || ' ' || r.name AS label, r.name AS of, r.relacl AS acl, acldefault(CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END::"char", r.relowner) AS usual, r.relowner AS owner,
      CASE WHEN r.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || r.q AS place, NULL AS cols, NULL AS prefix, 'pg_class' AS class, r.rel AS oid
    FROM rel r WHERE r.relacl IS NOT NULL
  UNION ALL SELECT r.t, 'column ' || r.name || '.' || a.attname, r.name || '.' || a.attname, a.attacl, acldefault('c', r.relowner), r.relowner, 'TABLE ' || r.q, '(' || quote_ident(a.attname) || ')', NULL, 'pg_class', r.rel
    FROM rel r, LATERAL (SELECT a.attname, a.attacl FROM pg_attribute a WHERE a.attrelid = r.rel AND a.attnum > 0 AND a.attacl IS NOT NULL AND NOT a.attisdropped OFFSET 0) a
  UNION ALL SELECT n.t, 'function ' || n.pre || ${signature}, n.pre || ${signature}, p.proacl, acldefault('f', p.proowner), p.proowner, CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || ${statementSignature}, NULL, NULL, 'pg_proc', p.oid
    FROM ${programs} AND p.proacl IS NOT NULL
  UNION ALL SELECT n.t, 'type ' || n.pre || y.typname, n.pre || y.typname, y.typacl, acldefault('T', y.typowner), y.typowner, 'TYPE ' || n.sch || '.' || quote_ident(y.typname), NULL, NULL, 'pg_type', y.oid
    FROM ${namedTypes} AND y.typacl IS NOT NULL
  UNION ALL SELECT n.t, 'schema' || CASE WHEN n.pre = '' THEN '' ELSE ' ' || n.nsp END, NULL, s.nspacl, acldefault('n', s.nspowner), s.nspowner, 'SCHEMA ' || n.sch, NULL, NULL, 'pg_namespace', n.oid
    FROM ns n JOIN pg_namespace s ON s.oid = n.oid WHERE s.nspacl IS NOT NULL
  UNION ALL SELECT n.t, concat_ws(' ', CASE d.defaclobjtype WHEN 'r' THEN 'new tables' WHEN 'S' THEN 'new sequences' WHEN 'f' THEN 'new functions' ELSE 'new types' END, 'of', pg_get_userbyid(d.defaclrole), 'in ' || nullif(rtrim(n.pre, '.'), '')), NULL,
      d.defaclacl, NULL::aclitem[], 0::oid, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES' END, NULL,
      'ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)) || ' IN SCHEMA ' || n.sch || ' ', 'pg_default_acl', d.oid
    FROM pg_default_acl d JOIN ns n ON n.oid = d.defaclnamespace
)`

const rights = (acl: string) =>
  `(SELECT grantee, privilege_type, bool_or(is_grantable) AS passed FROM aclexplode(${acl}) WHERE grantee <> a.owner OR a.owner = 0 GROUP BY 1, 2)`

const listRights = (where: string, extra: string) =>
  `string_agg(privilege_type || ${extra}, ', ' ORDER BY privilege_type) FILTER (WHERE ${where})`
const listed = (where: string) => listRights(where, `coalesce(' ' || a.cols, '')`)

const grant: Branch = {
  kinds: ['grant'],
  from: `(SELECT a.t, a.label, a.of, a.place, a.prefix, a.class, a.oid, x.grantee,
      ${listRights('granted', `CASE WHEN passed THEN ' with grant option' ELSE '' END`)} AS privileges, ${listRights('NOT granted', `''`)} AS revoked,
      ${listed('granted AND NOT passed')} AS given, ${listed('granted AND passed')} AS given_on, ${listed('NOT granted')} AS taken
    FROM ${acls} a, LATERAL (
      SELECT grantee, privilege_type, g.passed, g.passed IS NOT NULL AS granted FROM ${rights('a.acl')} g FULL JOIN ${rights('a.usual')} d USING (grantee, privilege_type)
      WHERE g.passed IS DISTINCT FROM d.passed) x
    GROUP BY a.t, a.label, a.of, a.place, a.cols, a.prefix, a.class, a.oid, x.grantee) a,
    LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END AS role, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS quoted) o`,
  target: 'a.t',
  kind: `'grant'`,
  name: `a.label || ' to ' || o.role`,
  of: 'a.of',
  plain: [
    ['privileges', 'a.privileges'],
    ['revoked', 'a.revoked'],
  ],
  make: `concat_ws(${statementEnd}, ${[
    ['given', 'GRANT', 'TO', ''],
    ['given_on', 'GRANT', 'TO', ' WITH GRANT OPTION'],
    ['taken', 'REVOKE', 'FROM', ''],
  ]
    .map(
      ([list, verb, word, end]) =>
        `concat(a.prefix, '${verb} ') || a.${list} || ' ON ' || a.place || ' ${word} ' || o.quoted || '${end}'`,
    )
    .join(', ')})`,
  address: ['a.class', 'a.oid'],
}

const noted = (catalog: string, oid: string, column = '0') =>
  `JOIN note d ON d.classoid = '${catalog}'::regclass AND d.objoid = ${oid} AND d.objsubid = ${column}`

/** Everything that has a comment, but for whom a schema was made: class, oid, label, what it goes away with, how COMMENT names it. */
const commented = `(
  SELECT r.t, 'pg_class' AS class, r.rel AS oid, lower(${relationWord}) || ' ' || r.name AS label, r.name AS of, ${relationWord} || ' ' || r.q AS place, d.description FROM rel r ${noted('pg_class', 'r.rel')}
  UNION ALL SELECT r.t, 'pg_class', r.rel, 'column ' || r.name || '.' || a.attname, r.name || '.' || a.attname, 'COLUMN ' || r.q || '.' || quote_ident(a.attname), d.description
    FROM rel r JOIN note d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.rel AND d.objsubid > 0 JOIN pg_attribute a ON a.attrelid = r.rel AND a.attnum = d.objsubid
  UNION ALL SELECT r.t, 'pg_class', i.indexrelid, 'index ' || r.pre || c.relname, CASE WHEN EXISTS (SELECT FROM con k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) THEN r.name || '.' ELSE r.pre END || c.relname, 'INDEX ' || r.sch || '.' || quote_ident(c.relname), d.description
    FROM note d JOIN pg_index i ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid JOIN rel r ON i.indrelid = r.rel JOIN pg_class c ON c.oid = i.indexrelid
  UNION ALL SELECT k.t, 'pg_constraint', k.oid, 'constraint ' || k.name || '.' || k.conname, k.name || '.' || k.conname, 'CONSTRAINT ' || quote_ident(k.conname) || ' ON ' || k.q, d.description
    FROM con k ${noted('pg_constraint', 'k.oid')}
  UNION ALL SELECT n.t, 'pg_constraint', k.oid, 'constraint ' || n.pre || y.typname || '.' || k.conname, n.pre || y.typname || '.' || k.conname, 'CONSTRAINT ' || quote_ident(k.conname) || ' ON DOMAIN ' || n.sch || '.' || quote_ident(y.typname), d.description
    FROM pg_constraint k ${noted('pg_constraint', 'k.oid')} JOIN pg_type y ON y.oid = k.contypid AND y.typtype = 'd' JOIN ns n ON n.oid = y.typnamespace
  UNION ALL SELECT r.t, 'pg_trigger', g.oid, 'trigger ' || r.name || '.' || g.tgname, r.name || '.' || g.tgname, 'TRIGGER ' || quote_ident(g.tgname) || ' ON ' || r.q, d.description
    FROM pg_trigger g ${noted('pg_trigger', 'g.oid')} JOIN rel r ON g.tgrelid = r.rel AND NOT g.tgisinternal
  UNION ALL SELECT r.t, 'pg_rewrite', w.oid, 'rule ' || r.name || '.' || w.rulename, r.name || '.' || w.rulename, 'RULE ' || quote_ident(w.rulename) || ' ON ' || r.q, d.description
    FROM pg_rewrite w ${noted('pg_rewrite', 'w.oid')} JOIN rel r ON w.ev_class = r.rel AND w.rulename <> '_RETURN'
  UNION ALL SELECT r.t, 'pg_policy', p.oid, 'policy ' || r.name || '.' || p.polname, r.name || '.' || p.polname, 'POLICY ' || quote_ident(p.polname) || ' ON ' || r.q, d.description
    FROM pg_policy p ${noted('pg_policy', 'p.oid')} JOIN rel r ON p.polrelid = r.rel
  UNION ALL SELECT r.t, 'pg_statistic_ext', s.oid, 'statistics ' || r.pre || s.stxname, r.pre || s.stxname, 'STATISTICS ' || r.sch || '.' || quote_ident(s.stxname), d.description
    FROM pg_statistic_ext s ${noted('pg_statistic_ext', 's.oid')} JOIN rel r ON s.stxrelid = r.rel
  UNION ALL SELECT n.t, 'pg_type', y.oid, 'type ' || n.pre || y.typname, n.pre || y.typname, CASE y.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || n.sch || '.' || quote_ident(y.typname), d.description
    FROM note d CROSS JOIN ${namedTypes} AND d.classoid = 'pg_type'::regclass AND d.objoid = y.oid AND d.objsubid = 0
  UNION ALL SELECT n.t, 'pg_proc', p.oid, 'function ' || n.pre || ${signature}, n.pre || ${signature}, ${programWord} || ' ' || ${statementSignature}, d.description
    FROM note d CROSS JOIN ${programs} AND d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
  UNION ALL SELECT n.t, 'pg_namespace', n.oid, 'schema' || CASE WHEN n.pre = '' THEN '' ELSE ' ' || n.nsp END, NULL, 'SCHEMA ' || n.sch, d.description FROM ns n ${noted('pg_namespace', 'n.oid')}
    WHERE NOT starts_with(d.description, ${quoteLiteral(markPrefix)})
)`

const comment: Branch = {
  kinds: ['comment'],

  from: `${commented} c`,
  target: 'c.t',
  kind: `'comment'`,
  name: 'c.label',
  of: 'c.of',
  plain: [['text', 'c.description']],
  make: `'COMMENT ON ' || c.place || ' IS ' || quote_literal(c.description)`,
  address: ['c.class', 'c.oid'],
}

export const markBranches = (): Branch[] => [grant, comment]
