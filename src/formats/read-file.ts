import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import type { FolderProblem } from './problems.ts'

/** Larger files are refused: they are dumps, and a driver would hold them several times over. */
const maxFileBytes = 64 * 1024 * 1024

/** A migration file as it is on disk. */
export interface FileText {
  bytes: Buffer
  /** Without a byte order mark; line ends as they are. */
  text: string
}

/**
 * Reads one UTF-8 file. What cannot be used (UTF-16, bytes that are not UTF-8, NUL characters, more than 64 MiB) is
 * added to `problems`, and the result is null.
 */
export async function readTextFile(
  file: { path: string; shown: string },
  problems: FolderProblem[],
): Promise<FileText | null> {
  const refuse = (message: string, hint: string) => {
    problems.push({ code: 'MIGRATIONS_UNREADABLE', message, hint, files: [file.shown] })
    return null
  }
  let bytes: Buffer
  try {
    const { size } = await stat(file.path)
    if (size > maxFileBytes) {
      const megabytes = Math.ceil(size / 1024 / 1024)
      return refuse(
        `${file.shown} has ${megabytes} MB; a migration may have 64.`,
        'Split the file, or load the rows with a tool of your own.',
      )
    }
    bytes = await readFile(file.path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return refuse(`${file.shown} cannot be read (${code}).`, 'Check that the file is there and readable.')
  }
  const utf16 = detectUtf16(bytes)
  if (utf16 !== null) {
    return refuse(`${file.shown} is ${utf16}, not UTF-8.`, 'Save the file as UTF-8 in your editor and commit it again.')
  }
  if (!isUtf8(bytes)) {
    const offset = findInvalidByte(bytes)
    const line = countLines(bytes, offset)
    return refuse(
      `${file.shown} is not valid UTF-8: byte ${offset} (line ${line}) is 0x${hex(bytes[offset])}.`,
      'Save the file as UTF-8 in your editor; it may be Windows-1252 or Latin-1 now.',
    )
  }
  const zero = bytes.indexOf(0)
  if (zero >= 0) {
    return refuse(
      `${file.shown} holds a NUL character at byte ${zero} (line ${countLines(bytes, zero)}).`,
      'Remove it: no server takes NUL characters in SQL.',
    )
  }
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return { bytes, text: bytes.toString('utf8', marked ? 3 : 0) }
}

/** By its mark, or, without one, by zero bytes in nearly every second place. */
function detectUtf16(bytes: Buffer): 'UTF-16' | 'UTF-32' | null {
  const [a, b, c, d] = bytes
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff)) {
    return 'UTF-32'
  }
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return 'UTF-16'
  const sample = bytes.subarray(0, 4096)
  const zeros = [0, 0]
  sample.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1
  })
  const half = Math.floor(sample.length / 2)
  return half >= 2 && Math.max(...zeros) > half * 0.6 ? 'UTF-16' : null
}

/**
 * Offset of the first byte that is not UTF-8: decoding puts U+FFFD there, so that is where encoding the result again
 * first differs. The step back is for a broken sequence whose first byte equals that of U+FFFD.
 */
function findInvalidByte(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'))
  let offset = 0
  while (offset < bytes.length && bytes[offset] === again[offset]) offset++
  while (offset > 0 && ((again[offset] ?? 0) & 0xc0) === 0x80) offset--
  return offset
}

function countLines(bytes: Buffer, end: number): number {
  let line = 1
  for (let index = bytes.indexOf(10); index >= 0 && index < end; index = bytes.indexOf(10, index + 1)) line++
  return line
}

function hex(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, '0')
}
