/** A piece of MySQL text that means something; comments and white space are passed over. */
export interface Token {
  /**
   * `word`: unquoted (keywords, names, numbers). `name`: in backticks. `string`: '…' or "…". `variable`: `@a`, `@@b.c`.
   * `open` and `close`: the marks of a versioned comment, whose content is code.
   */
  type: 'word' | 'name' | 'string' | 'variable' | 'punctuation' | 'open' | 'close'
  start: number
  end: number
}

/** Something that begins and never ends. */
export interface Unterminated {
  what: 'string' | 'identifier' | 'comment'
  start: number
}

const spaces = /[ \t\n\r\f\v]+/y
/** Two dashes begin a comment only where a space or a control character follows. */
const lineComment = /#[^\n]*|--(?=[\p{Cc} ]|$)[^\n]*/uy
const versioned = /\/\*(?:M?!)\d*/y
const word = /[\w$\u0080-\uffff]+/y
const variable = /@@?[\w$.\u0080-\uffff]*/y
const punctuation = /:=|<=>|<<|>>|<>|[<>!]=|&&|\|\||->>?|[\s\S]/y

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

const quotes: Readonly<Record<string, RegExp>> = {
  "'": /[^'\\]*(?:(?:''|\\[\s\S])[^'\\]*)*'/y,
  '"': /[^"\\]*(?:(?:""|\\[\s\S])[^"\\]*)*"/y,
  '`': /[^`]*(?:``[^`]*)*`/y,
}

/**
 * End of what is quoted from `at` on; -1: it never ends. A backslash escapes in strings, since the mode
 * NO_BACKSLASH_ESCAPES is not the default and cannot be known from a file; it does not in backticks.
 */
export function endOfQuote(text: string, at: number): number {
  return match(quotes[text.charAt(at)] as RegExp, text, at + 1)
}

/** End of a comment that begins at `at` and whose content is no code; -1: it never ends; 0: there is none here. */
export function endOfComment(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === 0x23 || first === 0x2d) return Math.max(0, match(lineComment, text, at))
  if (first !== 0x2f || text.charCodeAt(at + 1) !== 0x2a || isVersioned(text, at)) return 0
  const close = text.indexOf('*/', at + 2)
  return close === -1 ? -1 : close + 2
}

/** `/*!…` and `/*M!…`, whose content is code. MariaDB's version 999999 is none: no server has it. */
export function isVersioned(text: string, at: number): boolean {
  return endOfOpening(text, at) !== -1 && !text.startsWith('/*M!999999', at)
}

/** End of the opening mark with its version; -1: there is none here. */
export function endOfOpening(text: string, at: number): number {
  return match(versioned, text, at)
}

/** Reads one token at or after `at`; null at the end; `Unterminated` where something never ends. */
export function nextToken(text: string, at: number, end: number): Token | Unterminated | null {
  let start = at
  for (;;) {
    const space = match(spaces, text, start)
    if (space !== -1) start = space
    if (start >= end) return null
    const comment = endOfComment(text, start)
    if (comment === 0) break
    if (comment === -1) return { what: 'comment', start }
    start = comment
  }
  const token = (type: Token['type'], last: number): Token => ({ type, start, end: Math.min(last, end) })
  switch (text.charAt(start)) {
    case "'":
    case '"':
    case '`': {
      const close = endOfQuote(text, start)
      const isName = text.charAt(start) === '`'
      if (close === -1) return { what: isName ? 'identifier' : 'string', start }
      return token(isName ? 'name' : 'string', close)
    }
    case '@':
      return token('variable', match(variable, text, start))
    case '/': {
      const opening = endOfOpening(text, start)
      if (opening !== -1) return token('open', opening)
      break
    }
    case '*':
      if (text.charAt(start + 1) === '/') return token('close', start + 2)
  }
  const last = match(word, text, start)
  return last === -1 ? token('punctuation', match(punctuation, text, start)) : token('word', last)
}

/** The tokens of a statement, as they are asked for. Stops where something never ends. */
export function* tokensOf(text: string, start = 0, end = text.length): Generator<Token> {
  for (let at = start; ; ) {
    const token = nextToken(text, at, end)
    if (token === null || 'what' in token) return
    yield token
    at = token.end
  }
}

/** A token with its text, as the readers of single statements want it. */
export interface Word extends Token {
  /** As written. */
  text: string
  /** Upper case for unquoted words and punctuation; '' for everything quoted, and for variables. */
  key: string
}

/**
 * The same without the marks of versioned comments.
 * @param most how many at most
 * @param last a word (upper case) to stop after
 */
export function wordsOf(statement: string, most = Number.POSITIVE_INFINITY, last = ''): Word[] {
  const words: Word[] = []
  for (const { type, start, end } of tokensOf(statement)) {
    if (type === 'open' || type === 'close') continue
    if (words.length >= most) break
    const text = statement.slice(start, end)
    const key = type === 'word' ? text.toUpperCase() : type === 'punctuation' ? text : ''
    words.push({ type, start, end, text, key })
    if (key !== '' && key === last) break
  }
  return words
}

/** The name that a word or a name in backticks stands for. With ANSI_QUOTES, double quotes do the same. */
export function nameOf({ type, text }: Word): string {
  if (type === 'name') return text.slice(1, -1).replaceAll('``', '`')
  if (type === 'string' && text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"')
  return text
}
