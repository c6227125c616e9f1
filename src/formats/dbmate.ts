import { join } from 'node:path'
import type { Format } from '../model/format.ts'
import { historyShape } from './history-shapes.ts'
import { nextStamp } from './sections/next-version.ts'
import { sectionFormat } from './sections/section-format.ts'
import { type SectionFault, SectionLines, type Sections } from './sections/sections.ts'
import { describeName, makeSlug } from './slug.ts'

/**
 * Files of dbmate: `-- migrate:up` and `-- migrate:down`, each with `transaction:false` where it asks for that; a file may
 * have several such pairs. Source: `migration.go` and `db.go` of dbmate 2: files are taken in the order of their names,
 * and the digits in front are what the history holds.
 */
export const dbmate: Format = sectionFormat({
  name: 'dbmate',
  title: 'dbmate',
  history: historyShape('dbmate'),
  marker: /^--\s*migrate:up(\s|$)/m,
  readName(fileName) {
    const number = /^(\d+).*\.sql$/.exec(fileName)?.[1]
    return number === undefined ? null : { id: fileName.replace(/\.sql$/, ''), number, key: number }
  },
  compare: (a, b) => (a.entry.name < b.entry.name ? -1 : a.entry.name > b.entry.name ? 1 : 0),
  split: splitBlocks,
  template({ dir, last, name, description, now }) {
    const id = `${nextStamp(last?.number ?? null, now)}_${makeSlug(name)}`
    const header = `-- Description: ${describeName(name, description)}\n`
    return { path: join(dir, `${id}.sql`), text: `${header}-- migrate:up\n\n\n-- migrate:down\n\n` }
  },
})

/** A block of one direction. */
interface Block {
  direction: 'up' | 'down'
  /** 0-based line of its directive. */
  start: number
  end: number
  noTransaction: boolean
}

const hint = 'Write it as dbmate takes it: `-- migrate:up`, statements, `-- migrate:down`, statements.'

/** Takes a file apart as dbmate does: by its lines, whatever they are part of. */
export function splitBlocks(text: string): Sections | SectionFault {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (const [index, line] of lines.entries()) {
    const match = /^--\s*migrate:(up|down)(?:\s+(.*))?$/.exec(line.trimEnd())
    if (match === null) {
      const stray = blocks.length === 0 && line.trim() !== '' && !/^\s*--/.test(line)
      if (stray) return { line: index + 1, message: 'has a statement before `-- migrate:up`', hint }
      continue
    }
    const direction = match[1] as 'up' | 'down'
    const before = blocks.at(-1)
    if (before?.direction === direction || (before === undefined && direction === 'down')) {
      const message =
        direction === 'up' ? 'has an up block that no down block follows' : 'has a down block that no up block precedes'
      return { line: (direction === 'up' ? (before?.start ?? index) : index) + 1, message, hint }
    }
    if (before !== undefined) before.end = index
    const noTransaction = (match[2] ?? '').split(/\s+/).includes('transaction:false')
    blocks.push({ direction, start: index, end: lines.length, noTransaction })
  }
  const last = blocks.at(-1)
  if (last === undefined) return { line: null, message: 'has no `-- migrate:up`', hint }
  if (last.direction === 'up') {
    return { line: last.start + 1, message: 'has an up block that no down block follows', hint }
  }
  const of = (direction: 'up' | 'down') => blocks.filter((block) => block.direction === direction)
  return { up: joinBlocks(of('up'), lines), down: joinBlocks(of('down'), lines) }
}

/**
 * Blocks of one direction, in the order of the file. Where some ask for no transaction, each of the others gets its own,
 * as in dbmate; where none does they are one, since a file "succeeds or fails as a whole" (its README).
 */
function joinBlocks(blocks: readonly Block[], lines: readonly string[]): Sections['up'] {
  const noTransaction = blocks.some((block) => block.noTransaction)
  const own = new SectionLines()
  for (const [index, { start, end, noTransaction: alone }] of blocks.entries()) {
    const body = lines.slice(start + 1, end)
    const framed = noTransaction && !alone && body.some((line) => line.trim() !== '' && !/^\s*--/.test(line))
    if (framed) own.set(start, 'BEGIN;')
    for (const [at, line] of body.entries()) own.set(start + 1 + at, line)
    if (!framed && index === blocks.length - 1) break
    // Its last statement may lack the semicolon.
    const open = !/(^|;)$/.test(own.lastCode() ?? '')
    own.set(end, `${open ? ';' : ''}${framed ? 'COMMIT;' : ''}`)
  }
  return { text: own.join(), noTransaction }
}
