import { type AdaptContext, addNotice, moveToken } from './adapt-context.ts'
import { ownsName } from './own-objects.ts'
import type { ObjectKind, Region } from './sql-regions.ts'

const relationWords = new Set(
  'table into update join references only sequence index view truncate lock copy cluster analyze vacuum refresh inherit of attach detach'.split(
    ' ',
  ),
)
const routineWords = new Set(['function', 'procedure', 'routine', 'aggregate', 'execute', 'call'])
const typeWords = new Set(['type', 'domain', '::', 'setof', 'returns'])
/** After these a name in a half-known text can only be a name of this kind of object. */
const certainWords = new Set([
  ...relationWords,
  ...routineWords,
  ...typeWords,
  'from',
  'on',
  'exists',
  'collate',
  'using',
])
const createWords = new Set(
  'create or replace if not exists table view materialized recursive sequence index unique concurrently type domain function procedure aggregate unlogged foreign statistics collation operator class family text search configuration dictionary template parser conversion default'.split(
    ' ',
  ),
)

/** Moves names qualified with `public` that the tenants own, and `SCHEMA public` itself. */
export function adaptNames(context: AdaptContext, region: Region): void {
  const { ids, words } = region
  for (let i = ids.indexOf('public'); i !== -1; i = ids.indexOf('public', i + 1)) {
    if (words[i - 1] === '.') continue
    if (words[i + 1] === '.') adaptQualified(context, region, i)
    else if (standsForSchema(region, i)) moveToken(context, region, i)
    else if (region.kind !== 'file') refuseDrop(context, region, i)
  }
}

function adaptQualified(context: AdaptContext, region: Region, i: number): void {
  const { ids, words, tokens } = region
  const offset = region.fileOffset(tokens[i]?.start ?? 0)
  const parsed = region.kinds?.get(tokens[i]?.start ?? -1)
  if (parsed === 'alias') return
  const name = ids[i + 2] ?? words[i + 2] ?? ''
  const certain = certainWords.has(words[i - 1] ?? '')
  if (region.kind === 'fragment' && (name === '' || name === '%' || tokens[i + 2] === undefined)) {
    adaptUnknownName(context, region, i)
    return
  }
  if (parsed === undefined && !certain && usesPublicAsAlias(region)) return
  const kind = parsed ?? kindFromPlace(region, i)
  if (!ownsName(context.own, kind, name) && !isBeingCreated(region, i)) {
    noticeSharedChange(context, region, i, name)
    return
  }
  if (region.kind === 'fragment' && !certain) {
    addNotice(
      context,
      'notices',
      offset,
      'name-in-string',
      `"public.${name}" stands in text that is only put together at run time; it was left as it is`,
      "write the name without a schema: it is then found in the tenant's schema",
    )
    return
  }
  moveToken(context, region, i)
}

/** `public.%I`, `'public.' || name`: the tenants' own where the names come out of their own catalog. */
function adaptUnknownName(context: AdaptContext, region: Region, i: number): void {
  if (context.readsOwnCatalog) {
    moveToken(context, region, i)
    return
  }
  addNotice(
    context,
    'notices',
    region.fileOffset(region.tokens[i]?.start ?? 0),
    'name-in-string',
    'a name in schema public is put together at run time; it was left as it is',
    "leave the schema out, or use format('%I.%I', current_schema(), …)",
  )
}

function kindFromPlace(region: Region, i: number): ObjectKind {
  const { words } = region
  let k = i - 1
  while (words[k] === 'exists' || words[k] === 'not' || words[k] === 'if' || words[k] === 'concurrently') k--
  const before = words[k] ?? ''
  if (before === 'from') return words[i + 3] === '(' ? 'routine' : 'relation'
  if (before === '(' && words[k - 1] === 'operator') return 'operator'
  if (relationWords.has(before)) return 'relation'
  if (routineWords.has(before)) return 'routine'
  if (typeWords.has(before)) return words[i + 3] === '%' || words[i + 5] === '%' ? 'any' : 'type'
  return 'any'
}

