import { type AdaptContext, addEdit, addNotice, slotIn } from './adapt-context.ts'
import { type CatalogRelation, informationSchema, systemCatalogs } from './catalog-relations.ts'
import type { Edit } from './edits.ts'
import { type Literal, quoteAt, type Region, readLiteral } from './sql-regions.ts'

/** One use of a catalog relation in a FROM list. */
interface Lookup {
  relation: CatalogRelation
  name: string
  schema: 'pg_catalog' | 'information_schema'
  /** First and last token of the relation's name. */
  first: number
  last: number
  /** Name that columns may be qualified with. */
  alias: string
  hasAlias: boolean
  /** UPDATE or DELETE of the catalog itself. */
  isChanged: boolean
  /** Tokens of the query that it belongs to, from its FROM on. */
  from: number
  to: number
}

/** Limits existence checks by bare name to the tenant's schema, where they look for what the tenants own. */
export function adaptLookups(context: AdaptContext, region: Region): void {
  for (let i = 0; i < region.tokens.length; i++) {
    const id = region.ids[i]
    if (id !== 'information_schema' && !id?.startsWith('pg_')) continue
    const lookup = readLookup(region, i)
    if (!lookup || isScoped(region, lookup)) continue
    judge(context, region, lookup)
    i = lookup.last
  }
}

function readLookup(region: Region, i: number): Lookup | null {
  const { ids, words } = region
  const dotted = words[i + 1] === '.' && (ids[i] === 'information_schema' || ids[i] === 'pg_catalog')
  if (words[i - 1] === '.' || (!dotted && words[i + 1] === '.')) return null
  const last = dotted ? i + 2 : i
  const name = ids[last] ?? ''
  const schema = ids[i] === 'information_schema' ? 'information_schema' : 'pg_catalog'
  const relation = (schema === 'pg_catalog' ? systemCatalogs : informationSchema).get(name)
  if (!relation) return null
  const isChanged = words[i - 1] === 'update' || (words[i - 1] === 'from' && words[i - 2] === 'delete')
  const from = isChanged ? i - 1 : fromOf(region, i)
  if (from === -1) return null
  const alias = words[last + 1] === 'as' ? last + 2 : last + 1
  const hasAlias = alias > last + 1 || isAlias(region, alias)
  return {
    relation,
    name,
    schema,
    first: i,
    last,
    alias: hasAlias ? (ids[alias] ?? name) : name,
    hasAlias,
    isChanged,
    from,
    to: endOfQuery(region, i),
  }
}

const afterRelation = new Set(
  (
    'where join inner left right full cross natural on using group order limit union intersect except for then loop ' +
    'having window offset fetch returning tablesample into'
  ).split(' '),
)

function isAlias(region: Region, k: number): boolean {
  return (region.ids[k] ?? null) !== null && !afterRelation.has(region.words[k] ?? '')
}

/** The FROM whose list token `i` is an item of; -1 for none. */
function fromOf(region: Region, i: number): number {
  const { words, opens } = region
  const before = words[i - 1] ?? ''
  if (before === 'from') return words[i - 2] === 'distinct' ? -1 : i - 1
  if (before !== 'join' && before !== ',') return -1
  for (let k = i - 1; k >= 0 && words[k] !== ';'; k--) {
    if (opens[k] !== opens[i]) {
      if ((opens[k] ?? -1) < (opens[i] ?? -1)) return -1
      continue
    }
    if (words[k] === 'from') return k
    if (words[k] === 'where' || words[k] === 'select') return -1
  }
  return -1
}

function endOfQuery(region: Region, i: number): number {
  const { words, opens } = region
  const own = opens[i] ?? -1
  let k = i + 1
  for (; k < region.tokens.length; k++) {
    const at = opens[k] ?? -1
    if (words[k] === ';' || at < own) break
    if (at === own && /^(union|intersect|except|loop)$/.test(words[k] ?? '')) break
    if (at === own && own === -1 && words[k] === 'then' && region.kind === 'plpgsql') break
  }
  return k
}

const scopeMarks = new Set(
  (
    'regnamespace to_regnamespace regclass to_regclass regtype to_regtype regproc to_regproc ' +
    'regprocedure to_regprocedure current_schema current_schemas tg_relid tg_table_schema'
  ).split(' '),
)

const schemaColumn =
  /^(nspname|schemaname|(table|sequence|routine|trigger|domain|constraint|view|event_object|specific)_schema)$/
/** `schemaname <> 'pg_catalog'` leaves all the other tenants in. */
const exclusions = new Set(['<>', '!=', '!~', '!~~', '!~*', 'not'])

/** Does anything in the query already say which schema, or which object by oid? */
function isScoped(region: Region, lookup: Lookup): boolean {
  const { ids, words } = region
  for (let k = lookup.from; k < lookup.to; k++) {
    const id = ids[k] ?? null
    if (id === null) continue
    if (scopeMarks.has(id)) return true
    if (schemaColumn.test(id) && !exclusions.has(words[k + 1] ?? '')) return true
    if (/^pg_(table|type|function|operator|collation|statistics_obj)_is_visible$/.test(id)) return true
    // c.relnamespace = some_oid, but not the join n.oid = c.relnamespace
    if (id.endsWith('namespace') && words[k + 1] === '=' && ids[k + 2] != null && words[k + 3] !== '.') return true
  }
  return false
}

