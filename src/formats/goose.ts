import { join } from 'node:path'
import type { Format } from '../model/format.ts'
import { replaceVariables } from './goose/replace-variables.ts'
import { historyShape } from './history-shapes.ts'
import { nextNumber } from './sections/next-version.ts'
import { sectionFormat } from './sections/section-format.ts'
import { endsStatement, type SectionFault, SectionLines, type Sections } from './sections/sections.ts'
import { describeName, formatStamp, makeSlug } from './slug.ts'

/**
 * SQL files of goose: `-- +goose Up` and `Down`, `StatementBegin` and `StatementEnd`, `NO TRANSACTION`, `ENVSUB ON` and
 * `OFF`. Source: `sqlparser/parser.go` and `provider_collect.go` of goose 3: files are taken by the number before the
 * first underscore, and the history holds that number.
 */
export const goose: Format = sectionFormat({
  name: 'goose',
  title: 'goose',
  history: historyShape('goose'),
  marker: /^--\s*\+goose\s+up\b/im,
  readName(fileName) {
    const digits = /^(\d+)_.*\.sql$/.exec(fileName)?.[1]
    const number = digits?.replace(/^0+(?=\d)/, '')
    if (number === undefined || number === '0') return null
    return { id: fileName.replace(/\.sql$/, ''), number, key: number }
  },
  refuse(fileName) {
    if (!/^0*[1-9]\d*_.*\.go$/.test(fileName) || fileName.endsWith('_test.go')) return null
    return {
      message: 'is a migration in Go, which only a program of its own can run',
      hint: "Write it in SQL where it is to be run here; or, where no database needs it any more, leave it out with the config's key `ignore` and mark it with `tenantry baseline`.",
    }
  },
  compare: (a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : BigInt(a.key) > BigInt(b.key) ? 1 : 0),
  split: splitAnnotated,
  template({ dir, last, name, description, now }) {
    const written = last === null ? null : (/^\d+/.exec(last.id)?.[0] ?? null)
    const number = nextNumber(written, now, formatStamp(now))
    const header = `-- Description: ${describeName(name, description)}\n`
    return { path: join(dir, `${number}_${makeSlug(name)}.sql`), text: `${header}-- +goose Up\n\n-- +goose Down\n` }
  },
})

const hint =
  'See the annotations of goose: `-- +goose Up` first, each statement ends with a semicolon at the end of a line or in StatementEnd.'

/** Takes a file apart line by line, as the tool does. */
export function splitAnnotated(text: string): Sections | SectionFault {
  const found = { up: new SectionLines(), down: new SectionLines() }
  let direction: 'up' | 'down' | null = null
  let noTransaction = false
  let substitutes = false
  /** Line of a StatementBegin without its end. */
  let block: number | null = null
  /** Line of a statement that has not ended. */
  let open: number | null = null
  const fault = (line: number | null, message: string): SectionFault => ({
    line: line === null ? null : line + 1,
    message,
    hint,
  })
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim().startsWith('--') && line.includes('+goose')) {
      const word = line.replaceAll('--', '').replace('+goose', '').trim().toLowerCase()
      if (/^\s/.test(line)) return fault(index, 'has an annotation that does not begin its line')
      if (word === 'no transaction') noTransaction = true
      else if (word === 'envsub on' || word === 'envsub off') substitutes = word === 'envsub on'
      else if (word === 'up') {
        if (direction !== null) return fault(index, 'has a second `-- +goose Up`, or one after Down')
        direction = 'up'
      } else if (word === 'down') {
        if (direction !== 'up' || block !== null) return fault(index, 'has a `-- +goose Down` in the wrong place')
        if (open !== null) return fault(open, 'has a statement that does not end')
        direction = 'down'
      } else if (word === 'statementbegin') {
        if (direction === null || block !== null) return fault(index, 'has a StatementBegin in the wrong place')
        block = index
      } else if (word === 'statementend') {
        if (direction === null || block === null) return fault(index, 'has a StatementEnd without its StatementBegin')
        if (!/(^|;)$/.test(found[direction].lastCode() ?? '')) found[direction].set(index, ';')
        block = null
        open = null
      } else return fault(index, `has an annotation that goose does not know: ${line.trim().slice(0, 80)}`)
      continue
    }
    const isAside = line.trim().startsWith('--') || line.trim() === ''
    if (direction === null) {
      if (!isAside) return fault(index, 'has a statement before `-- +goose Up`')
      continue
    }
    if (isAside && open === null && block === null) {
      found[direction].set(index, line)
      continue
    }
    const filled = substitutes ? replaceVariables(line, process.env) : line
    if (typeof filled !== 'string') return fault(index, filled.problem)
    found[direction].set(index, filled)
    if (block === null) open = endsStatement(filled) ? null : (open ?? index)
  }
  if (direction === null) return fault(null, 'has no `-- +goose Up`')
  if (block !== null) return fault(block, 'has a StatementBegin without its StatementEnd')
  if (open !== null) return fault(open, 'has a statement that does not end')
  return {
    up: { text: found.up.join(), noTransaction },
    down: direction === 'down' ? { text: found.down.join(), noTransaction } : null,
  }
}
