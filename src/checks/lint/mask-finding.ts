import type { LintFinding } from '../../model/lint.ts'

/** A secret that a statement sets: `PASSWORD 'x'`, `IDENTIFIED BY 'x'`. */
const written = /\b(password|identified\s+by)(\s*(?:=|\bas\b)?\s*)(?:[eE]?'(?:[^']|'')*'|"[^"]*")/gi

/**
 * Takes out what must not be in a log: the values of placeholders (their names come back in), and passwords that a
 * statement sets.
 */
export function maskFinding<T extends LintFinding>(finding: T, placeholders: Readonly<Record<string, string>>): T {
  const entries = Object.entries(placeholders).filter(([, value]) => value.length > 2)
  const mask = (text: string) => {
    let masked = text
    for (const [name, value] of entries) masked = masked.replaceAll(value, name)
    return masked.replace(written, "$1$2'[secret]'")
  }
  const { message, rewrite, excerpt } = finding
  return {
    ...finding,
    message: mask(message),
    rewrite: rewrite === null ? null : mask(rewrite),
    excerpt: excerpt === null ? null : mask(excerpt),
  }
}
