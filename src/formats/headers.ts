/** What the comments at the top of a file say. */
export interface Headers {
  description: string | null
  /** `-- tenantry:no-transaction` */
  noTransaction: boolean
}

/** Reads the comments before the first statement; nothing after it counts. */
export function readHeaders(text: string): Headers {
  const headers: Headers = { description: null, noTransaction: false }
  for (const line of readLeadingComments(text)) {
    const description = /^description:\s*(.+)$/i.exec(line)?.[1]
    if (description !== undefined) headers.description ??= description.trim()
    if (/^tenantry:no-transaction\b/i.test(line)) headers.noTransaction = true
  }
  return headers
}

/** Nothing in it but white space and the lines that `make` writes: nobody has written this file yet. */
export function isUnwritten(text: string): boolean {
  const template = /^--\s*(migration|created at|description|rollback for):/i
  if (text.trim() === '') return true
  return text.length < 4096 && text.split('\n').every((line) => line.trim() === '' || template.test(line.trim()))
}

/**
 * Lines of the comments at the top, without their marks (`--`, and `//` in code). Does not split the whole text: files
 * can be large.
 */
export function* readLeadingComments(text: string): Generator<string> {
  let position = 0
  let inBlock = false
  while (position < text.length) {
    const found = text.indexOf('\n', position)
    const end = found < 0 ? text.length : found
    const line = text.slice(position, Math.min(end, position + 4096)).trim()
    position = end + 1
    if (inBlock || line.startsWith('/*')) {
      const close = line.indexOf('*/')
      yield (close < 0 ? line : line.slice(0, close)).replace(/^(\/\*+|\*+)?\s*/, '').trim()
      inBlock = close < 0
      if (close >= 0 && line.slice(close + 2).trim() !== '') return
    } else if (line.startsWith('--')) {
      yield line.replace(/^-+\s*/, '')
    } else if (line.startsWith('//')) {
      yield line.replace(/^\/+\s*/, '')
    } else if (line !== '' && !/^(['"])use strict\1;?$/.test(line)) {
      return
    }
  }
}
