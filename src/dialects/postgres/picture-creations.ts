import type { Connection } from '../../model/dialect.ts'
import type { Creation, ObjectKind, PictureObject } from '../../model/picture.ts'

/** In this order where nothing depends on anything; within a kind, the older one first. */
const order: readonly ObjectKind[] = [
  'sequence',
  'enum',
  'domain',
  'composite',
  'range',
  'table',
  'column',
  'check',
  'function',
  'procedure',
  'aggregate',
  'primary-key',
  'unique',
  'exclusion',
  'view',
  'materialized-view',
  'index',
  'foreign-key',
  'statistics',
  'trigger',
  'rule',
  'policy',
  'grant',
  'comment',
]

interface Piece extends Creation {
  of: string | null
  /** `class:oid` of the object that it makes. */
  address: string
  oid: number
  /** Position in {@link order}; ends of sequences come after the tables that own them. */
  rank: number
}

const keyOf = (kind: string, name: string) => `${kind} ${name}`

/** Picks what was asked for, and puts it in an order in which it can be made. */
export async function readCreations(
  connection: Connection,
  rows: readonly Record<string, unknown>[],
  objects: readonly PictureObject[],
): Promise<Creation[]> {
  const asked = new Set(objects.map(({ kind, name }) => keyOf(kind, name)))
  const pieces = rows.flatMap((row) => readPieces(row)).filter((piece) => asked.has(keyOf(piece.kind, piece.name)))
  const needed = pieces.filter(({ kind, of }) => kind !== 'column' || !asked.has(keyOf('table', of ?? '')))
  const sorted = sortPieces(needed, await readDependencies(connection))
  return sorted.map(({ kind, name, statements }) => ({ kind, name, statements }))
}

function readPieces(row: Record<string, unknown>): Piece[] {
  const kind = row.kind as ObjectKind
  const statements = String(row.statements).split('\x1d')
  const piece: Piece = {
    kind,
    name: String(row.name),
    of: row.of === null ? null : String(row.of),
    statements,
    address: `${row.class}:${row.oid}`,
    oid: Number(row.oid),
    // A domain's checks come before it is used: later they would be refused.
    rank: statements[0]?.startsWith('ALTER DOMAIN ') ? order.indexOf('domain') + 0.5 : order.indexOf(kind),
  }
  if (kind !== 'sequence' || statements.length < 2) return [piece]
  const ends = {
    ...piece,
    statements: statements.slice(1),
    address: `end:${row.oid}`,
    rank: order.indexOf('primary-key'),
  }
  return [{ ...piece, statements: statements.slice(0, 1) }, ends]
}

/** Who must be there before whom: pairs of addresses, of which the second is made first. */
async function readDependencies(connection: Connection): Promise<[string, string][]> {
  // Defaults, view rules and row types stand for their relation.
  const place = (classid: string, objid: string) => `CASE ${classid}
      WHEN 'pg_attrdef'::regclass THEN (SELECT 'pg_class'::regclass::oid::int8 || ':' || adrelid::int8 FROM pg_attrdef WHERE oid = ${objid})
      WHEN 'pg_rewrite'::regclass THEN (SELECT CASE WHEN rulename = '_RETURN' THEN 'pg_class'::regclass::oid::int8 || ':' || ev_class::int8 END FROM pg_rewrite WHERE oid = ${objid})
      WHEN 'pg_type'::regclass THEN (SELECT CASE WHEN typrelid <> 0 THEN 'pg_class'::regclass::oid::int8 || ':' || typrelid::int8
          WHEN typelem <> 0 AND typcategory = 'A' THEN (SELECT CASE WHEN b.typrelid <> 0 THEN 'pg_class'::regclass::oid::int8 || ':' || b.typrelid::int8 ELSE 'pg_type'::regclass::oid::int8 || ':' || b.oid::int8 END FROM pg_type b WHERE b.oid = y.typelem)
          ELSE 'pg_type'::regclass::oid::int8 || ':' || oid::int8 END FROM pg_type y WHERE oid = ${objid}) END`
  const rows = await connection.run(
    `SELECT set_config('search_path', '', true); SELECT e.who, e.what FROM (
      SELECT coalesce(${place('d.classid', 'd.objid')}, d.classid::int8 || ':' || d.objid::int8) AS who,
        coalesce(${place('d.refclassid', 'd.refobjid')}, d.refclassid::int8 || ':' || d.refobjid::int8) AS what
      FROM pg_depend d WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'P') AND NOT (d.deptype = 'a' AND d.classid = d.refclassid AND d.classid = 'pg_class'::regclass AND d.refobjsubid > 0
        AND EXISTS (SELECT FROM pg_sequence q WHERE q.seqrelid = d.objid))) e WHERE e.who <> e.what GROUP BY 1, 2`,
  )
  return rows.map(({ who, what }) => [String(who), String(what)])
}

/** What is needed first comes first, else by rank and age. */
function sortPieces(pieces: readonly Piece[], dependencies: readonly [string, string][]): Piece[] {
  const byAddress = new Map<string, Piece[]>()
  const sorted = [...pieces].sort((a, b) => a.rank - b.rank || a.oid - b.oid)
  for (const piece of sorted) byAddress.set(piece.address, [...(byAddress.get(piece.address) ?? []), piece])
  const needs = new Map<string, string[]>()
  for (const [who, what] of dependencies) {
    const list = needs.get(who)
    if (list === undefined) needs.set(who, [what])
    else list.push(what)
  }
  const done = new Set<string>()
  const result: Piece[] = []
  const add = (address: string) => {
    if (done.has(address)) return
    done.add(address)
    for (const what of needs.get(address) ?? []) add(what)
    // Marks and columns share their object's address: they come in their own turn.
    const first = byAddress.get(address)?.[0]
    if (first !== undefined && first.rank <= lastMade) push(first)
  }
  const pushed = new Set<Piece>()
  const push = (piece: Piece) => {
    if (pushed.has(piece)) return
    pushed.add(piece)
    result.push(piece)
  }
  for (const piece of sorted) {
    if (piece.rank <= lastMade) add(piece.address)
    push(piece)
  }
  return result
}

/** From here on nothing is needed by anything else. */
const lastMade = order.indexOf('policy')
