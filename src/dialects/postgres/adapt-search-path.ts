import { type AdaptContext, addEdit, addNotice, moveToken } from './adapt-context.ts'
import { quoteIdentifier } from './quote.ts'
import { quoteAt, type Region, readLiteral } from './sql-regions.ts'

/** The shared schema behind the tenant's, so that extensions still resolve. */
function addShared(context: AdaptContext, region: Region, i: number): void {
  const end = region.tokens[i]?.end ?? 0
  const shared = quoteAt(`, ${quoteIdentifier(context.options.sharedSchema)}`, region.quoteDepth)
  addEdit(context, region, end, end, [shared], 'scope')
}

/** `SET search_path = public` → the tenant's schema and the shared one; also as a clause of a function. */
export function adaptSearchPaths(context: AdaptContext, region: Region): void {
  const { ids, words } = region
  for (let i = ids.indexOf('search_path'); i !== -1; i = ids.indexOf('search_path', i + 1)) {
    const set = words[i - 1] === 'set' || words[i - 1] === 'local' || words[i - 1] === 'session'
    if (set && (words[i + 1] === '=' || words[i + 1] === 'to')) adaptSetting(context, region, i)
  }
  for (let i = words.indexOf('schema'); i !== -1; i = words.indexOf('schema', i + 1)) {
    if (words[i - 1] === 'set' || words[i - 1] === 'local') adaptSetSchema(context, region, i)
  }
}

function adaptSetting(context: AdaptContext, region: Region, i: number): void {
  const { ids, words, tokens } = region
  const first = region.segments[i] ?? 0
  const items: { at: number; name: string }[] = []
  for (let k = i + 2; tokens[k]; k += 2) {
    const token = tokens[k] as Region['tokens'][number]
    const name = ids[k] ?? (token.name === 'SCONST' ? readLiteral(token)?.value : undefined)
    if (name !== undefined && name !== null) items.push({ at: k, name })
    if (words[k + 1] !== ',') break
  }
  const own = items.find((item) => item.name === 'public')
  if (words[first] === 'alter' && /^(role|user|database|system)$/.test(words[first + 1] ?? '')) {
    if (own) {
      addNotice(
        context,
        'notices',
        region.fileOffset(tokens[i]?.start ?? 0),
        'search-path-of-role',
        'the search path of a role or database is shared by every tenant; it was left as it is',
        'set it where the application connects',
      )
    }
    return
  }
  if (!own) {
    if (items.some((item) => item.name !== '') && words[first] === 'set') context.ownSearchPath = true
    return
  }
  moveToken(context, region, own.at)
  if (!items.some((item) => item !== own && item.name === context.options.sharedSchema)) {
    addShared(context, region, own.at)
  }
}

/** `SET SCHEMA 'public'` has room for one schema only, so it becomes the setting it stands for. */
function adaptSetSchema(context: AdaptContext, region: Region, i: number): void {
  const token = region.tokens[i]
  const argument = region.tokens[i + 1]
  if (!token || argument?.name !== 'SCONST' || readLiteral(argument)?.value !== 'public') return
  addEdit(context, region, token.start, token.end, ['search_path ='], 'schema')
  moveToken(context, region, i + 1)
  addShared(context, region, i + 1)
}

/** The content of `set_config('search_path', '…', …)`. */
export function adaptPathText(context: AdaptContext, region: Region): void {
  const { ids, words } = region
  const own = ids.findIndex((id, k) => id === 'public' && words[k + 1] !== '.' && words[k - 1] !== '.')
  if (own === -1) return
  moveToken(context, region, own)
  if (!ids.some((id, k) => k !== own && id === context.options.sharedSchema)) addShared(context, region, own)
}
