const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xed_b8_83_20 : value >>> 1
  return value
})

/**
 * Flyway's checksum: the CRC-32 of all lines, without their ends and without a byte order mark, as a signed number.
 * Source: `ChecksumCalculator`. It takes the text as it was decoded, mark removed.
 */
export function flywayChecksum(text: string): number {
  const bytes = Buffer.from(text.replace(/^\uFEFF/, '').replaceAll(/[\r\n]+/g, ''), 'utf8')
  let value = -1
  for (const byte of bytes) value = (table[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
  return ~value
}
