import { type Branch, ifSo, ownType, sorted, statementEnd, yesNo } from './picture-branch.ts'
import { own } from './picture-own.ts'

/** `CHECK`s of the kind `n` (from PostgreSQL 18 on) are told by the column. */
const contypes: Record<string, string> = { p: 'primary-key', u: 'unique', f: 'foreign-key', c: 'check', x: 'exclusion' }

/** SQL: a relation, qualified, as statements name it; its schema is that of `r` nearly always. */
const parentNames = `(SELECT string_agg(CASE WHEN n.nspname = r.own THEN ${own} ELSE quote_ident(n.nspname) END || '.' || quote_ident(p.relname), ', ' ORDER BY h.inhseqno)
  FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace WHERE h.inhrelid = r.rel)`

const collation = (column: string, type: string) =>
  ifSo(`${column}.attcollation <> ${type}.typcollation`, `${column}.attcollation::regcollation::text`)

const identityOptions = `(SELECT concat_ws(' ', CASE r.attidentity WHEN 'a' THEN 'always' ELSE 'by default' END,
    'start', s.seqstart, 'increment', s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END)
  FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = r.rel AND d.refobjsubid = r.attnum AND d.classid = 'pg_class'::regclass AND d.deptype = 'i' LIMIT 1)`

/** SQL text: a column as CREATE TABLE and ADD COLUMN have it. */
const columnDefinition = `concat_ws(' ', quote_ident(r.attname), r.type, 'COLLATE ' || r.collation,
  CASE r.attgenerated WHEN 's' THEN 'GENERATED ALWAYS AS (' || r.expression || ') STORED' WHEN 'v' THEN 'GENERATED ALWAYS AS (' || r.expression || ') VIRTUAL'
    ELSE 'DEFAULT ' || r.expression END,
  CASE WHEN r.attnotnull THEN 'NOT NULL' END,
  CASE WHEN r.attidentity <> '' THEN (SELECT concat_ws(' ', 'GENERATED', CASE r.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, 'AS IDENTITY (SEQUENCE NAME',
      r.sch || '.' || quote_ident(c.relname), 'START', s.seqstart, 'INCREMENT', s.seqincrement, 'MINVALUE', s.seqmin, 'MAXVALUE', s.seqmax, 'CACHE', s.seqcache,
      CASE WHEN s.seqcycle THEN 'CYCLE' END || ')')
    || CASE WHEN s.seqcycle THEN '' ELSE ')' END
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class c ON c.oid = s.seqrelid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = r.rel AND d.refobjsubid = r.attnum AND d.classid = 'pg_class'::regclass AND d.deptype = 'i' LIMIT 1) END)`

/** A default holds no columns: without its table, that need not be opened for it. */
const expression = `CASE WHEN d.adbin IS NOT NULL THEN pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0::oid ELSE a.attrelid END) END`

/**
 * What a table inherits is told by its parent, unless it is different.
 *
 * @param version of the server: virtual columns and NOT NULL constraints that are not validated came with 18
 */
const columnSource = (
  version: number,
  relations: string,
) => `(SELECT r.t, r.rel, r.name, r.q, r.sch, r.own, r.dot, r.relkind, a.attname, a.attnum, a.attnotnull, a.attidentity, a.attgenerated,
      a.attislocal, a.attstorage, t.typstorage, a.attcompression, ${ownType('format_type(a.atttypid, a.atttypmod)', 'r.dot')} AS type,
      ${collation('a', 't')} AS collation, ${expression} AS expression,
      ${version >= 180000 ? `a.attnotnull AND EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = r.rel AND k.contype = 'n' AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum])` : 'false'} AS unproven
    FROM ${relations} r JOIN LATERAL (SELECT a.* FROM pg_attribute a WHERE a.attrelid = r.rel AND a.attnum > 0 AND NOT a.attisdropped OFFSET 0) a ON true
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p', 'f')
    OFFSET 0) r`

const differsFromParents = `NOT EXISTS (SELECT FROM pg_inherits h JOIN pg_attribute b ON b.attrelid = h.inhparent AND b.attname = r.attname
    LEFT JOIN pg_attrdef e ON e.adrelid = b.attrelid AND e.adnum = b.attnum
  WHERE h.inhrelid = r.rel AND b.attnotnull = r.attnotnull AND pg_get_expr(e.adbin, CASE WHEN b.attgenerated = '' THEN 0::oid ELSE b.attrelid END) IS NOT DISTINCT FROM r.expression)`

