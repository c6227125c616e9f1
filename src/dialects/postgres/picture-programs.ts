import {
  argumentTypes,
  type Branch,
  bodyPlace,
  ifSo,
  ordinaryProgram,
  sorted,
  statementEnd,
  yesNo,
} from './picture-branch.ts'
import { own } from './picture-own.ts'

const roles = (oids: string) =>
  `(SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ' ORDER BY CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END COLLATE "C") FROM unnest(${oids}) o)`

const command = `CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END`
const enabled = (value: string) =>
  `CASE ${value} WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas' ELSE 'always' END`
const alterEnabled = (value: string, what: string, name: string) =>
  `'ALTER TABLE ' || r.q || CASE ${value} WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA' WHEN 'A' THEN ' ENABLE ALWAYS' END || ' ${what} ' || quote_ident(${name})`

const viewDefaults = `(SELECT string_agg(quote_ident(a.attname) || ' ' || pg_get_expr(d.adbin, 0), ', ' ORDER BY a.attname)
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = r.rel)`

/** SQL text after CREATE [OR REPLACE] FUNCTION and up to the body. */
const functionHead = `regexp_replace(left(p.made, strpos(p.made, E'\\nAS $') - 1), '^CREATE OR REPLACE ', 'CREATE ')`

export const programBranches = (): Branch[] => [
  {
    kinds: ['view', 'materialized-view'],
    from: `(SELECT r.*, rtrim(pg_get_viewdef(r.rel), ';') AS def FROM rel r WHERE r.relkind IN ('v', 'm') OFFSET 0) r`,
    target: 'r.t',
    kind: `CASE r.relkind WHEN 'v' THEN 'view' ELSE 'materialized-view' END`,
    name: 'r.name',
    of: 'NULL',
    plain: [['options', sorted('r.reloptions')]],
    defs: [
      ['definition', `btrim(r.def, E' \\n')`],
      ['defaults', ifSo(`r.relkind = 'v'`, viewDefaults)],
    ],
    make: `concat_ws(${statementEnd}, concat('CREATE ', CASE r.relkind WHEN 'm' THEN 'MATERIALIZED ' END, 'VIEW ', r.q, ' WITH (' || array_to_string(r.reloptions, ', ') || ')', ' AS', E'\\n', r.def,
        CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN ' WITH NO DATA' END),
      (SELECT string_agg(concat('ALTER VIEW ', r.q, ' ALTER COLUMN ', quote_ident(a.attname), ' SET DEFAULT ', pg_get_expr(d.adbin, 0)), ${statementEnd})
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = r.rel))`,
    address: [`'pg_class'`, 'r.rel'],
  },
  {
    kinds: ['function', 'procedure', 'aggregate'],
    from: `(SELECT p.*, n.t, n.pre, n.sch, l.lanname, CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END AS text, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS made, pg_get_function_arguments(p.oid) AS arguments, ${argumentTypes('n.dot')} AS types
      FROM pg_proc p JOIN ns n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
      WHERE ${ordinaryProgram} OFFSET 0) p LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid`,
    target: 'p.t',
    kind: `CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END`,
    name: `p.pre || p.proname || '(' || p.types || ')'`,
    of: 'NULL',
    plain: [
      ['language', ifSo(`p.prokind <> 'a'`, 'p.lanname::text')],
      ['volatility', `CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END`],
      ['security', `CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END`],
      ['strict', ifSo('p.proisstrict', `'yes'`)],
      ['window', ifSo(`p.prokind = 'w'`, `'yes'`)],
      ['leakproof', ifSo('p.proleakproof', `'yes'`)],
      ['parallel', ifSo(`p.proparallel <> 'u'`, `CASE p.proparallel WHEN 's' THEN 'safe' ELSE 'restricted' END`)],
      ['cost', ifSo(`p.procost <> CASE WHEN p.lanname IN ('internal', 'c') THEN 1 ELSE 100 END`, 'p.procost')],
      ['rows', ifSo('p.proretset AND p.prorows <> 1000', 'p.prorows')],
      ['library', 'p.probin'],
      [
        'settings',
        `(SELECT string_agg(CASE WHEN starts_with(o, 'search_path=') THEN regexp_replace(o, w.setting, '\\1' || ${own}) ELSE o END, ', ' ORDER BY o COLLATE "C") FROM unnest(p.proconfig) o, asks w WHERE w.t = p.t)`,
      ],
      ['initial', 'g.agginitval'],
    ],
    defs: [
      ['arguments', `p.arguments`],
      ['returns', 'pg_get_function_result(p.oid)'],
      ['sqlBody', ifSo('p.prosqlbody IS NOT NULL', 'pg_get_function_sqlbody(p.oid)')],
      ['state', `g.aggtransfn::regprocedure::text || ' ' || format_type(g.aggtranstype, NULL)`],
      ['final', ifSo('g.aggfinalfn <> 0', 'g.aggfinalfn::regprocedure::text')],
      ['combine', ifSo('g.aggcombinefn <> 0', 'g.aggcombinefn::regprocedure::text')],
    ],
    body: ['body', ifSo(`p.prokind <> 'a'`, 'p.text')],
    make: `CASE WHEN p.prokind = 'a' THEN concat('CREATE AGGREGATE ', p.sch, '.', quote_ident(p.proname), '(', coalesce(nullif(p.arguments, ''), '*'), ') (SFUNC = ', g.aggtransfn::regproc, ', STYPE = ', format_type(g.aggtranstype, NULL),
        ', FINALFUNC = ' || nullif(g.aggfinalfn, 0)::regproc, ', COMBINEFUNC = ' || nullif(g.aggcombinefn, 0)::regproc, ', INITCOND = ' || quote_literal(g.agginitval),
        CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' END, ')')
      WHEN p.prosqlbody IS NOT NULL OR p.probin IS NOT NULL THEN regexp_replace(p.made, '^CREATE OR REPLACE ', 'CREATE ')
      ELSE regexp_replace(${functionHead}, (SELECT w.header FROM asks w WHERE w.t = p.t), '\\1' || ${own}) || E'\\nAS ' || ${bodyPlace} END`,
    address: [`'pg_proc'`, 'p.oid'],
  },
  {
    kinds: ['trigger'],
    from: `rel r JOIN LATERAL (SELECT g.* FROM pg_trigger g WHERE g.tgrelid = r.rel AND NOT g.tgisinternal AND g.tgparentid = 0 OFFSET 0) g ON true`,
    target: 'r.t',
    kind: `'trigger'`,
    name: `r.name || '.' || g.tgname`,
    of: 'r.name',
    plain: [['enabled', enabled('g.tgenabled')]],
    defs: [['definition', 'pg_get_triggerdef(g.oid)']],
    make: `concat_ws(${statementEnd}, pg_get_triggerdef(g.oid), ${alterEnabled('g.tgenabled', 'TRIGGER', 'g.tgname')})`,
    address: [`'pg_trigger'`, 'g.oid'],
  },
  {
    kinds: ['rule'],
    from: `rel r JOIN LATERAL (SELECT w.* FROM pg_rewrite w WHERE w.ev_class = r.rel AND w.rulename <> '_RETURN' OFFSET 0) w ON true`,
    target: 'r.t',
    kind: `'rule'`,
    name: `r.name || '.' || w.rulename`,
    of: 'r.name',
    plain: [['enabled', enabled('w.ev_enabled')]],
    defs: [['definition', 'pg_get_ruledef(w.oid)']],
    make: `concat_ws(${statementEnd}, rtrim(pg_get_ruledef(w.oid), ';'), ${alterEnabled('w.ev_enabled', 'RULE', 'w.rulename')})`,
    address: [`'pg_rewrite'`, 'w.oid'],
  },
  {
    kinds: ['policy'],
    from: `rel r JOIN pg_policy p ON p.polrelid = r.rel`,
    target: 'r.t',
    kind: `'policy'`,
    name: `r.name || '.' || p.polname`,
    of: 'r.name',
    plain: [
      ['command', command],
      ['permissive', yesNo('p.polpermissive')],
      ['roles', roles('p.polroles')],
    ],
    defs: [
      ['using', 'pg_get_expr(p.polqual, p.polrelid)'],
      ['check', 'pg_get_expr(p.polwithcheck, p.polrelid)'],
    ],
    make: `concat('CREATE POLICY ', quote_ident(p.polname), ' ON ', r.q, CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END, ' FOR ', ${command}, ' TO ', ${roles('p.polroles')},
      ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')`,
    address: [`'pg_policy'`, 'p.oid'],
  },
  {
    kinds: ['statistics'],
    from: `rel r JOIN pg_statistic_ext s ON s.stxrelid = r.rel JOIN pg_namespace n ON n.oid = s.stxnamespace`,
    target: 'r.t',
    kind: `'statistics'`,
    name: 'r.pre || s.stxname',
    of: 'r.name',
    plain: [],
    defs: [
      [
        'definition',
        `substr(pg_get_statisticsobjdef(s.oid), length('CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname)) + 2)`,
      ],
    ],
    make: `'CREATE STATISTICS ' || r.sch || '.' || quote_ident(s.stxname) || substr(pg_get_statisticsobjdef(s.oid), length('CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname)) + 1)`,
    address: [`'pg_statistic_ext'`, 's.oid'],
  },
]
