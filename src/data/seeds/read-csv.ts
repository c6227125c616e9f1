import { parseSeedHeader } from './parse-header.ts'
import { makeRows } from './read-rows.ts'
import { readText } from './read-value.ts'
import type { Complain, RowsBody, SeedRow, SeedValue } from './seed-file.ts'

/** A heading: `name*` (part of the key), `role_id>roles.name` (the `id` of the role with that name). */
interface Heading {
  column: string
  isKey: boolean
  reference: { table: string; by: string; column: string } | null
}

const headerWords = ['table', 'mode', 'removed', 'set']
const headingShape = /^([^*>]+?)(\*)?(?:>([^.>*()]+)\.([^.>*()]+?)(?:\(([^()]+)\))?(\*)?)?$/

/** Reads rows for a table. null: the text is no such file; why was said. */
export async function readCsvSeed(
  text: string,
  fileName: string,
  complain: Complain,
): Promise<{ body: RowsBody; set: string | null } | null> {
  const header = parseSeedHeader(text, '#', headerWords, complain)
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const records = await readRecords(lines, header.lines, complain)
  const [head, ...rest] = records
  if (head === undefined) {
    complain('it has no line of headings', header.lines + 1)
    return null
  }
  const headings = head.cells.map((cell, i) => readHeading(cell.text, i, head.line, complain))
  const names = headings.map((heading) => heading?.column)
  names.forEach((name, i) => {
    if (name !== undefined && names.indexOf(name) < i)
      complain(`the heading ${JSON.stringify(name.slice(0, 60))} is there twice`, head.line)
  })
  const rows = rest.flatMap(({ line, cells }): SeedRow[] => {
    if (cells.length !== headings.length) {
      complain(`it has ${cells.length} cells, and there are ${headings.length} headings`, line)
      return []
    }
    const pairs = headings.flatMap((heading, i): [string, SeedValue][] =>
      heading === null ? [] : [[heading.column, readCell(cells[i] as Cell, heading)]],
    )
    return [{ line, values: new Map(pairs) }]
  })
  const key = headings.flatMap((heading) => (heading?.isKey === true ? [heading.column] : []))
  if (key.length === 0) complain('no heading is marked as part of the key: write `name*`', head.line)
  const value = (name: string) => header.values.get(name) ?? null
  const frame = { line: head.line, table: value('table'), key, mode: value('mode'), removed: value('removed') }
  const mute: Complain = (message, line, hint) => {
    if (!message.startsWith('it does not say which columns')) complain(message, line, hint)
  }
  return { body: makeRows(frame, rows, fileName, mute), set: value('set') }
}

interface Cell {
  text: string
  quoted: boolean
}

interface CsvRecord {
  line: number
  cells: Cell[]
}

/** Wrong quotes end the reading: from there on nobody knows what is a row. */
async function readRecords(lines: readonly string[], skip: number, complain: Complain): Promise<CsvRecord[]> {
  const { parse } = await import('csv-parse/sync')
  const records: CsvRecord[] = []
  let next = skip
  try {
    parse(lines.slice(skip).join('\n'), {
      record_delimiter: '\n',
      relax_column_count: true,
      cast: (text, { quoting }): unknown => ({ text, quoted: quoting }),
      on_record: (record: unknown, context) => {
        const cells = record as Cell[]
        if (cells.length > 1 || cells[0]?.text !== '' || cells[0].quoted) records.push({ line: next + 1, cells })
        next = skip + context.lines
        return null
      },
    })
  } catch (error) {
    // What a cell holds is not repeated: it may be what nobody should read.
    const open = (error as { code?: unknown }).code === 'CSV_QUOTE_NOT_CLOSED'
    complain(
      open ? 'a quote that begins here is never closed' : 'a quote inside a cell must be written twice (`""`)',
      next + 1,
    )
  }
  return records
}

function readHeading(text: string, i: number, line: number, complain: Complain): Heading | null {
  const [, column, star, table, by, of, lateStar] = headingShape.exec(text.trim()) ?? []
  if (column === undefined) {
    const hint =
      'Headings are `name`, `name*` (part of the key) or `role_id>roles.name` (the id of the role with that name).'
    complain(
      text.trim() === '' ? `column ${i + 1} has no heading` : `the heading of column ${i + 1} cannot be read`,
      line,
      hint,
    )
    return null
  }
  return {
    column: column.trim(),
    isKey: star !== undefined || lateStar !== undefined,
    reference:
      table === undefined || by === undefined
        ? null
        : { table: table.trim(), by: by.trim(), column: of?.trim() ?? 'id' },
  }
}

/** An empty cell is NULL; `""` is the empty text. */
function readCell({ text, quoted }: Cell, { reference }: Heading): SeedValue {
  if (text === '' && !quoted) return { kind: 'null' }
  const value = readText(text)
  if (reference === null) return value
  const { table, by, column } = reference
  return { kind: 'reference', table, by: new Map([[by, value]]), column }
}
