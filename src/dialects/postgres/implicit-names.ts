/** Names that PostgreSQL gives to what a statement leaves unnamed. Source: makeObjectName in indexcmds.c. */

const nameBytes = 63

function clip(text: string, bytes: number): string {
  const buffer = Buffer.from(text, 'utf8')
  let end = Math.min(bytes, buffer.length)
  while (end < buffer.length && end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--
  return buffer.toString('utf8', 0, end)
}

/** `table_column_label`, both halves shortened evenly so that it fits in 63 bytes. */
export function implicitName(table: string, column: string | null, label: string): string {
  let first = Buffer.byteLength(table)
  let second = column === null ? 0 : Buffer.byteLength(column)
  const room = nameBytes - 1 - Buffer.byteLength(label) - (column === null ? 0 : 1)
  while (first + second > room) {
    if (first > second) first--
    else second--
  }
  const parts = [clip(table, first)]
  if (column !== null) parts.push(clip(column, second))
  return [...parts, label].join('_')
}