/** `CREATE [anything] public.x`: what is being made here is the tenant's, whoever else names it. */
function isBeingCreated(region: Region, i: number): boolean {
  const { words } = region
  for (let k = i - 1; k >= 0 && createWords.has(words[k] ?? ''); k--) if (words[k] === 'create') return true
  return false
}

const aliasUse = new WeakMap<Region, boolean>()

/** Is a table, a row variable or a column called `public` here? */
function usesPublicAsAlias(region: Region): boolean {
  if (region.kind !== 'plpgsql') return false // elsewhere the parser has told columns from other names
  let uses = aliasUse.get(region)
  if (uses === undefined) {
    uses = region.ids.some(
      (id, k) =>
        id === 'public' &&
        region.words[k + 1] !== '.' &&
        (region.words[k - 1] === 'as' || ((region.ids[k - 1] ?? null) !== null && isPlainName(region, k - 1))),
    )
    aliasUse.set(region, uses)
  }
  return uses
}

const notNames = new Set(
  (
    'schema to from role user by grant in on set of into select where and or not column add drop alter rename return ' +
    'returning when then else constraint exists if case perform begin'
  ).split(' '),
)

function isPlainName(region: Region, k: number): boolean {
  return !notNames.has(region.words[k] ?? '')
}

/** `… SCHEMA public` in GRANT, COMMENT, ALTER … SET SCHEMA and the like; not where it is made, dropped or renamed. */
function standsForSchema(region: Region, i: number): boolean {
  const { ids, words, segments } = region
  let k = i
  while (words[k - 1] === ',' && (ids[k - 2] ?? null) !== null) k -= 2
  if (words[i - 1] === 'into') return words[segments[i] ?? 0] === 'import'
  if (words[k - 1] !== 'schema') return false
  const before = words[k - 2] ?? ''
  if (before === 'create' || before === 'exists' || before === 'drop' || before === 'foreign') return false
  if (before === 'alter') return words[i + 1] === 'owner'
  for (let j = k - 2; j >= Math.max(segments[i] ?? 0, k - 10); j--) {
    if (words[j] === 'extension' && (words[j - 1] === 'create' || words[j - 1] === 'alter')) return false
  }
  return true
}

/** In a file the tree shows it; here a body would drop what every tenant uses. */
function refuseDrop(context: AdaptContext, region: Region, i: number): void {
  const { words, tokens } = region
  const k = words[i - 1] === 'exists' && words[i - 2] === 'if' ? i - 3 : i - 1
  if (words[k] !== 'schema' || words[k - 1] !== 'drop') return
  addNotice(
    context,
    context.options.targetsPerDatabase > 1 ? 'problems' : 'notices',
    region.fileOffset(tokens[k - 1]?.start ?? 0),
    'not-per-schema',
    'DROP SCHEMA public cannot run once per schema: every tenant of the database depends on it',
    "drop the tenants' objects by name",
  )
}

const changes = new Set(['alter', 'drop', 'truncate'])

function noticeSharedChange(context: AdaptContext, region: Region, i: number, name: string): void {
  const { words, segments } = region
  if (region.kind !== 'file' || context.options.targetsPerDatabase < 2) return
  const first = words[segments[i] ?? 0] ?? ''
  if (!changes.has(first) || i - (segments[i] ?? 0) > 6) return
  if (words[(segments[i] ?? 0) + 1] === 'default') return
  addNotice(
    context,
    'notices',
    region.fileOffset(region.tokens[i]?.start ?? 0),
    'shared-change',
    `${first.toUpperCase()} of public.${name}: no migration creates it, so it stays in schema public and this runs once per tenant`,
    "write it so that it can run again (IF EXISTS, IF NOT EXISTS), or move it out of the tenants' migrations",
  )
}
