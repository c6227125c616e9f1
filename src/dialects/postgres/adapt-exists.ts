import { type AdaptContext, addEdit, slotIn } from './adapt-context.ts'
import { closeOf, type Region } from './sql-regions.ts'

const objects = new Set(
  'table view sequence index type domain function procedure routine aggregate collation statistics'.split(' '),
)
const onTable = new Set(['trigger', 'policy', 'rule'])

/**
 * `DROP TABLE IF EXISTS x` looks along the search path, and would take the shared schema's x where the tenant has
 * none: the tenant's schema is put in front.
 */
export function adaptIfExists(context: AdaptContext, region: Region): void {
  const { words } = region
  for (let i = words.indexOf('exists'); i !== -1; i = words.indexOf('exists', i + 1)) {
    if (words[i - 1] !== 'if') continue
    const k = words[i - 2] === 'concurrently' ? i - 3 : i - 2
    const what = words[k] ?? ''
    const verb = /^(materialized|foreign)$/.test(words[k - 1] ?? '') ? words[k - 2] : words[k - 1]
    if (verb !== 'drop' && verb !== 'alter') continue
    if (objects.has(what)) qualifyList(context, region, words[i + 1] === 'only' ? i + 2 : i + 1)
    else if (onTable.has(what) && words[i + 2] === 'on')
      qualify(context, region, words[i + 3] === 'only' ? i + 4 : i + 3)
  }
}

function qualifyList(context: AdaptContext, region: Region, first: number): void {
  const { words } = region
  let i = first
  for (;;) {
    let next = qualify(context, region, i)
    if (words[next] === '(') next = closeOf(region, next) + 1
    if (next === i || words[next] !== ',') return
    i = next + 1
  }
}

/** Returns the index behind the name, or `i` where there is none. */
function qualify(context: AdaptContext, region: Region, i: number): number {
  const { ids, words, tokens } = region
  const name = ids[i] ?? null
  const token = tokens[i]
  if (name === null || !token) return i
  if (words[i + 1] === '.') return words[i + 3] === '.' ? i + 5 : i + 3
  if (!context.own.temporary.has(name)) {
    addEdit(context, region, token.start, token.start, [slotIn(region, 'identifier'), '.'], 'schema')
  }
  return i + 1
}
