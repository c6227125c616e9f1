/** What a message may call a target: the names that differ from one target to the next. */
export interface MaskedNames {
  target: string
  tenants: readonly string[]
}

/** Words of a message that differ between targets although the error is the same. */
const volatileWords: readonly [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?/g, '<time>'],
  [/\b(pid|process|session) \d+/gi, '$1 <n>'],
  [/\b\d+(?:\.\d+)? ?(?:ms|s|seconds?|minutes?|min)\b/g, '<duration>'],
]

/**
 * The message with the target's own names and with session ids, times and durations replaced by placeholders, so
 * that the same error reads the same for every target. Numbers such as a line and a column stay.
 */
export function maskMessage(message: string, names: MaskedNames): string {
  let masked = message
  for (const [name, placeholder] of placeholders(names)) masked = replaceName(masked, name, placeholder)
  for (const [pattern, placeholder] of volatileWords) masked = masked.replace(pattern, placeholder)
  return masked
}

/** Longest first: a target's name holds its schema's. */
function placeholders({ target, tenants }: MaskedNames): [string, string][] {
  const [, database, ...schema] = target.split('/')
  const pairs: [string, string][] = [[target, '<target>']]
  for (const tenant of tenants) pairs.push([tenant, '<tenant>'])
  if (schema.length > 0) pairs.push([schema.join('/'), '<schema>'])
  if (database !== undefined) pairs.push([database, '<database>'])
  return pairs.filter(([name]) => name !== '').sort((a, b) => b[0].length - a[0].length)
}

function replaceName(text: string, name: string, placeholder: string): string {
  if (!text.includes(name)) return text
  const escaped = name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  // A tenant may be called `12`: only where it is quoted is that surely the name and not a line or a count.
  const pattern = /^\d+$|^.$/u.test(name)
    ? new RegExp(`(?<=["'\`])${escaped}(?=["'\`])`, 'g')
    : new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'gu')
  return text.replace(pattern, () => placeholder)
}
