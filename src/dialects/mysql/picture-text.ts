import { ownSchema } from '../../model/picture.ts'
import { nameOf, type Word, wordsOf } from './lex.ts'

/** Whose name is written as {@link ownSchema}, and what is known to be in it. */
export interface Own {
  database: string
  /** Tables, views, routines, sequences: lower case. */
  objects: ReadonlySet<string>
  /** `lower_case_table_names` is not 0: databases are compared without case. */
  folded: boolean
}

/** Words that a table or a routine comes after, and no column. */
const beforeObject = new Set('FROM JOIN INTO UPDATE TABLE TABLES CALL REFERENCES SEQUENCE EXISTS'.split(' '))

/**
 * Does this word name the target's own database? It does where a name follows that only a database can be in front of:
 * an alias or a table may be called like the database, and then `shop.id` is a column.
 */
function isOwn(words: readonly Word[], at: number, own: Own, ansiQuotes: boolean): boolean {
  const word = words[at] as Word
  const isName = word.type === 'word' || word.type === 'name' || (ansiQuotes && word.text.startsWith('"'))
  if (!isName || words[at + 1]?.key !== '.' || words[at - 1]?.key === '.') return false
  const name = nameOf(word)
  if (own.folded ? name.toLowerCase() !== own.database.toLowerCase() : name !== own.database) return false
  const object = words[at + 2]
  if (object === undefined) return false
  const after = words[at + 3]?.key
  if (after === '.' || after === '(' || beforeObject.has(words[at - 1]?.key ?? '')) return true
  return own.objects.has(nameOf(object).toLowerCase())
}

/** How a text is to be read: what the `sql_mode` it was written under changes. */
export interface TextModes {
  ansiQuotes: boolean
  /** Backslashes do not escape: then a text with one cannot be split into words here, and is left as it is. */
  plainBackslashes: boolean
}

const usual: TextModes = { ansiQuotes: false, plainBackslashes: false }

export function modesOf(sqlMode: string): TextModes {
  const modes = sqlMode.split(',')
  const is = (name: string) => modes.includes(name)
  return { ansiQuotes: is('ANSI_QUOTES') || is('ANSI'), plainBackslashes: is('NO_BACKSLASH_ESCAPES') }
}

const unreadable = (text: string, modes: TextModes) => modes.plainBackslashes && text.includes('\\')

/**
 * A text as it is compared: comments and runs of white space are one space, the own database is {@link ownSchema}.
 * Between quotes nothing changes.
 */
export function comparable(text: string, own: Own, modes: TextModes = usual): string {
  return unreadable(text, modes) ? text.trim() : joinWords(text, wordsOf(text), own, modes)
}

/** The same for some words of a text. */
export function joinWords(text: string, words: readonly Word[], own: Own, modes: TextModes = usual): string {
  let joined = ''
  for (const [at, word] of words.entries()) {
    const gap = at === 0 ? '' : text.slice((words[at - 1] as Word).end, word.start)
    joined += (gap === '' ? '' : ' ') + (isOwn(words, at, own, modes.ansiQuotes) ? ownSchema : word.text)
  }
  return joined
}

/** The text with {@link ownSchema} for the own database, and otherwise as it is. */
export function markOwn(text: string, own: Own, modes: TextModes = usual): string {
  if (unreadable(text, modes)) return text
  const words = wordsOf(text)
  let marked = ''
  let from = 0
  for (const [at, word] of words.entries()) {
    if (!isOwn(words, at, own, modes.ansiQuotes)) continue
    marked += text.slice(from, word.start) + ownSchema
    from = word.end
  }
  return marked + text.slice(from)
}

/** What a quoted text says. As the server quotes it: with doubled quotes, and escapes where backslashes are. */
export function textOf(literal: string): string {
  const inside = literal.slice(1, -1).replaceAll(literal.charAt(0).repeat(2), literal.charAt(0))
  const escaped: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0', Z: '\x1a', b: '\b' }
  return inside.replaceAll(/\\([\s\S])/g, (_, letter: string) => escaped[letter] ?? letter)
}

/** Cuts `DEFINER=…` out of what SHOW CREATE gives: who makes an object again is its definer. */
export function withoutDefiner(text: string): string {
  const words = wordsOf(text, 12)
  const at = words.findIndex(({ key }) => key === 'DEFINER')
  if (at === -1) return text
  // DEFINER = user @ 'host', where `@host` may be one word, and a role has no host.
  const user = words[at + 2] as Word
  const next = words[at + 3]
  const hasHost = next !== undefined && next.type === 'variable' && next.start === user.end
  const host = hasHost && next.text === '@' ? words[at + 4] : next
  const end = hasHost ? (host as Word).end : user.end
  return text.slice(0, (words[at] as Word).start) + text.slice(end).trimStart()
}

/** `utf8` is what older servers call `utf8mb3`. */
export function charsetName(name: string): string {
  return name.toLowerCase().replace(/^utf8(?=_|$)/, 'utf8mb3')
}
