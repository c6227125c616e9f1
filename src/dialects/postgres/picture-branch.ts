import type { ObjectKind } from '../../model/picture.ts'
import { own } from './picture-own.ts'

/**
 * One kind of objects as a query over the catalog. Its `from` may use `ns` (the schemas looked at), `rel` (their
 * relations, without those that are passed over), `con` (constraints of those), `ext` (what belongs to extensions).
 */
export interface Branch {
  kinds: readonly ObjectKind[]
  from: string
  /** SQL: number of the target in the question. */
  target: string
  /** SQL; a constant where there is only one kind. */
  kind: string
  name: string
  of: string
  /** Properties as they are. */
  plain: readonly Property[]
  /** Properties that the server writes as SQL, and that may name the target's own schema. */
  defs?: readonly Property[]
  /** Property that somebody wrote as the text of a function. */
  body?: Property
  /** SQL: what makes it, statements joined by {@link statementEnd}; {@link bodyPlace} is where the body goes. NULL: it comes with another. */
  make: string
  /** SQL: class and oid, by which dependencies know it. */
  address: readonly [string, string]
}

/** SQL expression; NULL: it has no such property. */
export type Property = readonly [name: string, value: string]

/** Of a property's name; of a property; of a statement; where a body goes. None of them is in a name that people give. */
export const nameEnd = `E'\\x1f'`
export const propertyEnd = `E'\\x1e'`
export const statementEnd = `E'\\x1d'`
export const bodyPlace = `E'\\x02'`

export function properties(list: readonly Property[]): string {
  if (list.length === 0) return 'NULL'
  return `nullif(concat_ws(${propertyEnd}, ${list.map(([name, value]) => `'${name}' || ${nameEnd} || (${value})`).join(', ')}), '')`
}

export const yesNo = (condition: string) => `CASE WHEN ${condition} THEN 'yes' ELSE 'no' END`
export const ifSo = (condition: string, value: string) => `CASE WHEN ${condition} THEN ${value} END`

/** SQL: a type's name, of which the schema is known to come first. */
export const ownType = (type: string, dot: string) =>
  `CASE WHEN starts_with(${type}, ${dot}) THEN ${own} || substr(${type}, length(${dot})) ELSE ${type} END`

/** SQL: elements of a text array in the order of their letters. */
export const sorted = (array: string) => `(SELECT string_agg(o, ', ' ORDER BY o COLLATE "C") FROM unnest(${array}) o)`

/** SQL: types of the arguments of a function `p`, without the schema (`dot`: its quoted name and a dot). */
export const argumentTypes = (
  dot: string,
) => `CASE WHEN strpos(oidvectortypes(p.proargtypes), ${dot}) = 0 THEN oidvectortypes(p.proargtypes) ELSE
  (SELECT string_agg(CASE WHEN starts_with(f, ${dot}) THEN substr(f, length(${dot}) + 1) ELSE f END, ', ' ORDER BY o)
    FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(x, o), LATERAL (SELECT format_type(x, NULL) AS f OFFSET 0) v) END`

/** SQL: a function `p` that somebody made: no extension did, and no range type (those are in the internal language). */
export const ordinaryProgram = `NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
  AND NOT EXISTS (SELECT FROM pg_language x WHERE x.oid = p.prolang AND x.lanname = 'internal' AND p.prokind <> 'a')`
