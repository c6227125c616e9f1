import { join } from 'node:path'
import type { Format } from '../model/format.ts'
import { historyShape } from './history-shapes.ts'
import { nextNumber } from './sections/next-version.ts'
import { type SectionFile, sectionFormat } from './sections/section-format.ts'
import { endsStatement, type SectionFault, SectionLines, type Sections } from './sections/sections.ts'
import { describeName, formatStamp, makeSlug } from './slug.ts'

/**
 * Files of sql-migrate: `-- +migrate Up` and `-- +migrate Down`, `notransaction` behind either, `StatementBegin` and
 * `StatementEnd` around what has semicolons inside. Source: `sqlparse.go` and `migrate.go`: by the number in front as a
 * number, then by name, names without one last; the history holds file names.
 */
export const sqlMigrate: Format = sectionFormat({
  name: 'sql-migrate',
  title: 'sql-migrate',
  history: historyShape('sql-migrate'),
  marker: /^-- \+migrate (Up|Down)\b/m,
  readName(fileName) {
    if (!fileName.endsWith('.sql')) return null
    return { id: fileName.slice(0, -4), number: /^\d+/.exec(fileName)?.[0] ?? null, key: fileName }
  },
  compare,
  split: splitDirections,
  template({ dir, last, name, description, now }) {
    const number = last?.number == null ? formatStamp(now) : nextNumber(last.number, now, '')
    const separator = last === null ? '-' : (/^\d+([-_.])/.exec(last.id)?.[1] ?? '-')
    const header = `-- Description: ${describeName(name, description)}\n`
    const path = join(dir, `${number}${separator}${makeSlug(name)}.sql`)
    return { path, text: `${header}\n-- +migrate Up\n\n-- +migrate Down\n` }
  },
})

function compare(a: SectionFile, b: SectionFile): number {
  if (a.number !== null && b.number !== null) {
    const [left, right] = [BigInt(a.number), BigInt(b.number)]
    if (left !== right) return left < right ? -1 : 1
  } else if (a.number !== null || b.number !== null) return a.number === null ? 1 : -1
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}

const hint =
  'See the parser of sql-migrate: each statement ends with a semicolon at the end of a line, or in StatementEnd.'

/** Takes a file apart line by line, as the tool does. A direction may come more than once, in any order. */
export function splitDirections(text: string): Sections | SectionFault {
  const found = { up: new SectionLines(), down: new SectionLines() }
  const noTransaction = { up: false, down: false }
  let direction: 'up' | 'down' | null = null
  let hasDown = false
  /** Line of a StatementBegin without its end. */
  let block: number | null = null
  /** Line of a statement that has not ended. */
  let open: number | null = null
  const unended = (line: number): SectionFault => ({
    line: line + 1,
    message: 'has a statement that does not end',
    hint,
  })
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('-- +migrate ')) {
      const [command, ...options] = line.slice('-- +migrate '.length).trim().split(/\s+/)
      if (command === 'Up' || command === 'Down') {
        if (open !== null) return unended(open)
        direction = command === 'Up' ? 'up' : 'down'
        hasDown ||= direction === 'down'
        noTransaction[direction] ||= options.includes('notransaction')
      } else if (command === 'StatementBegin' && direction !== null) block = index
      else if (command === 'StatementEnd' && direction !== null && block !== null) {
        if (!/(^|;)$/.test(found[direction].lastCode() ?? '')) found[direction].set(index, ';')
        block = null
        open = null
      }
      continue
    }
    if (direction === null) continue
    found[direction].set(index, line)
    if (line.startsWith('-- ') || (line.trim() === '' && open === null)) continue
    if (block === null) open = endsStatement(line) ? null : (open ?? index)
  }
  if (block !== null) return { line: block + 1, message: 'has a StatementBegin without its StatementEnd', hint }
  if (direction === null) return { line: null, message: 'has neither `-- +migrate Up` nor `-- +migrate Down`', hint }
  if (open !== null) return unended(open)
  const section = (name: 'up' | 'down') => ({ text: found[name].join(), noTransaction: noTransaction[name] })
  return { up: section('up'), down: hasDown ? section('down') : null }
}
