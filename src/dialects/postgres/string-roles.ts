import { callAround, type ObjectKind, type Region, readLiteral } from './sql-regions.ts'

/**
 * What a string constant stands for.
 * `object`: it names an object. `schema`: it is a schema's bare name. `schema-identifier`: a schema's name, read as
 * SQL. `path`: a search path. `execute`: SQL that is run: all of it, a piece, or a template of `format()`. `data`: anything else.
 */
export type StringRole =
  | { role: 'object'; kind: ObjectKind }
  | { role: 'schema' }
  | { role: 'schema-identifier' }
  | { role: 'path' }
  | { role: 'execute'; how: 'whole' | 'piece' | 'template' }
  | { role: 'data' }

const castKinds: Record<string, ObjectKind> = {
  regclass: 'relation',
  regtype: 'type',
  regproc: 'routine',
  regprocedure: 'routine',
  regoper: 'any',
  regoperator: 'any',
  regcollation: 'any',
  regconfig: 'any',
  regdictionary: 'any',
}

const textTypes = new Set(['text', 'name', 'varchar', 'character', 'cstring', 'sql_identifier'])

/** Functions whose arguments name objects: kind, and which arguments (privilege functions may begin with a role). */
const callKinds = new Map<string, { kind: ObjectKind; last: number }>()
const addCalls = (kind: ObjectKind, last: number, names: string): void => {
  for (const name of names.split(' ')) callKinds.set(name, { kind, last })
}
addCalls('relation', 0, 'nextval currval setval to_regclass pg_get_serial_sequence pg_sequence_last_value')
addCalls('relation', 0, 'pg_relation_size pg_table_size pg_total_relation_size pg_indexes_size pg_relation_filenode')
addCalls(
  'relation',
  0,
  'pg_relation_filepath pg_get_viewdef pg_partition_tree pg_partition_ancestors pg_partition_root',
)
addCalls('relation', 0, 'row_security_active pg_relation_is_updatable brin_summarize_new_values')
addCalls('relation', 1, 'has_table_privilege has_sequence_privilege has_any_column_privilege has_column_privilege')
addCalls('type', 0, 'to_regtype')
addCalls('type', 1, 'has_type_privilege')
addCalls('routine', 0, 'to_regproc to_regprocedure pg_get_functiondef')
addCalls('routine', 1, 'has_function_privilege')
addCalls('any', 0, 'to_regoper to_regoperator to_regcollation')

const schemaColumns = new Set(
  (
    'schemaname nspname table_schema sequence_schema constraint_schema routine_schema specific_schema trigger_schema ' +
    'event_object_schema domain_schema udt_schema unique_constraint_schema view_schema schema_name collation_schema ' +
    'foreign_table_schema user_defined_type_schema object_schema constraint_table_schema tg_table_schema current_schema'
  ).split(' '),
)
/** These are a schema's name wherever they stand; the others only where the catalog is read. */
const alwaysSchema = new Set(['tg_table_schema', 'current_schema', 'nspname'])
const comparisons = new Set(['=', '<>', '!=', 'like', 'ilike', '~~'])

export function roleOf(region: Region, i: number): StringRole {
  const cast = castAround(region, i)
  if (cast === 'regnamespace') return { role: 'schema-identifier' }
  if (cast !== null) return { role: 'object', kind: castKinds[cast] ?? 'any' }
  const call = callAround(region, i)
  if (call && isWholeArgument(region, i)) {
    const known = callKinds.get(call.name)
    if (known && call.argument <= known.last) return { role: 'object', kind: known.kind }
    if (call.name === 'to_regnamespace') return { role: 'schema-identifier' }
    if (call.name === 'has_schema_privilege' && call.argument < 2) return { role: 'schema' }
    if (call.name === 'set_config' && call.argument === 1 && isSearchPath(region, i)) return { role: 'path' }
    if (call.name === 'format' && call.argument > 0 && isFormattedSchema(region, i, call.argument)) {
      return { role: 'schema' }
    }
  }
  const column = comparedColumn(region, i)
  if (column !== null && schemaColumns.has(column) && (alwaysSchema.has(column) || readsCatalog(region, i))) {
    return { role: 'schema' }
  }
  return executeRole(region, i)
}

/** Token behind `:: text`, when there is a cast at `k`; else `k`. */
function skipTextCast(region: Region, k: number): number {
  const { ids, words } = region
  if (words[k] !== '::') return k
  const type = words[k + 2] === '.' ? k + 3 : k + 1
  return textTypes.has(ids[type] ?? '') ? type + 1 : k
}

