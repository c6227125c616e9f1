import type { Finding } from '../finding.ts'
import { readAlterTable } from './alter-actions.ts'
import type { Word } from './lex.ts'
import { type Algorithm, type OnlineCase, type OnlineCaseName, onlineCases } from './online-ddl-cases.ts'
import { readStatement, showName } from './probe-reader.ts'

const weight: Record<Algorithm, number> = { INSTANT: 0, INPLACE: 1, COPY: 2 }

function judgeNewColumn(keys: readonly string[]): OnlineCaseName {
  if (keys.includes('AUTO_INCREMENT')) return 'add-column-auto-increment'
  if (keys.includes('STORED') || keys.includes('PERSISTENT')) return 'add-column-stored'
  if (keys.includes('AS') && keys.includes('(')) return 'add-column-virtual'
  if (keys.includes('UNIQUE') || keys.includes('PRIMARY')) return 'add-primary-key'
  return keys.includes('FIRST') || keys.includes('AFTER') ? 'add-column-within' : 'add-column'
}

function judgeAdd(keys: readonly string[]): OnlineCaseName {
  const named = keys[1] === 'CONSTRAINT'
  const rest = named
    ? keys.slice(['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(keys[2] ?? '') ? 2 : 3)
    : keys.slice(1)
  switch (rest[0]) {
    case 'INDEX':
    case 'KEY':
    case 'UNIQUE':
    case 'VECTOR':
      return 'add-index'
    case 'FULLTEXT':
      return 'add-fulltext'
    case 'SPATIAL':
      return 'add-spatial'
    case 'PRIMARY':
      return 'add-primary-key'
    case 'FOREIGN':
      return 'add-foreign-key'
    case 'CHECK':
      return 'add-check'
    case 'PARTITION':
      return 'add-partition'
    case 'SYSTEM':
    case 'PERIOD':
      return 'system-versioning'
    default:
      return judgeNewColumn(keys)
  }
}

function judgeDrop(second: string | undefined): OnlineCaseName {
  switch (second) {
    case 'INDEX':
    case 'KEY':
      return 'drop-index'
    case 'PRIMARY':
      return 'drop-primary-key'
    case 'FOREIGN':
      return 'drop-foreign-key'
    case 'CHECK':
    case 'CONSTRAINT':
      return 'drop-check'
    case 'PARTITION':
      return 'drop-partition'
    case 'SYSTEM':
    case 'PERIOD':
      return 'system-versioning'
    default:
      return 'drop-column'
  }
}

/** What one action of an ALTER TABLE is; null: it is an option that says how, not what. */
export function judgeAction(words: readonly Word[]): OnlineCaseName | null {
  const keys = words.map(({ key }) => key)
  const [first, second] = keys
  switch (first) {
    case 'ALGORITHM':
    case 'LOCK':
    case 'WAIT':
    case 'NOWAIT':
    case 'WITH':
    case 'WITHOUT':
      return null
    case 'ADD':
      return judgeAdd(keys)
    case 'DROP':
      return judgeDrop(second)
    case 'MODIFY':
    case 'CHANGE':
      return 'change-column'
    case 'ALTER':
      return second === 'INDEX' || second === 'KEY' ? 'alter-index' : 'set-default'
    case 'RENAME':
      if (second === 'COLUMN') return 'rename-column'
      return second === 'INDEX' || second === 'KEY' ? 'rename-index' : 'rename-table'
    case 'CONVERT':
      return 'convert-charset'
    case 'DEFAULT':
    case 'CHARACTER':
    case 'CHARSET':
    case 'COLLATE':
      return 'default-charset'
    case 'FORCE':
    case 'ROW_FORMAT':
    case 'KEY_BLOCK_SIZE':
      return 'rebuild'
    case 'ENGINE':
      return 'engine'
    case 'ORDER':
      return 'order-by'
    case 'PARTITION':
    case 'REMOVE':
    case 'COALESCE':
    case 'REORGANIZE':
    case 'EXCHANGE':
    case 'TRUNCATE':
    case 'REBUILD':
      return first === 'TRUNCATE' || first === 'EXCHANGE' ? 'drop-partition' : 'repartition'
    default:
      return 'table-option'
  }
}

interface Change {
  statement: string
  table: string
  cases: OnlineCase[]
  /** `ALGORITHM=INPLACE, LOCK=NONE`, as the statement says it; null: it does not. */
  asked: string | null
  /** What parts the options from the rest. */
  comma: string
}

function readAsked(words: readonly Word[]): string | null {
  const asked = words.flatMap(({ key }, i) => {
    if (key !== 'ALGORITHM' && key !== 'LOCK') return []
    const value = words[i + 1]?.key === '=' ? words[i + 2] : words[i + 1]
    return value === undefined || value.type !== 'word' ? [] : [`${key}=${value.key}`]
  })
  return asked.length === 0 ? null : asked.join(', ')
}

function readChange(text: string, words: readonly Word[]): Change | null {
  const altered = readAlterTable(text)
  if (altered !== null) {
    const names = altered.actions.map(({ words: own }) => judgeAction(own)).filter((name) => name !== null)
    if (names.length === 0) return null
    const options = altered.actions.flatMap(({ words: own }) => (judgeAction(own) === null ? own : []))
    const table = showName(altered.table)
    const both = names.includes('add-primary-key') && names.includes('drop-primary-key')
    const cases = names
      .filter((name) => !both || name !== 'drop-primary-key')
      .map((name): OnlineCase => onlineCases[name])
    return { statement: 'ALTER TABLE', table, cases, asked: readAsked(options), comma: ', ' }
  }
  const reader = readStatement(text)
  const verb = reader.takeOne('CREATE', 'DROP')
  if (verb === null) return null
  reader.take('OR', 'REPLACE')
  const type = verb === 'CREATE' ? reader.takeOne('UNIQUE', 'FULLTEXT', 'SPATIAL') : null
  reader.takeOne('ONLINE', 'OFFLINE')
  if (!reader.take('INDEX')) return null
  while (!reader.ended && !reader.take('ON')) reader.next()
  const table = reader.takeName()
  if (table === null) return null
  const name =
    verb === 'DROP'
      ? 'drop-index'
      : type === 'FULLTEXT'
        ? 'add-fulltext'
        : type === 'SPATIAL'
          ? 'add-spatial'
          : 'add-index'
  // A column in the brackets may be called lock.
  const asked = readAsked(words.slice(words.findLastIndex(({ key }) => key === ')') + 1))
  return { statement: `${verb} INDEX`, table: showName(table), cases: [onlineCases[name]], asked, comma: ' ' }
}

/** The table that a CREATE TABLE makes; null: the statement is none. */
export function createdTable(text: string): string | null {
  if (!/^(?:\s|\/\*M?!\d*)*create\b/i.test(text.slice(0, 100))) return null
  const reader = readStatement(text)
  reader.take('CREATE')
  reader.take('OR', 'REPLACE')
  reader.take('TEMPORARY')
  if (!reader.take('TABLE')) return null
  reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  return name === null ? null : showName(name)
}

/**
 * How a change of a table will probably be carried out, and the clause with which the server refuses instead of blocking
 * everybody. null: the statement changes none, or one that the same file makes.
 */
export function noticeOnlineDdl(
  text: string,
  words: readonly Word[],
  line: number,
  made: ReadonlySet<string>,
): Finding | null {
  if (!['ALTER', 'CREATE', 'DROP'].includes(words[0]?.key ?? '')) return null
  const change = readChange(text, words)
  if (change === null || made.has(change.table)) return null
  const { statement, table, cases, asked, comma } = change
  const about = { rule: 'online-ddl', detail: true, line } as const
  const subject = `${statement} ${table} (line ${line})`
  if (asked !== null) {
    return { ...about, message: `${subject} asks for ${asked}: the server refuses it rather than take another way` }
  }
  const [slowest] = [...cases].sort(
    (a, b) => weight[b.algorithm] - weight[a.algorithm] || Number(a.writable) - Number(b.writable),
  )
  if (slowest === undefined) return null
  const { what, algorithm, writable, since, unless } = slowest
  const facts = [
    what,
    ...(since === undefined ? [] : [`since ${since}`]),
    ...(unless === undefined ? [] : [`unless ${unless}`]),
  ]
  const effect =
    algorithm === 'INSTANT'
      ? 'no rows are touched'
      : writable
        ? 'others can write meanwhile'
        : 'nobody can write meanwhile'
  const lead = comma === ', ' ? ', ' : ''
  const clause =
    algorithm === 'INSTANT'
      ? 'ALGORITHM=INSTANT'
      : `ALGORITHM=INPLACE${comma}LOCK=${writable || algorithm === 'COPY' ? 'NONE' : 'SHARED'}`
  const hint = `with \`${lead}${clause}\` at its end the server refuses instead of ${algorithm === 'COPY' ? 'blocking' : 'taking a slower way'}`
  return {
    ...about,
    message: `${subject} will probably run with ALGORITHM=${algorithm}: ${effect} (${facts.join('; ')})`,
    hint,
  }
}
