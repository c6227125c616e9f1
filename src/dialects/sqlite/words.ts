/** A piece of SQLite text that means something; comments and white space are passed over. */
export interface Word {
  /** `word`: unquoted (keywords, names). `name`: in double quotes, backticks or brackets. `string`: '…'. `blob`: x'…'. */
  type: 'word' | 'name' | 'string' | 'blob' | 'number' | 'variable' | 'punctuation'
  start: number
  end: number
  /** As written. */
  text: string
  /** Upper case for unquoted words and punctuation; '' for everything else. */
  key: string
}

/** In the order in which they are tried. What never ends goes on to the end of the text. Source: tokenize.c of SQLite. */
const patterns: readonly (readonly [type: Word['type'] | 'nothing', pattern: RegExp])[] = [
  ['nothing', /[ \t\n\f\r\ufeff]+|--[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/)?/y],
  ['blob', /[xX]'[0-9A-Fa-f]*'/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['number', /0[xX][\dA-Fa-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y],
  ['string', /'[^']*(?:''[^']*)*(?:'|$)/y],
  ['name', /"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$)|\[[^\]]*(?:\]|$)/y],
  ['variable', /[?@:$#][\w$\u0080-\uffff]*(?:::[\w$\u0080-\uffff]+)*/y],
  ['punctuation', /->>|->|\|\||<=|<>|<<|>=|>>|==|!=|[\s\S]/y],
]

/** The words of a text, as they are asked for. */
export function* readWordsOf(text: string): Generator<Word> {
  for (let at = 0; at < text.length; ) {
    for (const [type, pattern] of patterns) {
      pattern.lastIndex = at
      const written = pattern.exec(text)?.[0]
      if (written === undefined) continue
      const start = at
      at += written.length
      if (type === 'nothing') break
      const key = type === 'word' ? written.toUpperCase() : type === 'punctuation' ? written : ''
      yield { type, start, end: at, text: written, key }
      break
    }
  }
}

/** @param most how many at most */
export function wordsOf(text: string, most = Number.POSITIVE_INFINITY): Word[] {
  const words: Word[] = []
  for (const word of readWordsOf(text)) {
    if (words.length >= most) break
    words.push(word)
  }
  return words
}

/** The name that a word stands for: SQLite takes a string for one where only a name can be. Of what can be none, its text. */
export function nameOf({ type, text }: Word): string {
  if (type !== 'name' && type !== 'string') return text
  const quote = text.charAt(0)
  const inside = text.slice(1, -1)
  return quote === '[' ? inside : inside.replaceAll(quote.repeat(2), quote)
}

/** SQLite compares names without the case of the letters of ASCII, and of no others. */
export function foldName(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
