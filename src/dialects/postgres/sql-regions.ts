import { scanSql, type Token } from './parse.ts'

/** What a name in SQL can stand for, as far as the place says. `alias`: a column of something called so. */
export type NameKind = ObjectKind | 'alias'

export type ObjectKind = 'relation' | 'type' | 'routine' | 'operator' | 'any'

/**
 * A stretch of SQL: a file, a function's body, the text of an EXECUTE, the content of `'public.t'::regclass`.
 * `fragment`: SQL that is only known in part (a format string), so that only hard keywords tell what a name is.
 */
export interface Region {
  kind: 'file' | 'sql' | 'plpgsql' | 'fragment' | 'name'
  /** Without comments. Offsets are bytes of the region. */
  tokens: readonly Token[]
  /** Per token: the identifier it spells (folded or unquoted); null for everything else. Keywords are identifiers too. */
  ids: readonly (string | null)[]
  /** Per token: the lower-case text of unquoted words and of punctuation; '' for quoted identifiers and strings. */
  words: readonly string[]
  /** Per token: index of the innermost `(` or `[` that it stands in, -1 for none. */
  opens: Int32Array
  /** Per token: how many commas stand before it in that bracket. */
  commas: Int32Array
  /** Per token: the first token of its `;`-bounded segment. */
  segments: Int32Array
  /** What the parser says about the names that start at these bytes; null where it was not asked. */
  kinds: ReadonlyMap<number, NameKind> | null
  /** Single-quoted strings around it. */
  quoteDepth: number
  /** It is the template of a `format()`. */
  inTemplate: boolean
  /** Byte of the file for a byte of the region. */
  fileOffset(byte: number): number
}

/** What is known of a region before it is read. */
export type RegionPlace = Pick<Region, 'kind' | 'kinds' | 'quoteDepth' | 'inTemplate' | 'fileOffset'>

/** The content of a string constant. */
export interface Literal {
  value: string
  /** `standard`: '…'; `escape`: E'…' without a backslash; `dollar`: $tag$…$tag$. */
  quoting: 'standard' | 'escape' | 'dollar'
  /** `$tag$`, or empty. */
  tag: string
  /** Byte within the token for a byte of the content. */
  tokenOffset(byte: number): number
}

const word = /^[\p{L}_\u0080-\u{10ffff}]/u

function spell(token: Token): { id: string | null; word: string } {
  const { text } = token
  if (text.startsWith('"')) return { id: text.slice(1, -1).replaceAll('""', '"'), word: '' }
  if (token.name === 'SCONST') return { id: null, word: '' }
  if (/^u&"/i.test(text)) return { id: decodeUnicodeIdentifier(text), word: '' }
  if (/^(u&|b|x)'/i.test(text)) return { id: null, word: '' }
  if (!word.test(text)) return { id: null, word: text }
  const folded = text.replace(/[A-Z]+/g, (part) => part.toLowerCase())
  return { id: folded, word: folded }
}

function decodeUnicodeIdentifier(text: string): string {
  return text
    .slice(3, -1)
    .replaceAll('""', '"')
    .replace(/\\\+([0-9a-f]{6})|\\([0-9a-f]{4})|\\\\/gi, (_, six, four) =>
      six || four ? String.fromCodePoint(Number.parseInt(six ?? four, 16)) : '\\',
    )
}

/** Tokens of a text with everything around them worked out, in one pass. Throws when the scanner fails. */
export function openRegion(text: string, place: RegionPlace): Region {
  const tokens = scanSql(text).filter((token) => token.name !== 'SQL_COMMENT' && token.name !== 'C_COMMENT')
  const ids: (string | null)[] = []
  const words: string[] = []
  const opens = new Int32Array(tokens.length)
  const commas = new Int32Array(tokens.length)
  const segments = new Int32Array(tokens.length)
  const stack: { at: number; commas: number }[] = [{ at: -1, commas: 0 }]
  let segment = 0
  tokens.forEach((token, i) => {
    const spelled = spell(token)
    ids.push(spelled.id)
    words.push(spelled.word)
    if ((spelled.word === ')' || spelled.word === ']') && stack.length > 1) stack.pop()
    const top = stack[stack.length - 1] as { at: number; commas: number }
    opens[i] = top.at
    commas[i] = top.commas
    segments[i] = segment
    if (spelled.word === ',') top.commas++
    else if (spelled.word === '(' || spelled.word === '[') stack.push({ at: i, commas: 0 })
    else if (spelled.word === ';') segment = i + 1
  })
  return { ...place, tokens, ids, words, opens, commas, segments }
}

/** Reads a string constant's content; null where its bytes do not map one to one (escapes, continued literals). */
export function readLiteral(token: Token): Literal | null {
  const { text } = token
  if (text.startsWith('$')) {
    const tag = text.slice(0, text.indexOf('$', 1) + 1)
    const shift = Buffer.byteLength(tag)
    return {
      value: text.slice(tag.length, -tag.length),
      quoting: 'dollar',
      tag,
      tokenOffset: (byte) => byte + shift,
    }
  }
  const escaped = /^e'/i.test(text)
  if (!escaped && !text.startsWith("'")) return null
  if (escaped && text.includes('\\')) return null
  const shift = escaped ? 2 : 1
  const inner = text.slice(shift, -1)
  const quoting = escaped ? 'escape' : 'standard'
  if (!inner.includes("'")) return { value: inner, quoting, tag: '', tokenOffset: (byte) => byte + shift }
  if (inner.replaceAll("''", '').includes("'")) return null
  const bytes = Buffer.from(inner, 'utf8')
  const doubled: number[] = []
  for (let i = bytes.indexOf(39), seen = 0; i !== -1; i = bytes.indexOf(39, i + 2), seen++) doubled.push(i - seen)
  return {
    value: inner.replaceAll("''", "'"),
    quoting,
    tag: '',
    tokenOffset: (byte) => byte + shift + countBelow(doubled, byte),
  }
}

/** How many of the sorted numbers are below the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < limit) low = middle + 1
    else high = middle
  }
  return low
}

/** SQL text written into a region: its quotes are doubled once per string around it. */
export function quoteAt(text: string, quoteDepth: number): string {
  return quoteDepth === 0 ? text : text.replaceAll("'", "'".repeat(2 ** quoteDepth))
}

/** Index of the last token of the bracket that opens at `open`. */
export function closeOf(region: Region, open: number): number {
  for (let i = open + 1; i < region.tokens.length; i++) {
    if (region.opens[i] === region.opens[open] && (region.words[i] === ')' || region.words[i] === ']')) return i
  }
  return region.tokens.length - 1
}

/** The name of the function whose argument list token `i` stands in, without its schema; null for none. */
export function callAround(region: Region, i: number): { name: string; argument: number } | null {
  const open = region.opens[i] ?? -1
  if (open < 1 || region.words[open] !== '(') return null
  const name = region.ids[open - 1]
  return name ? { name, argument: region.commas[i] ?? 0 } : null
}
