import type { ColumnFacts } from '../../model/statement-facts.ts'
import { nameOf, type Word } from './lex.ts'

/** What begins a part of a table's definition that is no column. */
export const notColumns = new Set(
  'PRIMARY UNIQUE INDEX KEY FULLTEXT SPATIAL CONSTRAINT FOREIGN CHECK PERIOD LIKE PARTITION SYSTEM VECTOR'.split(' '),
)

const steadyCalls = new Set(
  'CURRENT_TIMESTAMP NOW LOCALTIME LOCALTIMESTAMP CURRENT_DATE CURDATE CURRENT_TIME CURTIME UTC_TIMESTAMP UTC_DATE'.split(
    ' ',
  ),
)
const volatileCalls = new Set('UUID UUID_SHORT RAND SYS_GUID UUID_V4 UUID_V7 RANDOM_BYTES SYSDATE NEXTVAL'.split(' '))

/** Words of `( … )` from `at` on, with the parentheses. */
function enclosed(words: readonly Word[], at: number): readonly Word[] {
  if (words[at]?.key !== '(') return []
  let depth = 0
  for (let i = at; i < words.length; i++) {
    if (words[i]?.key === '(') depth++
    if (words[i]?.key === ')' && --depth === 0) return words.slice(at, i + 1)
  }
  return words.slice(at)
}

function readType(words: readonly Word[]): string {
  const [first] = words
  if (first === undefined) return ''
  const size = enclosed(words, 1)
  const unsigned = words[1 + size.length]?.key === 'UNSIGNED' ? ' unsigned' : ''
  return `${first.text.toLowerCase()}${size.map(({ text }) => text).join('')}${unsigned}`
}

function readDefault(words: readonly Word[]): ColumnFacts['default'] {
  if (words.some(({ key }) => key === 'AUTO_INCREMENT' || key === 'SERIAL')) return 'sequence'
  const at = words.findIndex(({ key }) => key === 'DEFAULT')
  const value = words[at + 1]
  if (at === -1 || value === undefined || value.key === 'NULL') return 'none'
  const expression = value.key === '(' ? enclosed(words, at + 1) : [value]
  if (expression.some(({ key }) => volatileCalls.has(key))) return 'volatile'
  return expression.some(({ key }) => steadyCalls.has(key)) ? 'stable' : 'constant'
}

/** A column by its words: name, type, attributes. */
export function readColumn(words: readonly Word[]): ColumnFacts | null {
  const [name, ...rest] = words
  if (name === undefined) return null
  const keys = rest.map(({ key }) => key)
  const at = (...wanted: string[]) => keys.some((_, i) => wanted.every((key, ahead) => keys[i + ahead] === key))
  const isComputed = at('AS', '(') || at('GENERATED')
  return {
    name: nameOf(name),
    type: readType(rest),
    notNull: at('NOT', 'NULL') || at('PRIMARY', 'KEY') || keys[0] === 'SERIAL',
    default: readDefault(rest),
    generated: !isComputed ? 'no' : at('STORED') || at('PERSISTENT') ? 'stored' : 'virtual',
  }
}

/** Labels of `ENUM('a', 'b')`; null: the type is another. */
export function readLabels(words: readonly Word[]): string[] | null {
  const at = words.findIndex(({ key }) => key === 'ENUM')
  if (at === -1) return null
  return enclosed(words, at + 1).flatMap(({ type, text }) => (type === 'string' ? [text.slice(1, -1)] : []))
}

const sized = /^(varchar|varbinary)\((\d+)\)$/

/**
 * MySQL 8.4 manual, 17.12.1: a VARCHAR may grow in place while its length takes as many bytes; everything else is a copy.
 */
export function keepsRows(from: string, to: string): boolean | null {
  if (from === to) return true
  const [old, next] = [sized.exec(from), sized.exec(to)]
  if (old === null || next === null || old[1] !== next[1]) return false
  const [before, after] = [Number(old[2]), Number(next[2])]
  if (after < before) return false
  // Up to four bytes for a character: below 64 the length takes one byte for certain, from 256 on two.
  if (after < 64 || before >= 256) return true
  return null
}
