import type { Notice } from '../model/migration.ts'

/** Puts values in for literal texts, longest first, in one pass: what a value holds is not looked at again. */
export function replacePlaceholders(text: string, placeholders: Readonly<Record<string, string>>): string {
  const keys = Object.keys(placeholders).filter((key) => key !== '' && text.includes(key))
  if (keys.length === 0) return text
  const pattern = keys
    .sort((a, b) => b.length - a.length)
    .map((key) => key.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|')
  return text.replaceAll(new RegExp(pattern, 'g'), (key) => placeholders[key] ?? key)
}

/** What is said of placeholders where migrations are code; nothing where there are none. */
export function notePlaceholdersUnused(
  placeholders: Readonly<Record<string, string>>,
  message = 'Placeholders are not put into migrations that are code.',
): Notice[] {
  if (Object.keys(placeholders).length === 0) return []
  return [{ rule: 'placeholders-unused', message, hint: 'Read a variable in the migration instead.' }]
}
