/** A text with everything that is not code replaced by spaces, so that what is left can be searched by pattern. */
export interface Outline {
  /** Same length as the text, same line ends. */
  code: string
  /** Contents of comments with the string offset of their first character. */
  comments: { text: string; offset: number }[]
}

const blank = (text: string) => (/[\n\r]/.test(text) ? text.replace(/[^\n\r]/g, ' ') : ' '.repeat(text.length))

const special = /--[^\n]*|\/\*|[eE]'|'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/g
const identifierEnd = /[\w$\u0080-\uffff]$/

function endOfComment(text: string, start: number): number {
  const bounds = /\/\*|\*\//g
  bounds.lastIndex = start
  let depth = 0
  for (let found = bounds.exec(text); found; found = bounds.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return bounds.lastIndex
  }
  return text.length
}

function endOfQuote(text: string, start: number, opener: string): number {
  const quote = opener.slice(-1)
  const escapes = opener.length === 2
  for (let i = start + opener.length; i < text.length; i++) {
    if (escapes && text[i] === '\\') i++
    else if (text[i] === quote) {
      if (text[i + 1] !== quote) return i + 1
      i++
    }
  }
  return text.length
}

/**
 * For texts that the parser does not take (and for the gaps between statements). An open quote or comment runs to the
 * end. Quoted identifiers and strings are blanked; `keep` leaves them in.
 */
export function outlineSql(text: string, keep: 'strings' | null = null): Outline {
  const comments: Outline['comments'] = []
  let code = ''
  let at = 0
  const next = new RegExp(special)
  for (let found = next.exec(text); found; found = next.exec(text)) {
    const start = found.index
    const opener = found[0]
    // `a$b$` and `name'` are no openers of their own: the characters before belong to an identifier.
    const attached = identifierEnd.test(text.slice(Math.max(0, start - 1), start))
    if (attached && (opener.startsWith('$') || /^[eE]'/.test(opener))) {
      next.lastIndex = start + 1
      continue
    }
    let end: number
    if (opener.startsWith('--')) end = start + opener.length
    else if (opener === '/*') end = endOfComment(text, start)
    else if (opener.startsWith('$')) {
      const close = text.indexOf(opener, start + opener.length)
      end = close === -1 ? text.length : close + opener.length
    } else end = endOfQuote(text, start, opener)
    const isComment = opener.startsWith('--') || opener === '/*'
    if (isComment) comments.push({ text: text.slice(start, end), offset: start })
    const inside = text.slice(start, end)
    code += text.slice(at, start) + (keep === 'strings' && !isComment ? inside : blank(inside))
    at = end
    next.lastIndex = end
  }
  return { code: code + text.slice(at), comments }
}
