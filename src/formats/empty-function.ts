/**
 * Does a function do nothing, by its text? True for a body of comments, directives and `return` without an effect, as
 * generators write a `down` that nobody filled in. In doubt false.
 */
export function isEmptyFunction(fn: { toString(): string }): boolean {
  const code = blank(Function.prototype.toString.call(fn))
  const body = findBody(code)
  if (body === null) return false
  // A text that begins a body is a directive, or nothing.
  return idle.test(body.replaceAll(/[\s;]+/g, '').replace(/^(?:"")+/, ''))
}

const nothing = String.raw`(?:undefined|null|void0|true|false|\{\}|\[\]|Promise\.resolve\((?:undefined|null|true)?\)|Promise\.all\(\[\]\))`
/** With what compilers make of an `async` function for old targets. */
const compiled = String.raw`__awaiter\(this,(?:void0|arguments),void0,function\*\(\)\{\}\)`
const idle = new RegExp(`^(?:return|await|${nothing}|${compiled})*$`)

/** Comments become a space and texts `""`, so that what remains is code. */
function blank(source: string): string {
  let code = ''
  for (let at = 0; at < source.length; ) {
    const two = source.slice(at, at + 2)
    const end = two === '//' ? endOf(source, '\n', at) : two === '/*' ? endOf(source, '*/', at + 2) : -1
    if (end >= 0) {
      code += ' '
      at = end
    } else if (`'"\``.includes(source.charAt(at))) {
      at = endOfText(source, at)
      code += '""'
    } else {
      code += source.charAt(at++)
    }
  }
  return code
}

function endOf(source: string, mark: string, from: number): number {
  const at = source.indexOf(mark, from)
  return at < 0 ? source.length : at + mark.length
}

function endOfText(source: string, start: number): number {
  const quote = source.charAt(start)
  let at = start + 1
  while (at < source.length && source.charAt(at) !== quote) at += source.charAt(at) === '\\' ? 2 : 1
  return at + 1
}

/** What stands behind the parameters: within the braces, or the expression of an arrow function. */
function findBody(code: string): string | null {
  const lone = /^\s*(?:async\s+)?[\w$]+\s*=>/.exec(code)
  const open = code.indexOf('(')
  const after = lone !== null ? lone[0].length : open < 0 ? -1 : closing(code, open) + 1
  if (after <= 0) return null
  let rest = code.slice(after).trim()
  const isArrow = lone !== null || rest.startsWith('=>')
  if (rest.startsWith('=>')) rest = rest.slice(2).trim()
  if (rest.startsWith('{') && closing(rest, 0) === rest.length - 1) return rest.slice(1, -1)
  return isArrow ? rest.replace(/^\((.*)\)$/s, '$1') : null
}

/** Place of the bracket that closes the one at `open`; -1: there is none. */
function closing(code: string, open: number): number {
  let depth = 0
  for (let at = open; at < code.length; at++) {
    if ('([{'.includes(code.charAt(at))) depth++
    else if (')]}'.includes(code.charAt(at)) && --depth === 0) return at
  }
  return -1
}
