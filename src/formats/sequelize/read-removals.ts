import type { CodeRemoval } from '../../model/code.ts'

const text = String.raw`(['"\`])((?:(?!\\|\$\{|['"\`])[^\n])+)`
const call = new RegExp(
  String.raw`\.(removeColumn|renameColumn|dropTable|renameTable)\(\s*${text}\2(?:\s*,\s*${text}\4)?(?:\s*,\s*${text}\6)?`,
  'g',
)
const created = new RegExp(String.raw`\.createTable\(\s*${text}\1`, 'g')

/**
 * The calls of a function that take a table or a column away, or rename it, where their names are written as plain
 * texts. What a variable or a loop names is not found, nor what is done in SQL or in another function; a table that the
 * same function makes is nobody's yet. Places are those in `file`, the text that the function stands in; where it does
 * not stand there as it is (TypeScript), the file's beginning.
 */
export function readRemovals(fn: { toString(): string }, file: string): CodeRemoval[] {
  const source = Function.prototype.toString.call(fn)
  const start = file.indexOf(source)
  const code = blankComments(source)
  const own = new Set([...code.matchAll(created)].map(([, , table]) => table))
  return [...code.matchAll(call)].flatMap((match): CodeRemoval[] => {
    const [, method = '', , table = '', , second, , third] = match
    if (own.has(table)) return []
    const at = start < 0 ? { line: 1, column: 1 } : placeOf(file, start + match.index + 1)
    if (method === 'dropTable') return [{ action: 'drop-table', table, at }]
    if (second === undefined) return []
    if (method === 'removeColumn') return [{ action: 'drop-column', table, column: second, at }]
    if (method === 'renameTable') return [{ action: 'rename-table', table, to: second, at }]
    return third === undefined ? [] : [{ action: 'rename-column', table, column: second, to: third, at }]
  })
}

/** Comments become spaces, so that places stay; texts stay. */
function blankComments(source: string): string {
  return source.replaceAll(/(["'`])(?:\\[\s\S]|(?!\1)[^\\])*\1|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith('/') ? found.replaceAll(/[^\n]/g, ' ') : found,
  )
}

function placeOf(file: string, offset: number): CodeRemoval['at'] {
  const before = file.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
