import { type Region, readLiteral } from './sql-regions.ts'

/**
 * The language of the function or DO body that string token `i` is; null when it is no body.
 * A DO block without LANGUAGE is PL/pgSQL; a function without one is taken for SQL.
 */
export function bodyLanguage(region: Region, i: number): string | null {
  const { words, segments } = region
  if (region.kind === 'name') return null
  const first = segments[i] ?? 0
  if (words[first] === 'do' && i - first <= 3) {
    return words[i - 1] === 'language' ? null : (languageOf(region, first) ?? 'plpgsql')
  }
  if (words[i - 1] !== 'as') return null
  let k = i - 1
  while (k > first && words[k] !== 'create') k--
  if (words[k] !== 'create') return null
  const what = words[k + 1] === 'or' ? words[k + 3] : words[k + 1]
  return what === 'function' || what === 'procedure' ? (languageOf(region, k) ?? 'sql') : null
}

function languageOf(region: Region, first: number): string | null {
  for (let k = first; region.tokens[k] && region.words[k] !== ';'; k++) {
    if (region.words[k] !== 'language') continue
    const token = region.tokens[k + 1]
    const name = region.ids[k + 1] ?? (token?.name === 'SCONST' ? readLiteral(token)?.value : undefined)
    return name?.toLowerCase() ?? null
  }
  return null
}
