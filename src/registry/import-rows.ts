import { isRecord } from '../config/record.ts'

/** One tenant of a file, as it stands there. */
export interface ImportRow {
  /** 1-based line it begins in. */
  line: number
  values: Readonly<Record<string, unknown>>
}

/** Something that is wrong with the file itself. */
export interface RowProblem {
  line: number
  message: string
}

export interface ImportRows {
  rows: ImportRow[]
  problems: RowProblem[]
}

/** Wrong quotes in so many lines: the file is of another kind. */
const mostBrokenLines = 50

/** Is this text JSON (a list, or a tenant in each line), by its file's name or else by how it begins? */
export function looksLikeJson(file: string, text: string): boolean {
  if (/\.(json|jsonl|ndjson)$/i.test(file)) return true
  return !/\.(csv|tsv|txt)$/i.test(file) && /^\s*[[{]/.test(text)
}

/**
 * Reads a table of tenants with a line of headings. Commas, semicolons or tabs, whichever the headings are parted by;
 * quoted cells may hold line ends. An empty cell counts as none. Never throws for what is in the text.
 */
export async function readCsvRows(text: string): Promise<ImportRows> {
  const { parse } = await import('csv-parse/sync')
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const delimiter = chooseDelimiter(lines.find((line) => line.trim() !== '') ?? '')
  const cells: { line: number; record: string[] }[] = []
  const problems: RowProblem[] = []
  for (let first = 0; first < lines.length; ) {
    let next = first
    try {
      parse(lines.slice(first).join('\n'), {
        delimiter,
        record_delimiter: '\n',
        relax_column_count: true,
        on_record: (record: string[], context) => {
          cells.push({ line: next + 1, record })
          next = first + context.lines
          return null
        },
      })
      break
    } catch (error) {
      // What a cell holds is not repeated: it may be a password that the file should not have.
      const open = (error as { code?: unknown }).code === 'CSV_QUOTE_NOT_CLOSED'
      const message = open
        ? 'a quote that begins here is never closed'
        : 'has a quote inside a cell: write it twice (`""`)'
      problems.push({ line: next + 1, message: `${message}; this line was not read` })
      if (problems.length === mostBrokenLines) {
        problems.push({ line: next + 2, message: 'too many lines have wrong quotes: from here on, none was read' })
        break
      }
      first = next + 1
    }
  }
  const filled = cells.filter(({ record }) => record.some((cell) => cell.trim() !== ''))
  const [head, ...rest] = filled
  if (head === undefined) return { rows: [], problems }
  const names = head.record.map((name) => name.trim())
  names.forEach((name, i) => {
    if (name === '' && rest.some(({ record }) => (record[i] ?? '') !== ''))
      problems.push({ line: head.line, message: `column ${i + 1} has no heading` })
    if (name !== '' && names.indexOf(name) < i)
      problems.push({ line: head.line, message: `the heading ${JSON.stringify(name)} is there twice` })
  })
  const rows = rest.map(({ line, record }) => {
    if (record.length > names.length)
      problems.push({ line, message: `has ${record.length} cells, and there are ${names.length} headings` })
    const pairs = names.flatMap((name, i): [string, string][] => {
      const cell = record[i] ?? ''
      return name === '' || cell === '' ? [] : [[name, cell]]
    })
    return { line, values: Object.fromEntries(pairs) }
  })
  return { rows, problems: [...problems, ...refuseHeadings(names, head.line)] }
}

/** The headings that even an empty column must not have are those of passwords: see {@link isPasswordColumn}. */
function refuseHeadings(names: readonly string[], line: number): RowProblem[] {
  return names.filter(isPasswordColumn).map((name) => ({ line, message: refusePassword(name) }))
}

function chooseDelimiter(head: string): string {
  return [',', ';', '\t'].map((one) => ({ one, times: head.split(one).length })).sort((a, b) => b.times - a.times)[0]
    ?.one as string
}

/** Reads a list of tenants, or a tenant in each line. Never throws for what is in the text. */
export function readJsonRows(text: string): ImportRows {
  const parts = /^\s*\[/.test(text) ? splitList(text) : splitLines(text)
  const rows: ImportRow[] = []
  const problems: RowProblem[] = []
  for (const part of parts) {
    const { line } = part
    const value = 'problem' in part ? undefined : parse(part.text)
    if ('problem' in part) problems.push({ line, message: part.problem })
    else if (value === undefined) problems.push({ line, message: 'is not JSON' })
    else if (!isRecord(value)) problems.push({ line, message: 'is not a tenant: write it as `{ "slug": … }`' })
    else {
      for (const name of Object.keys(value).filter(isPasswordColumn))
        problems.push({ line, message: refusePassword(name) })
      rows.push({ line, values: value })
    }
  }
  return { rows, problems }
}

type Part = { line: number; text: string } | { line: number; problem: string }

function splitLines(text: string): Part[] {
  // One tenant over several lines.
  if (isRecord(parse(text))) return [{ line: 1, text }]
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ line: i + 1, text: line }]))
}

/** Cuts a list at its own commas, so that a member that is no JSON is told by its line and the others are read. */
function splitList(text: string): Part[] {
  const parts: Part[] = []
  let depth = 0
  let line = 1
  let from = -1
  let fromLine = 1
  let inText = false
  const end = (at: number) => {
    const member = text.slice(from, at)
    if (member.trim() !== '' || parts.length > 0 || text[at] === ',')
      parts.push({ line: fromLine + blankLines(member), text: member })
    from = at + 1
    fromLine = line
  }
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\n') line++
    if (inText) {
      if (character === '\\') at++
      else if (character === '"' || character === '\n') inText = false
    } else if (character === '"') inText = true
    else if (character === '[' || character === '{') {
      depth++
      if (depth === 1) [from, fromLine] = [at + 1, line]
    } else if (character === ',' && depth === 1) end(at)
    else if (character === ']' || character === '}') {
      depth--
      if (depth > 0) continue
      end(at)
      const rest = text.slice(at + 1)
      if (rest.trim() !== '')
        parts.push({ line: line + blankLines(rest), problem: 'stands behind the end of the list' })
      return parts
    }
  }
  const begin = fromLine + blankLines(text.slice(from))
  return [...parts, { line: begin, problem: 'begins a tenant, or the list, that is never closed' }]
}

/** Line ends before the first word. */
function blankLines(text: string): number {
  return text.slice(0, text.length - text.trimStart().length).split('\n').length - 1
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Its message quotes the text, which may hold a password.
    return undefined
  }
}

/** True for names under which files keep passwords. */
export function isPasswordColumn(name: string): boolean {
  return !/^password_ref$/.test(name) && /pass(w|$|_|phrase)|pwd|secret|credential|encrypted/i.test(name)
}

function refusePassword(name: string): string {
  return `the column ${JSON.stringify(name.slice(0, 60))} would hold passwords, which files must not bring: name where each is kept in a column \`password_ref\` (\`env:NAME\`, \`file:/path\`, \`command:…\`), or store them afterwards with \`tenantry tenants set-credentials <slug> --user <name> --password-stdin\``
}