const isNextval = (expression: string) =>
  `starts_with(${expression}, 'nextval(''' || replace(r.dot, '''', '''''')) AND ${expression} LIKE '%''::regclass)'`

export const tableBranches = (version: number): Branch[] => [
  {
    kinds: ['table'],
    from: `rel r WHERE r.relkind IN ('r', 'p', 'f')`,
    target: 'r.t',
    kind: `'table'`,
    name: 'r.name',
    of: ifSo(
      'r.relispartition',
      `(SELECT r.pre || p.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = r.rel)`,
    ),
    plain: [
      [
        'foreign',
        `(SELECT quote_ident(s.srvname) || coalesce(' ' || ${sorted('f.ftoptions')}, '') FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = r.rel)`,
      ],
      ['persistence', ifSo(`r.relpersistence = 'u'`, `'unlogged'`)],
      ['inherits', ifSo('r.relhassubclass OR r.relispartition OR r.inherits', parentNames)],
      ['rowSecurity', ifSo('r.relrowsecurity', `'enabled'`)],
      ['forceRowSecurity', ifSo('r.relforcerowsecurity', `'yes'`)],
      ['options', sorted('r.reloptions')],
      ['accessMethod', `(SELECT amname::text FROM pg_am WHERE oid = r.relam AND amname <> 'heap')`],
      [
        'replicaIdentity',
        ifSo(
          `r.relreplident <> 'd'`,
          `CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' ELSE 'index' END`,
        ),
      ],
      ['ofType', ifSo('r.reloftype <> 0', ownType('format_type(r.reloftype, -1)', 'r.dot'))],
    ],
    defs: [
      ['partitionedBy', ifSo(`r.relkind = 'p'`, 'pg_get_partkeydef(r.rel)')],
      ['partition', ifSo('r.relispartition', `(SELECT pg_get_expr(relpartbound, 0) FROM pg_class WHERE oid = r.rel)`)],
    ],
    make: `concat_ws(${statementEnd}, concat_ws(' ', 'CREATE', CASE WHEN r.relpersistence = 'u' THEN 'UNLOGGED' WHEN r.relkind = 'f' THEN 'FOREIGN' END, 'TABLE', r.q,
      CASE WHEN r.relispartition THEN concat_ws(' ', 'PARTITION OF', ${parentNames}, (SELECT '(' || string_agg(quote_ident(r.attname) || CASE WHEN r.expression IS NULL OR r.attgenerated <> '' THEN '' ELSE ' DEFAULT ' || r.expression END
          || CASE WHEN r.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY r.attnum) || ')' FROM ${columnSource(version, '(SELECT r.*)')} WHERE NOT r.attislocal AND r.attgenerated = '' AND ${differsFromParents}),
          (SELECT pg_get_expr(relpartbound, 0) FROM pg_class WHERE oid = r.rel))
        ELSE '(' || coalesce((SELECT string_agg(${columnDefinition}, ', ' ORDER BY r.attnum) FROM ${columnSource(version, '(SELECT r.*)')} WHERE r.attislocal), '') || ')' END,
      CASE WHEN NOT r.relispartition THEN 'INHERITS (' || ${parentNames} || ')' END,
      CASE WHEN r.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(r.rel) END,
      CASE WHEN r.relkind = 'f' THEN (SELECT 'SERVER ' || quote_ident(s.srvname) || coalesce(' OPTIONS (' || (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ') FROM pg_options_to_table(f.ftoptions)) || ')', '')
        FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = r.rel) END,
      (SELECT 'USING ' || quote_ident(amname) FROM pg_am WHERE oid = r.relam AND amname <> 'heap'),
      'WITH (' || array_to_string(r.reloptions, ', ') || ')'),
      CASE WHEN NOT r.relispartition THEN (SELECT string_agg(concat('ALTER TABLE ', r.q, ' ALTER COLUMN ', quote_ident(a.attname), ' SET STORAGE ',
          CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END), ${statementEnd})
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = r.rel AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal AND a.attstorage <> t.typstorage AND r.relkind <> 'f') END,
      CASE WHEN NOT r.relispartition THEN (SELECT string_agg(concat('ALTER TABLE ', r.q, ' ALTER COLUMN ', quote_ident(a.attname), ' SET COMPRESSION ',
          CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END), ${statementEnd})
        FROM pg_attribute a WHERE a.attrelid = r.rel AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal AND a.attcompression <> '') END,
      CASE WHEN r.relrowsecurity THEN 'ALTER TABLE ' || r.q || ' ENABLE ROW LEVEL SECURITY' END,
      CASE WHEN r.relforcerowsecurity THEN 'ALTER TABLE ' || r.q || ' FORCE ROW LEVEL SECURITY' END,
      CASE r.relreplident WHEN 'f' THEN 'ALTER TABLE ' || r.q || ' REPLICA IDENTITY FULL' WHEN 'n' THEN 'ALTER TABLE ' || r.q || ' REPLICA IDENTITY NOTHING' END)`,
    address: [`'pg_class'`, 'r.rel'],
  },
  {
    kinds: ['column'],
    from: `${columnSource(version, 'rel')} WHERE r.attislocal OR ${differsFromParents}`,
    target: 'r.t',
    kind: `'column'`,
    name: `r.name || '.' || r.attname`,
    of: 'r.name',
    plain: [
      ['type', 'r.type'],
      ['nullable', `CASE WHEN r.unproven THEN 'no (not validated)' WHEN r.attnotnull THEN 'no' ELSE 'yes' END`],
      [
        'default',
        ifSo(
          isNextval('r.expression'),
          `'nextval(''' || ${own} || substr(r.expression, 9 + length(replace(r.dot, '''', '''''')))`,
        ),
      ],
      ['identity', ifSo(`r.attidentity <> ''`, identityOptions)],
      [
        'storage',
        ifSo(
          'r.attstorage <> r.typstorage',
          `CASE r.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END`,
        ),
      ],
      ['compression', ifSo(`r.attcompression <> ''`, `CASE r.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END`)],
    ],
    defs: [
      ['default', ifSo(`r.attgenerated = '' AND NOT (${isNextval('r.expression')})`, 'r.expression')],
      [
        'generated',
        ifSo(`r.attgenerated <> ''`, `r.expression || CASE r.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END`),
      ],
      ['collation', 'r.collation'],
    ],
    make: ifSo(
      'r.attislocal',
      `concat_ws(${statementEnd}, concat('ALTER ', CASE WHEN r.relkind = 'f' THEN 'FOREIGN ' END, 'TABLE ', r.q, ' ADD COLUMN ', ${columnDefinition}),
      CASE WHEN r.attstorage <> r.typstorage THEN concat('ALTER TABLE ', r.q, ' ALTER COLUMN ', quote_ident(r.attname), ' SET STORAGE ', CASE r.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END) END,
      CASE WHEN r.attcompression <> '' THEN concat('ALTER TABLE ', r.q, ' ALTER COLUMN ', quote_ident(r.attname), ' SET COMPRESSION ', CASE r.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END) END)`,
    ),
    address: [`'pg_class'`, 'r.rel'],
  },
  {
    kinds: Object.values(contypes) as Branch['kinds'],
    // What a partition or a child has from its parent comes with that.
    from: `(SELECT k.*, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS def, CASE WHEN f.relnamespace = k.own_oid THEN quote_ident(f.relname) END AS target FROM con k LEFT JOIN pg_class f ON k.contype = 'f' AND f.oid = k.confrelid
      WHERE k.conparentid = 0 AND (k.coninhcount = 0 OR k.conislocal) OFFSET 0) k`,
    target: 'k.t',
    kind: `CASE k.contype ${Object.entries(contypes)
      .map(([type, kind]) => `WHEN '${type}' THEN '${kind}'`)
      .join(' ')} END`,
    name: `k.name || '.' || k.conname`,
    of: 'k.name',
    plain: [
      [
        'definition',
        ifSo(
          `k.contype IN ('f', 'p', 'u')`,
          `coalesce(replace(k.def, ' REFERENCES ' || k.dot || k.target || '(', ' REFERENCES ' || ${own} || '.' || k.target || '('), k.def)`,
        ),
      ],
      ['validated', yesNo('k.convalidated')],
      [
        'options',
        ifSo(`k.contype IN ('p', 'u')`, `(SELECT ${sorted('reloptions')} FROM pg_class WHERE oid = k.conindid)`),
      ],
    ],
    defs: [['definition', ifSo(`k.contype IN ('c', 'x')`, 'k.def')]],
    make: `'ALTER TABLE ' || k.q || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' ' || k.def || CASE WHEN k.convalidated OR k.def LIKE '%NOT ENFORCED' THEN '' ELSE ' NOT VALID' END`,
    address: [`'pg_constraint'`, 'k.oid'],
  },
  {
    kinds: ['index'],
    from: `(SELECT r.t, r.pre, r.name, r.q, r.own, r.dot, c.oid AS rel, c.relname, c.relkind, c.reloptions, i.*, m.amname,
        CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR m.amname <> 'btree' THEN pg_get_indexdef(c.oid) END AS def, r.dot || quote_ident(r.relname) AS on_table
      FROM rel r JOIN LATERAL (SELECT i.* FROM pg_index i WHERE i.indrelid = r.rel OFFSET 0) i ON true JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
      WHERE NOT c.relispartition AND NOT EXISTS (SELECT FROM con k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) OFFSET 0) i`,
    target: 'i.t',
    kind: `'index'`,
    name: 'i.pre || i.relname',
    of: 'i.name',
    plain: [
      ['unique', ifSo('i.indisunique', `'yes'`)],
      // Written here: the server would open each table for it, and keep it in memory.
      [
        'definition',
        ifSo(
          'i.def IS NULL',
          `'USING btree (' || (SELECT string_agg(CASE WHEN k.class IS NULL THEN '' ELSE quote_ident(a.attname)
            || CASE WHEN k.coll <> 0 AND k.coll <> a.attcollation THEN ' COLLATE ' || k.coll::regcollation::text ELSE '' END
            || CASE WHEN o.opcdefault THEN '' ELSE ' ' || quote_ident(o.opcname) END
            || CASE k.opt & 3 WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END END, ', ' ORDER BY k.i) FILTER (WHERE k.class IS NOT NULL) || ')'
            || coalesce(' INCLUDE (' || string_agg(quote_ident(a.attname), ', ' ORDER BY k.i) FILTER (WHERE k.class IS NULL) || ')', '')
          FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[]) WITH ORDINALITY k(att, class, coll, opt, i)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att LEFT JOIN pg_opclass o ON o.oid = k.class)`,
        ),
      ],
      ...(version >= 150000 ? [['nulls', ifSo('i.indnullsnotdistinct', `'not distinct'`)] as const] : []),
      ['options', ifSo('i.def IS NULL', sorted('i.reloptions'))],
      ['valid', yesNo('i.indisvalid AND i.indisready')],
    ],
    defs: [['definition', `substr(i.def, strpos(i.def, i.on_table || ' USING ') + length(i.on_table) + 1)`]],
    make: `CASE WHEN i.relkind = 'I' AND i.indisvalid THEN replace(pg_get_indexdef(i.rel), ' ON ONLY ' || i.on_table, ' ON ' || i.on_table) ELSE pg_get_indexdef(i.rel) END`,
    address: [`'pg_class'`, 'i.rel'],
  },
  {
    kinds: ['sequence'],
    from: `(SELECT r.*, s.seqtypid, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
        p.pre || p.relname || '.' || a.attname AS owner, p.q || '.' || quote_ident(a.attname) AS owner_q
      FROM rel r JOIN pg_sequence s ON s.seqrelid = r.rel
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.rel AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
      LEFT JOIN rel p ON p.rel = d.refobjid AND p.t = r.t LEFT JOIN pg_attribute a ON a.attrelid = p.rel AND a.attnum = d.refobjsubid
      -- An identity's is told by its column.
      WHERE r.relkind = 'S' AND d.deptype IS DISTINCT FROM 'i') r`,
    target: 'r.t',
    kind: `'sequence'`,
    name: 'r.name',
    of: 'r.owner',
    plain: [
      ['type', 'format_type(r.seqtypid, NULL)'],
      ['start', 'r.seqstart'],
      ['increment', 'r.seqincrement'],
      ['minimum', 'r.seqmin'],
      ['maximum', 'r.seqmax'],
      ['cache', 'r.seqcache'],
      ['cycle', yesNo('r.seqcycle')],
      ['ownedBy', 'r.owner'],
      ['persistence', ifSo(`r.relpersistence = 'u'`, `'unlogged'`)],
    ],
    make: `concat_ws(${statementEnd}, concat_ws(' ', 'CREATE SEQUENCE', r.q, 'AS', format_type(r.seqtypid, NULL), 'START', r.seqstart, 'INCREMENT', r.seqincrement, 'MINVALUE', r.seqmin, 'MAXVALUE', r.seqmax,
      'CACHE', r.seqcache, CASE WHEN r.seqcycle THEN 'CYCLE' END), 'ALTER SEQUENCE ' || r.q || ' OWNED BY ' || r.owner_q)`,
    address: [`'pg_class'`, 'r.rel'],
  },
]
