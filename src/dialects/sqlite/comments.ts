import { readWordsOf } from './words.ts'

const comment = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g

/** Comments of a text, with their places. What looks like one inside of a text or a name is none. */
export function findComments(text: string): { text: string; start: number; end: number }[] {
  const found: { text: string; start: number; end: number }[] = []
  const look = (from: number, to: number) => {
    for (const match of text.slice(from, to).matchAll(comment)) {
      found.push({ text: match[0], start: from + match.index, end: from + match.index + match[0].length })
    }
  }
  let at = 0
  for (const { start, end } of readWordsOf(text)) {
    if (start > at) look(at, start)
    at = end
  }
  look(at, text.length)
  return found
}
