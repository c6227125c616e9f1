const scalar = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(true|false|[-+]?[\d_.]+))\s*/

/**
 * The texts, lists of texts, words and numbers of a TOML file, by their whole keys (`flyway.locations`). Tables in braces
 * and texts of several lines are passed over: what Flyway's files say about migrations has none. A sentence: what is wrong.
 */
export function readToml(text: string): Record<string, string | readonly string[]> | string {
  const found: Record<string, string | readonly string[]> = {}
  let section = ''
  let open: { key: string; text: string } | null = null
  let until: string | null = null
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (until !== null) {
      if (line.includes(until)) until = null
      continue
    }
    if (open !== null) {
      open = { key: open.key, text: `${open.text}\n${line}` }
    } else {
      if (line === '' || line.startsWith('#')) continue
      const table = /^\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$/.exec(line)?.[1]
      if (table !== undefined) {
        section = table.replaceAll(/["']/g, '')
        continue
      }
      const pair = /^((?:[\w.:-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w:-]+|"[^"]*"))*)\s*=\s*(.*)$/.exec(line)
      if (pair === null) return `line ${index + 1} is neither a section nor a value`
      const name = (pair[1] ?? '').replaceAll(/["'\s]/g, '')
      open = { key: section === '' ? name : `${section}.${name}`, text: pair[2] ?? '' }
    }
    const long = /^("""|''')/.exec(open.text)?.[1]
    if (long !== undefined) {
      if (!open.text.slice(3).includes(long)) until = long
      open = null
      continue
    }
    const value = open.text.startsWith('[') ? readList(open.text) : readScalar(open.text)
    if (value === undefined) continue
    if (value !== null) found[open.key] = value
    open = null
  }
  return open === null ? found : `the list ${open.key} does not end`
}

/** null: another kind of value. */
function readScalar(text: string): string | null {
  const match = scalar.exec(text)
  if (match === null) return null
  const [, basic, literal, word] = match
  return basic === undefined ? (literal ?? word ?? '') : basic.replaceAll(/\\(["\\])/g, '$1').replaceAll('\\n', '\n')
}

/** undefined: the list goes on; null: it holds something else than texts. */
function readList(text: string): string[] | null | undefined {
  const items: string[] = []
  let rest = text.slice(1)
  for (;;) {
    rest = rest.replace(/^(\s|,|#[^\n]*(\n|$))+/, '')
    if (rest.startsWith(']')) return items
    if (rest === '') return undefined
    const value = readScalar(rest)
    if (value === null) return null
    items.push(value)
    rest = rest.replace(scalar, '')
  }
}
