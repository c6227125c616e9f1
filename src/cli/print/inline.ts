/**
 * A text of others on one line, with everything that cannot be seen or that steers a terminal as its code: line ends,
 * tabs, escapes, marks that turn the direction of writing, and characters of no width.
 */
export function inline(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })
}
