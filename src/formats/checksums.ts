import { createHash, getFips } from 'node:crypto'
import type { FileText } from './read-file.ts'

/** The checksum of a file by its format's recipe, and by others that runners are known to use. */
export interface Checksums {
  checksum: string
  otherChecksums: readonly string[]
}

/**
 * SQL files: SHA-256 over the text without a byte order mark and with LF line ends, so that a checkout on another
 * system changes nothing.
 */
export function checksumText(file: FileText): Checksums {
  return arrange(sha256(toLf(file.text)), file)
}

/**
 * Prisma: SHA-256 over the bytes of the file. Prisma itself also takes both kinds of line ends for unchanged, and the
 * hex of old versions, without leading zeros (`checksum.rs` of prisma-engines).
 */
export function checksumBytes(file: FileText): Checksums {
  const lf = toLf(file.bytes.toString('utf8'))
  const native = [sha256(file.bytes), sha256(lf), sha256(toCrlf(lf))]
  return arrange(sha256(file.bytes), file, [...native, ...native.map(withoutZeros)])
}

function arrange(checksum: string, file: FileText, native: readonly string[] = []): Checksums {
  const lf = toLf(file.text)
  const texts = [lf, toCrlf(lf), file.text, file.text.trim(), lf.trim()]
  const others = new Set([...native, sha256(file.bytes), ...unique(texts).map(sha256)])
  // MD5 is only compared with what a home-made runner stored; where FIPS rules forbid it, it is left out.
  if (getFips() === 0) for (const content of [file.bytes, ...unique(texts)]) others.add(md5(content))
  others.delete(checksum)
  return { checksum, otherChecksums: [...others] }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}

function toLf(text: string): string {
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text
}

function toCrlf(lf: string): string {
  return lf.replaceAll('\n', '\r\n')
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function md5(content: string | Buffer): string {
  return createHash('md5').update(content).digest('hex')
}

function withoutZeros(digest: string): string {
  return digest.replaceAll(/(..)/g, (pair) => (pair.startsWith('0') ? pair.slice(1) : pair))
}
