import type { Word } from './lex.ts'

/** One assignment of a SET. */
export interface Assignment {
  /** Lower case, without its scope: `sql_mode`, `@old_mode`, `names`. */
  name: string
  scope: 'session' | 'server' | 'user' | 'transaction'
  /** Words of the value. */
  value: readonly Word[]
}

function split(words: readonly Word[]): Word[][] {
  const items: Word[][] = [[]]
  let depth = 0
  for (const word of words) {
    if (word.key === '(') depth++
    if (word.key === ')') depth--
    if (word.key === ',' && depth === 0) items.push([])
    else if (word.key !== ';') items.at(-1)?.push(word)
  }
  return items
}

const serverScopes = new Set(['GLOBAL', 'PERSIST', 'PERSIST_ONLY'])

function readOne(item: readonly Word[]): Assignment | null {
  let words = item
  let scope: Assignment['scope'] = 'session'
  const first = words[0]?.key ?? ''
  if (['SESSION', 'LOCAL', ...serverScopes].includes(first) && !['=', ':='].includes(words[1]?.key ?? '')) {
    if (serverScopes.has(first)) scope = 'server'
    words = words.slice(1)
  }
  const [target, next] = words
  if (target === undefined) return null
  if (target.key === 'TRANSACTION') {
    const explicit = words !== item
    return {
      name: 'transaction',
      scope: scope === 'server' ? scope : explicit ? 'session' : 'transaction',
      value: words.slice(1),
    }
  }
  if (target.key === 'NAMES' || target.key === 'CHARSET') return { name: 'names', scope, value: words.slice(1) }
  if (target.key === 'CHARACTER' || (target.key === 'CHAR' && next?.key === 'SET')) {
    return { name: 'names', scope, value: words.slice(2) }
  }
  if (target.key === 'ROLE') return { name: 'role', scope, value: words.slice(1) }
  if (!words.some(({ key }) => key === '=' || key === ':=')) return null
  const equals = words.findIndex(({ key }) => key === '=' || key === ':=')
  const value = words.slice(equals + 1)
  if (target.type === 'variable') {
    const system = /^@@(?:(global|persist|persist_only|session|local)\.)?(.+)$/i.exec(target.text)
    if (system) {
      const named = (system[1] ?? '').toUpperCase()
      return { name: (system[2] ?? '').toLowerCase(), scope: serverScopes.has(named) ? 'server' : 'session', value }
    }
    // @`a b`, @'a'
    const name = target.text === '@' ? `@${next?.text.slice(1, -1) ?? ''}` : target.text
    return { name: name.toLowerCase(), scope: 'user', value }
  }
  return { name: target.text.replaceAll('`', '').toLowerCase(), scope, value }
}

/** The assignments of a SET statement; null: it is none. */
export function readSettings(words: readonly Word[]): Assignment[] | null {
  if (words[0]?.key !== 'SET') return null
  const second = words[1]?.key ?? ''
  if (second === 'STATEMENT' || second === 'PASSWORD') return null
  if (second === 'DEFAULT' && words[2]?.key === 'ROLE') return null
  const rest = words.slice(1)
  // Its own commas are no ends of assignments: SET TRANSACTION ISOLATION LEVEL …, READ ONLY.
  if (rest.slice(0, 2).some(({ key }) => key === 'TRANSACTION')) {
    const one = readOne(rest)
    return one === null ? [] : [one]
  }
  return split(rest)
    .map(readOne)
    .filter((one) => one !== null)
}

/** User variables that a statement gives a value: `SET @a`, `SELECT … INTO @a`, `@a := 1`. Lower case. */
export function assignedVariables(words: readonly Word[]): string[] {
  const found = (readSettings(words) ?? []).filter(({ scope }) => scope === 'user').map(({ name }) => name)
  let into = false
  for (const [i, word] of words.entries()) {
    if (word.key === 'INTO') into = true
    else if (into && word.key !== ',' && word.type !== 'variable') into = false
    const isUser = word.type === 'variable' && !word.text.startsWith('@@')
    if (isUser && (into || words[i + 1]?.key === ':=')) found.push(word.text.toLowerCase())
  }
  return [...new Set(found)]
}

const volatile = new Set(
  `LAST_INSERT_ID ROW_COUNT FOUND_ROWS UUID UUID_SHORT SYS_GUID RAND NOW SYSDATE CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP
  CURDATE CURRENT_DATE CURTIME CURRENT_TIME UTC_DATE UTC_TIME UTC_TIMESTAMP UNIX_TIMESTAMP CONNECTION_ID NEXTVAL LASTVAL
  GET_LOCK`.split(/\s+/),
)
const catalogs = /^`?(information_schema|performance_schema|mysql|sys)`?$/i

/**
 * Why a value may be another one when it is made again: `LAST_INSERT_ID()`, `a table`. null: it is not. What is read
 * from the catalog may be, but says then how things are now, which is what such a question is for.
 */
export function volatileValue(words: readonly Word[]): string | null {
  for (const [i, word] of words.entries()) {
    if (volatile.has(word.key)) return `${word.key}()`
    if (['FROM', 'JOIN'].includes(word.key)) {
      const [table, dot] = [words[i + 1], words[i + 2]]
      const isCatalog = table !== undefined && dot?.key === '.' && catalogs.test(table.text)
      if (!isCatalog && table?.key !== '(' && table?.key !== 'DUAL') return `table ${table?.text ?? '…'}`
    }
    if (word.key === ':=' && words[i - 1]?.type === 'variable' && words[0]?.key !== 'SET') return 'what it counts up'
  }
  return null
}
