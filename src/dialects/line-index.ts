/** Lines of a file, indexed once, so that places are cheap to find in files of any length. */
export interface LineIndex {
  /** 1-based line and column (in characters) of a string offset. */
  place(offset: number): { line: number; column: number }
}

export function indexLines(text: string): LineIndex {
  let starts: number[] | null = null
  const readStarts = () => {
    const found = [0]
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) found.push(i + 1)
    return found
  }
  return {
    place(offset) {
      starts ??= readStarts()
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((starts[middle] ?? 0) <= offset) low = middle
        else high = middle - 1
      }
      let column = 1
      for (const _ of text.slice(starts[low] ?? 0, offset)) column++
      return { line: low + 1, column }
    },
  }
}
