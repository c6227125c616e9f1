/** Lines of a file, indexed once, so that places are cheap to find in files of any length. */
export interface LineIndex {
  /** 1-based line and column (in characters) of a UTF-8 byte offset. */
  place(offset: number): { line: number; column: number }
}

export function indexLines(bytes: Buffer): LineIndex {
  let starts: number[] | null = null
  const readStarts = () => {
    const found = [0]
    for (let i = bytes.indexOf(10); i !== -1; i = bytes.indexOf(10, i + 1)) found.push(i + 1)
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
      for (let i = starts[low] ?? 0; i < offset && i < bytes.length; i++) {
        if (((bytes[i] ?? 0) & 0xc0) !== 0x80) column++
      }
      return { line: low + 1, column }
    },
  }
}
