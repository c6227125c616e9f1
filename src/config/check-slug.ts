const longestSlugBytes = 63

/**
 * Why this cannot be the slug of a tenant that the registry takes in; null: it can. Lower-case letters, digits, `-` and
 * `_`, beginning with a letter or digit, 63 bytes at most: it becomes part of names of databases, roles and files. The
 * character at fault is told by its code point, since look-alikes and invisible ones cannot be told by sight.
 */
export function checkSlug(slug: string): string | null {
  if (slug === '') return 'is empty'
  const at = [...slug].findIndex((character) => !/[a-z0-9_-]/.test(character))
  const wrong = [...slug][at]
  if (wrong !== undefined) return describeCharacter(wrong, at + 1)
  if (/^[_-]/.test(slug)) return `begins with \`${slug.charAt(0)}\`; it must begin with a letter or a digit`
  if (slug.length > longestSlugBytes) return `is ${slug.length} bytes long; the limit is ${longestSlugBytes}`
  return null
}

/** A slug that was refused, as messages show it: in quotes, everything but printable ASCII as code points, cut. */
export function showSlug(slug: string): string {
  const shown = [...slug]
    .slice(0, 70)
    .map((character) => (/[\x20-\x7e]/.test(character) ? character : `<${codePoint(character)}>`))
    .join('')
  return `"${shown}${[...slug].length > 70 ? '…' : ''}"`
}

function describeCharacter(character: string, place: number): string {
  const allowed = 'lower-case letters (a–z), digits, `-` and `_`'
  const where = `${codePoint(character)} as character ${place}`
  if (/[A-Z]/.test(character)) return `has the capital \`${character}\` (${where}); slugs are ${allowed}`
  const lookAlike = character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const plain = /^[a-z0-9]$/.test(lookAlike) ? `, which is not the plain \`${lookAlike}\`` : ''
  const seen = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `\`${character}\` (${where})` : where
  return `has ${seen}${plain}; slugs are ${allowed}`
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