/** The reg… type that a constant is cast to, in any of the four spellings. */
function castAround(region: Region, i: number): string | null {
  const { ids, words } = region
  const registered = (k: number): string | null => {
    const name = words[k + 1] === '.' ? ids[k + 2] : ids[k]
    return name === 'regnamespace' || (name != null && name in castKinds) ? name : null
  }
  let k = skipTextCast(region, i + 1)
  if (words[k] === ')' && words[i - 1] === '(' && region.opens[i] === i - 1) k++
  if (words[k] === '::') return registered(k + 1)
  if (words[i + 1] === 'as' && words[(region.opens[i] ?? 0) - 1] === 'cast') return registered(i + 2)
  // rel regclass := 'x', a column's or a parameter's DEFAULT, x::regclass = 'x'
  if (/^(default|:=|=|<>|!=)$/.test(words[i - 1] ?? '') && (ids[i - 2] ?? '') in castKinds) return ids[i - 2] ?? null
  const before = ids[i - 1] ?? null
  if (before !== null && words[i - 2] !== '::' && words[i - 2] !== 'as') return registered(i - 1)
  return null
}

function isWholeArgument(region: Region, i: number): boolean {
  const before = region.words[i - 1] ?? ''
  const behind = region.words[skipTextCast(region, i + 1)] ?? ''
  return (before === '(' || before === ',') && (behind === ')' || behind === ',')
}

function isSearchPath(region: Region, i: number): boolean {
  const setting = region.tokens[(region.opens[i] ?? 0) + 1]
  return setting !== undefined && readLiteral(setting)?.value.toLowerCase() === 'search_path'
}

/** Is this argument of format() written by `%I` or `%s` right before a dot? */
function isFormattedSchema(region: Region, i: number, argument: number): boolean {
  const template = region.tokens[(region.opens[i] ?? 0) + 1]
  const literal = template && readLiteral(template)
  if (!literal) return false
  let at = 0
  for (const match of literal.value.matchAll(/%(?:(\d+)\$)?(?:-?\d+)?([sIL%])(\.?)/g)) {
    if (match[2] === '%') continue
    at = match[1] ? Number(match[1]) : at + 1
    if (at === argument && match[2] !== 'L' && match[3] === '.') return true
  }
  return false
}

/** The column that a constant is compared with: `=`, `<>`, LIKE, IN (…), = ANY (ARRAY[…]), on either side. */
export function comparedColumn(region: Region, i: number): string | null {
  const { ids, words, opens } = region
  let k = i - 1
  if (words[k] === '(' || words[k] === ',' || words[k] === '[') {
    const open = opens[i] ?? -1
    if (open > 0 && words[open] === '(' && words[open - 1] === 'in') {
      return columnBefore(region, words[open - 2] === 'not' ? open - 3 : open - 2)
    }
    const any = open > 2 && words[open] === '[' ? open - 3 : open - 1
    if (/^(any|all|some)$/.test(words[any] ?? '') && comparisons.has(words[any - 1] ?? '')) {
      return columnBefore(region, any - 2)
    }
  }
  if (words[k] === 'from' && words[k - 1] === 'distinct') {
    return columnBefore(region, words[k - 2] === 'not' ? k - 4 : k - 3)
  }
  if (comparisons.has(words[k] ?? '')) {
    k = words[k - 1] === 'not' ? k - 2 : k - 1
    const column = columnBefore(region, k)
    if (column !== null) return column
  }
  k = skipTextCast(region, i + 1)
  if (words[k] !== '=' && words[k] !== '<>' && words[k] !== '!=') return null
  k++
  while (words[k + 1] === '.') k += 2
  return ids[k] ?? null
}

function columnBefore(region: Region, k: number): string | null {
  const { ids, words, opens } = region
  let at = k
  if (words[at - 1] === '::') at -= 2
  else if (words[at - 1] === '.' && words[at - 3] === '::') at -= 4
  if (words[at] === ')') {
    const inner = at - 1
    if (words[inner] === '(') at -= 2
    else if (/^(lower|upper|trim)$/.test(words[(opens[inner] ?? 0) - 1] ?? '')) at = inner
  }
  return ids[at] ?? null
}

const catalogReads = new WeakMap<Region, Set<number>>()

/** Does the statement (in a body: the body) read a system catalog? */
function readsCatalog(region: Region, i: number): boolean {
  let segments = catalogReads.get(region)
  if (!segments) {
    segments = new Set()
    for (let k = 0; k < region.tokens.length; k++) {
      const id = region.ids[k]
      if (id === 'information_schema' || (id?.startsWith('pg_') && region.words[k + 1] !== '(')) {
        segments.add(region.segments[k] ?? 0)
      }
    }
    catalogReads.set(region, segments)
  }
  return region.kind === 'plpgsql' ? segments.size > 0 : segments.has(region.segments[i] ?? 0)
}

function executeRole(region: Region, i: number): StringRole {
  const { words, segments } = region
  if (region.kind !== 'plpgsql') return { role: 'data' }
  const call = callAround(region, i)
  if (call?.name === 'format' && call.argument === 0) return { role: 'execute', how: 'template' }
  for (let k = i - 1; k >= (segments[i] ?? 0); k--) {
    if (words[k] === 'using' && region.opens[k] === region.opens[i]) break
    if (words[k] !== 'execute') continue
    if (words[k + 1] === 'function' || words[k + 1] === 'procedure') break
    const behind = words[i + 1] ?? ';'
    return { role: 'execute', how: k === i - 1 && /^(;|using|into|loop)$/.test(behind) ? 'whole' : 'piece' }
  }
  return { role: 'data' }
}
