/** A value of a JSON text, with the line it begins in. */
export type JsonNode = { line: number } & (
  | { kind: 'object'; members: Map<string, JsonNode> }
  | { kind: 'list'; items: JsonNode[] }
  | { kind: 'text'; text: string }
  /** As written: no digit is lost. */
  | { kind: 'number'; text: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'null' }
)

/** What is wrong with a JSON text. The text itself is not quoted: it may hold what nobody should read. */
export class JsonProblem extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

const space = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them
const string = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const word = /true|false|null/y
const deepest = 100

/** Parses JSON and keeps the lines. Throws {@link JsonProblem} where the text is none, or names a member twice. */
export function parseJsonLines(text: string): JsonNode {
  let at = 0
  let line = 1
  let counted = 0

  const here = () => {
    for (let found = text.indexOf('\n', counted); found >= 0 && found < at; found = text.indexOf('\n', counted)) {
      line++
      counted = found + 1
    }
    return line
  }
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found === undefined) return null
    at += found.length
    return found
  }
  const fail = (message: string): never => {
    throw new JsonProblem(here(), at >= text.length ? `the file ends here, and ${message}` : message)
  }
  const is = (character: string) => {
    take(space)
    if (text[at] !== character) return false
    at++
    return true
  }
  const key = (): string =>
    JSON.parse(take(string) ?? fail('the name of a member, in double quotes, is missing')) as string

  const value = (depth: number): JsonNode => {
    take(space)
    if (depth > deepest) fail('it is nested too deeply')
    const begin = here()
    if (is('{')) return object(begin, depth)
    if (is('[')) return list(begin, depth)
    const quoted = take(string)
    if (quoted !== null) return { line: begin, kind: 'text', text: JSON.parse(quoted) as string }
    const digits = take(number)
    if (digits !== null) return { line: begin, kind: 'number', text: digits }
    const known = take(word)
    if (known === null) return fail('a value is missing or not JSON (texts need double quotes, and comments are none)')
    return known === 'null' ? { line: begin, kind: 'null' } : { line: begin, kind: 'boolean', value: known === 'true' }
  }
  const object = (begin: number, depth: number): JsonNode => {
    const members = new Map<string, JsonNode>()
    if (!is('}')) {
      do {
        take(space)
        const name = key()
        if (members.has(name)) fail(`the member ${JSON.stringify(name.slice(0, 60))} is there twice`)
        if (!is(':')) fail('a colon is missing')
        members.set(name, value(depth + 1))
      } while (is(','))
      if (!is('}')) fail('a comma or a closing brace is missing')
    }
    return { line: begin, kind: 'object', members }
  }
  const list = (begin: number, depth: number): JsonNode => {
    const items: JsonNode[] = []
    if (!is(']')) {
      do items.push(value(depth + 1))
      while (is(','))
      if (!is(']')) fail('a comma or a closing bracket is missing')
    }
    return { line: begin, kind: 'list', items }
  }

  const root = value(0)
  take(space)
  if (at < text.length) fail('something stands behind the end')
  return root
}

/** The text again, without spaces; numbers as they were written. */
export function writeJson(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return `{${[...node.members].map(([name, one]) => `${JSON.stringify(name)}:${writeJson(one)}`).join(',')}}`
    case 'list':
      return `[${node.items.map(writeJson).join(',')}]`
    case 'text':
      return JSON.stringify(node.text)
    case 'number':
      return node.text
    case 'boolean':
      return String(node.value)
    default:
      return 'null'
  }
}
