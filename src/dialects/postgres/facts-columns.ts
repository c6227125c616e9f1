import type { ColumnFacts, ObjectName } from '../../model/statement-facts.ts'
import { branch, branches, nameParts, type Tree, walk, word } from './tree.ts'

/** The manual's spelling of types that the grammar renames. */
const spelled: Record<string, string> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  bool: 'boolean',
  bpchar: 'char',
  float4: 'real',
  float8: 'double precision',
}

const sequenceTypes = new Set(['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8'])

export function nameOfRelation(relation: Tree): ObjectName {
  const schema = word(relation, 'schemaname')
  return { schema: schema === 'public' ? null : schema, name: word(relation, 'relname') ?? '' }
}

export function nameOfParts(parts: readonly string[]): ObjectName {
  const schema = parts.at(-2) ?? null
  return { schema: schema === 'public' ? null : schema, name: parts.at(-1) ?? '' }
}

/** A type in the manual's spelling: `varchar(20)`, `integer[]`. */
export function showType(type: Tree): string {
  const parts = nameParts(branches(type, 'names')).filter((part) => part !== 'pg_catalog' && part !== 'public')
  const name = parts.join('.')
  const sizes = branches(type, 'typmods').map(
    (size) => branch(branch(size, 'A_Const'), 'ival').ival ?? ('A_Const' in size ? 0 : '?'),
  )
  // `char` is written as char(1) by the grammar; an interval's fields are no sizes.
  const size = sizes.length === 0 || name === 'interval' ? '' : `(${sizes.join(',')})`
  return `${spelled[name] ?? name}${size}${branches(type, 'arrayBounds').length > 0 ? '[]' : ''}`
}

/** Functions of the server that give another value at each call. */
const volatileFunctions = new Set(
  `random random_normal gen_random_uuid uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes
  clock_timestamp timeofday nextval setval currval lastval pg_sleep`.split(/\s+/),
)

/** Functions of the server that give the same value all through one statement. */
const steadyFunctions = new Set(
  `now transaction_timestamp statement_timestamp date_trunc date_part to_char to_date to_timestamp to_number lower upper
  md5 sha256 length coalesce concat concat_ws format replace trim btrim ltrim rtrim substring left right jsonb_build_object
  json_build_object jsonb_build_array json_build_array to_json to_jsonb array_to_json int4range tstzrange tsrange
  daterange make_interval make_date make_time age current_setting current_schema current_database current_user
  session_user uuid_nil timezone power sqrt abs round floor ceil ceiling point box inet cidr pg_backend_pid txid_current
  pg_current_xact_id encode decode digest crypt`.split(/\s+/),
)

/** How far the value of a default can be known when the column is added. */
function judgeDefault(expression: Tree): ColumnFacts['default'] {
  let found: ColumnFacts['default'] = 'constant'
  for (const { type, node } of walk(expression)) {
    if (type === 'SQLValueFunction' && found === 'constant') found = 'stable'
    if (type !== 'FuncCall') continue
    const parts = nameParts(branches(node, 'funcname'))
    const name = parts.at(-1) ?? ''
    if (volatileFunctions.has(name)) return name === 'nextval' ? 'sequence' : 'volatile'
    if (!steadyFunctions.has(name)) found = 'unknown'
    else if (found === 'constant') found = 'stable'
  }
  return found
}

export function constraintsOf(column: Tree): Tree[] {
  return branches(column, 'constraints').map((item) => branch(item, 'Constraint'))
}

export function readColumn(column: Tree): ColumnFacts {
  const type = branch(column, 'typeName')
  const facts: ColumnFacts = {
    name: word(column, 'colname') ?? '',
    type: showType(type),
    notNull: false,
    default: sequenceTypes.has(nameParts(branches(type, 'names')).at(-1) ?? '') ? 'sequence' : 'none',
    generated: 'no',
  }
  if (facts.default === 'sequence') facts.notNull = true
  for (const constraint of constraintsOf(column)) {
    switch (word(constraint, 'contype')) {
      case 'CONSTR_NOTNULL':
      case 'CONSTR_PRIMARY':
        facts.notNull = true
        break
      case 'CONSTR_DEFAULT': {
        const expression = branch(constraint, 'raw_expr')
        const isNull = branch(expression, 'A_Const').isnull === true
        facts.default = isNull ? 'none' : judgeDefault(expression)
        break
      }
      case 'CONSTR_IDENTITY':
        facts.default = 'sequence'
        facts.notNull = true
        break
      case 'CONSTR_GENERATED':
        facts.generated = word(constraint, 'generated_kind') === 'v' ? 'virtual' : 'stored'
        break
    }
  }
  return facts
}

/** Families of types that hold texts, from short to long: a longer one takes what a shorter one holds as it is. */
const sized = /^(varchar|varbit|numeric)(?:\((\d+)(?:,(\d+))?\))?$/

/**
 * From the notes of ALTER TABLE and the casts that PostgreSQL calls binary coercible, and the length functions that it
 * can leave out (varchar, varbit, numeric with the same scale, and time stamps with more digits).
 */
export function keepsRows(from: string, to: string): boolean | null {
  if (from === to) return true
  const [old, next] = [sized.exec(from), sized.exec(to)]
  if (old && next && old[1] === next[1]) {
    if (next[2] === undefined) return true
    if (old[2] === undefined) return false
    return Number(next[2]) >= Number(old[2]) && (old[3] ?? '0') === (next[3] ?? '0')
  }
  const isText = (type: string) => type === 'text' || type === 'varchar'
  if ((isText(from) || old?.[1] === 'varchar') && isText(to)) return true
  if (from === 'citext' && isText(to)) return true
  if (from === 'cidr' && to === 'inet') return true
  const stamp = /^(timestamp|timestamptz|time|timetz)(?:\((\d)\))?$/
  const [before, after] = [stamp.exec(from), stamp.exec(to)]
  if (before && after && before[1] === after[1]) return Number(after[2] ?? 6) >= Number(before[2] ?? 6)
  // A domain or a type of the team's own: its definition decides.
  const known =
    /^(smallint|integer|bigint|boolean|char|real|double precision|varchar|varbit|numeric|text|timestamptz?|timetz?|date|uuid|jsonb?|bytea|inet|cidr|interval|money|xml|bit|citext)(\(|\[|$)/
  return known.test(from) && known.test(to) ? false : null
}