type Judgement = 'own' | 'foreign' | 'unsure' | 'none'

/** What the query asks of the relation's name columns. */
function judgeNames(context: AdaptContext, region: Region, lookup: Lookup): Judgement {
  const { ids, words } = region
  let found: Judgement = 'none'
  for (let k = lookup.from; k < lookup.to; k++) {
    const kinds = lookup.relation.names[ids[k] ?? '']
    if (!kinds || words[k + 1] === '.' || words[k + 1] === '(') continue
    if (words[k - 1] === '.' && ids[k - 2] !== lookup.alias) continue
    const literals = literalsComparedWith(region, k)
    if (literals === null) continue
    if (literals.length === 0) return 'unsure'
    const owned = literals.filter(({ value }) => kinds.some((kind) => context.own[kind].has(value)))
    if (owned.length > 0 && owned.length < literals.length) return 'unsure'
    if (owned.length > 0) found = 'own'
    else if (found === 'none') found = 'foreign'
  }
  return found
}

/** Constants that column token `k` must equal; empty: something not constant; null: it is not compared here. */
function literalsComparedWith(region: Region, k: number): Literal[] | null {
  const { words, tokens, opens } = region
  const castLength = words[k + 1] === '::' ? (words[k + 3] === '.' ? 4 : 2) : 0
  const at = k + 1 + castLength
  const literal = (i: number): Literal[] => {
    const token = tokens[i]
    const read = token?.name === 'SCONST' ? readLiteral(token) : null
    return read ? [read] : []
  }
  if (words[at] === '=') {
    if (!/^(any|all|some)$/.test(words[at + 1] ?? '')) return literal(at + 1)
    if (words[at + 3] !== 'array') return []
    return listLiterals(region, at + 4)
  }
  if (words[at] === 'in') return listLiterals(region, at + 1)
  if (/^(like|ilike|~~|~)$/.test(words[at] ?? '')) return []
  let start = k
  while (words[start - 1] === '.') start -= 2
  if (words[start - 1] !== '=') return null
  return tokens[start - 2]?.name === 'SCONST' && opens[start - 2] === opens[k] ? literal(start - 2) : null
}

function listLiterals(region: Region, open: number): Literal[] {
  const literals: Literal[] = []
  for (let k = open + 1; k < region.tokens.length && (region.opens[k] ?? -1) >= open; k++) {
    const token = region.tokens[k]
    if (token?.name === 'SCONST') {
      const literal = readLiteral(token)
      if (!literal) return []
      literals.push(literal)
    } else if (region.words[k] === 'select' || region.words[k] === '||') return []
  }
  return literals
}

function judge(context: AdaptContext, region: Region, lookup: Lookup): void {
  const verdict = judgeNames(context, region, lookup)
  if (verdict === 'foreign' || (verdict === 'none' && !lookup.relation.lists)) return
  if (verdict === 'own' && canBeReplaced(region, lookup)) {
    scope(context, region, lookup)
    return
  }
  if (verdict === 'none' && region.kind === 'file') return
  if (lookup.isChanged && looksFurther(region, lookup)) return
  addNotice(
    context,
    'notices',
    region.fileOffset(region.tokens[lookup.first]?.start ?? 0),
    'unscoped-lookup',
    `this look-up in ${lookup.schema === 'pg_catalog' ? '' : 'information_schema.'}${lookup.name} sees other tenants' objects too`,
    'add a condition on the schema, such as = current_schema() or = current_schema()::regnamespace',
  )
}

/** A look-up inside, which is judged by itself, says which of them are meant. */
function looksFurther(region: Region, lookup: Lookup): boolean {
  for (let k = lookup.last + 1; k < lookup.to; k++) if (systemCatalogs.has(region.ids[k] ?? '')) return true
  return false
}

/** A subquery has no system columns, and cannot be named with its schema. */
function canBeReplaced(region: Region, lookup: Lookup): boolean {
  const { ids, words } = region
  for (let k = lookup.from; k < lookup.to; k++) {
    if (/^(tableoid|ctid|xmin|xmax|cmin|cmax)$/.test(ids[k] ?? '')) return false
    if (ids[k] === lookup.name && words[k - 1] === '.' && words[k + 1] === '.') return false
  }
  return !lookup.isChanged && words[lookup.last + 1] !== 'tablesample'
}

function scope(context: AdaptContext, region: Region, lookup: Lookup): void {
  const first = region.tokens[lookup.first]
  const last = region.tokens[lookup.last]
  if (!first || !last) return
  const quote = quoteAt("'", region.quoteDepth)
  const oid: Edit['parts'] = [quote, slotIn(region, 'identifier', 1), `${quote}::pg_catalog.regnamespace`]
  const { by } = lookup.relation
  const condition: Edit['parts'] =
    by.is === 'oid'
      ? [`${by.column} = `, ...oid]
      : by.is === 'name'
        ? [`${by.column} = ${quote}`, slotIn(region, 'name', 1), quote]
        : [`${by.column} IN (SELECT oid FROM pg_catalog.${by.catalog} WHERE ${by.namespace} = `, ...oid, ')']
  const parts: Edit['parts'] = [
    `(SELECT * FROM ${lookup.schema}.${lookup.name} WHERE `,
    ...condition,
    lookup.hasAlias ? ')' : `) AS ${lookup.name}`,
  ]
  addEdit(context, region, first.start, last.end, parts, 'scope')
}
