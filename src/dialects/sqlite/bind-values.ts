import { readWordsOf } from './words.ts'

/**
 * A text with its values in the order of their places. The drivers do not agree on names, nor on which place a number
 * after the question mark means: so each is written as `?`, with its value.
 */
export function bindValues(
  text: string,
  values: readonly unknown[] | Readonly<Record<string, unknown>>,
): { text: string; values: readonly unknown[] } {
  if (Array.isArray(values) && (values.length === 0 || !/\?\d|[@:$]\w/.test(text))) return { text, values }
  const bound: unknown[] = []
  const places: string[] = []
  let written = ''
  let at = 0
  for (const { type, start, end, text: variable } of readWordsOf(text)) {
    if (type !== 'variable') continue
    bound.push(Array.isArray(values) ? values[placeOf(variable, places) - 1] : valueNamed(variable, values as object))
    written += `${text.slice(at, start)}?`
    at = end
  }
  return { text: written + text.slice(at), values: bound }
}

/** As SQLite counts: a name has the place where it first stands. Source: https://sqlite.org/lang_expr.html#varparam */
function placeOf(variable: string, places: string[]): number {
  const number = /^\?(\d+)$/.exec(variable)?.[1]
  if (number !== undefined) {
    while (places.length < Number(number)) places.push('')
    return Number(number)
  }
  const known = variable === '?' ? -1 : places.indexOf(variable)
  return known === -1 ? places.push(variable) : known + 1
}

function valueNamed(variable: string, values: object): unknown {
  for (const name of [variable, variable.slice(1)]) if (Object.hasOwn(values, name)) return values[name as never]
  throw new RangeError(`there is no value for ${variable}`)
}
