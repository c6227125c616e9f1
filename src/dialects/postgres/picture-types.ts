import { type Branch, ownType, yesNo } from './picture-branch.ts'

const types = (
  typtype: string,
) => `(SELECT y.*, n.t, n.pre, n.dot, n.sch, n.pre || y.typname AS name, n.sch || '.' || quote_ident(y.typname) AS q
  FROM pg_type y JOIN ns n ON n.oid = y.typnamespace
  WHERE y.typtype = '${typtype}' AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_type'::regclass AND e.objid = y.oid)) y`

const labels = `(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid)`

const attributes = `(SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> b.typcollation THEN 'COLLATE ' || a.attcollation::regcollation::text END), ', ' ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid WHERE a.attrelid = r.rel AND a.attnum > 0 AND NOT a.attisdropped)`

const range = `concat_ws(', ', 'subtype = ' || format_type(g.rngsubtype, NULL),
  (SELECT 'subtype_opclass = ' || CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(o.opcname) FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = g.rngsubopc AND NOT o.opcdefault),
  (SELECT 'collation = ' || g.rngcollation::regcollation::text FROM pg_type b WHERE b.oid = g.rngsubtype AND b.typcollation <> g.rngcollation),
  (SELECT 'multirange_type_name = ' || y.sch || '.' || quote_ident(m.typname) FROM pg_type m WHERE m.oid = g.rngmultitypid),
  'canonical = ' || nullif(g.rngcanonical::oid, 0)::regproc::text, 'subtype_diff = ' || nullif(g.rngsubdiff::oid, 0)::regproc::text)`

const domainDefault = 'pg_get_expr(y.typdefaultbin, 0)'
const domainCollation = `(SELECT y.typcollation::regcollation::text FROM pg_type b WHERE b.oid = y.typbasetype AND b.typcollation <> y.typcollation)`

export const typeBranches = (): Branch[] => [
  {
    kinds: ['enum'],
    from: types('e'),
    target: 'y.t',
    kind: `'enum'`,
    name: 'y.name',
    of: 'NULL',
    plain: [['labels', `coalesce(${labels}, '')`]],
    make: `'CREATE TYPE ' || y.q || ' AS ENUM (' || coalesce(${labels}, '') || ')'`,
    address: [`'pg_type'`, 'y.oid'],
  },
  {
    kinds: ['domain'],
    from: types('d'),
    target: 'y.t',
    kind: `'domain'`,
    name: 'y.name',
    of: 'NULL',
    plain: [
      ['type', ownType('format_type(y.typbasetype, y.typtypmod)', 'y.dot')],
      ['nullable', yesNo('NOT y.typnotnull')],
    ],
    defs: [
      ['default', domainDefault],
      ['collation', domainCollation],
    ],
    make: `concat('CREATE DOMAIN ', y.q, ' AS ', format_type(y.typbasetype, y.typtypmod), ' COLLATE ' || ${domainCollation}, ' DEFAULT ' || ${domainDefault}, CASE WHEN y.typnotnull THEN ' NOT NULL' END)`,
    address: [`'pg_type'`, 'y.oid'],
  },
  {
    kinds: ['check'],
    from: `(SELECT y.*, k.oid AS con, k.conname, k.convalidated, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS def
      FROM ${types('d')} JOIN pg_constraint k ON k.contypid = y.oid AND k.contype = 'c' OFFSET 0) y`,
    target: 'y.t',
    kind: `'check'`,
    name: `y.name || '.' || y.conname`,
    of: 'y.name',
    plain: [['validated', yesNo('y.convalidated')]],
    defs: [['definition', 'y.def']],
    make: `concat('ALTER DOMAIN ', y.q, ' ADD CONSTRAINT ', quote_ident(y.conname), ' ', y.def, CASE WHEN NOT y.convalidated THEN ' NOT VALID' END)`,
    address: [`'pg_constraint'`, 'y.con'],
  },
  {
    kinds: ['composite'],
    from: `rel r WHERE r.relkind = 'c'`,
    target: 'r.t',
    kind: `'composite'`,
    name: 'r.name',
    of: 'NULL',
    plain: [],
    defs: [['attributes', `coalesce(${attributes}, '')`]],
    make: `concat('CREATE TYPE ', r.q, ' AS (', ${attributes}, ')')`,
    address: [`'pg_class'`, 'r.rel'],
  },
  {
    kinds: ['range'],
    from: `${types('r')} JOIN pg_range g ON g.rngtypid = y.oid`,
    target: 'y.t',
    kind: `'range'`,
    name: 'y.name',
    of: 'NULL',
    plain: [],
    defs: [['definition', range]],
    make: `concat('CREATE TYPE ', y.q, ' AS RANGE (', ${range}, ')')`,
    address: [`'pg_type'`, 'y.oid'],
  },
]
