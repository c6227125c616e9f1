import { randomBytes } from 'node:crypto'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { type Word, wordsOf } from './lex.ts'
import { type Name, readWords } from './probe-reader.ts'
import { quoteIdentifier } from './quote.ts'

type Queries = Pick<Connection, 'query'>
type Comparison = 'equal' | 'different' | 'unknown'

/** What is compared: the object, and where its name stands in the text. */
interface Subject {
  kind: 'table' | 'view' | 'columns'
  name: Name
  start: number
  end: number
  /** Columns that the statement adds. */
  columns: readonly string[]
}

function readSubject(words: readonly Word[]): Subject | null {
  const reader = readWords(words)
  const verb = reader.takeOne('CREATE', 'ALTER')
  if (verb === null) return null
  if (reader.take('OR', 'REPLACE')) return null
  while (!reader.ended && !['TABLE', 'VIEW'].includes(reader.key())) reader.next()
  const kind = reader.takeOne('TABLE', 'VIEW')
  if (kind === null || (verb === 'ALTER' && kind === 'VIEW')) return null
  reader.take('IF', 'NOT', 'EXISTS')
  const before = reader.rest()
  const name = reader.takeName()
  if (name === null) return null
  const used = before.slice(0, before.length - reader.rest().length)
  const place = { start: used[0]?.start ?? 0, end: used.at(-1)?.end ?? 0 }
  if (verb === 'CREATE') return { kind: kind === 'VIEW' ? 'view' : 'table', name, ...place, columns: [] }
  const columns: string[] = []
  while (!reader.ended) {
    const action = readWords(reader.takeItem())
    if (action.takeOne('ALGORITHM', 'LOCK') !== null) continue
    if (!action.take('ADD')) return null
    action.take('COLUMN')
    if (action.take('IF')) return null
    const list = action.takeList()
    const names = list === null ? [action.takePart()] : list.map((item) => readWords(item).takePart())
    for (const column of names) {
      if (column === null) return null
      columns.push(column)
    }
  }
  return { kind: 'columns', name, ...place, columns }
}

function quoted({ schema, name }: Name): string {
  return [...(schema === null ? [] : [schema]), name].map(quoteIdentifier).join('.')
}

/** The lines of SHOW CREATE TABLE that describe columns and keys, and the options; without counters and foreign keys. */
async function describeTable(connection: Queries, name: string): Promise<string[]> {
  const [row = {}] = await connection.query(`SHOW CREATE TABLE ${name}`)
  const text = String(row['Create Table'] ?? '')
  return text
    .split('\n')
    .slice(1)
    .map((line) =>
      line
        .trim()
        .replace(/,$/, '')
        .replace(/ AUTO_INCREMENT=\d+/, ''),
    )
    .filter((line) => !/\bFOREIGN KEY\b/.test(line))
}

const isColumn = (line: string) => line.startsWith('`')

/**
 * The same statement without what a temporary table cannot have: foreign keys and partitions. null: that is not all.
 */
function withoutForeignKeys(text: string, words: readonly Word[], subject: Subject, scratch: string): string | null {
  const open = words.findIndex(({ key, start }) => key === '(' && start >= subject.end)
  if (open === -1) return null
  const cuts: [number, number][] = []
  let depth = 0
  let itemFrom = open + 1
  let close = -1
  for (let i = open; i < words.length; i++) {
    const { key } = words[i] as Word
    if (key === '(') depth++
    if (key === ')') depth--
    if (!(depth === 1 && key === ',') && depth !== 0) continue
    const item = words.slice(itemFrom, i).map((word) => word.key)
    if (item[0] === 'FOREIGN' || (item[0] === 'CONSTRAINT' && item.slice(1, 3).includes('FOREIGN'))) {
      // With the comma before it.
      cuts.push([(words[itemFrom - 1] as Word).start, (words[i] as Word).start])
    } else if (item.includes('REFERENCES')) return null
    itemFrom = i + 1
    if (depth === 0) {
      close = i
      break
    }
  }
  if (close === -1) return null
  const partition = words.slice(close).find(({ key }, i, rest) => key === 'PARTITION' && rest[i + 1]?.key === 'BY')
  const end = partition?.start ?? text.length
  let made = text.slice((words[open] as Word).start, end)
  const offset = (words[open] as Word).start
  for (const [from, to] of cuts.reverse()) made = made.slice(0, from - offset) + made.slice(to - offset)
  return `CREATE TEMPORARY TABLE ${scratch} ${made}`
}

async function compareTable(
  connection: Queries,
  text: string,
  words: readonly Word[],
  subject: Subject,
): Promise<Comparison> {
  const scratch = scratchName()
  const made = withoutForeignKeys(text, words, subject, scratch)
  if (made === null) return 'unknown'
  try {
    await connection.query(made)
    const wanted = await describeTable(connection, scratch)
    const there = await describeTable(connection, quoted(subject.name))
    const same =
      wanted.every((line) => there.includes(line)) && wanted.filter(isColumn).length === there.filter(isColumn).length
    return same ? 'equal' : 'different'
  } finally {
    await drop(connection, `DROP TEMPORARY TABLE IF EXISTS ${scratch}`)
  }
}

async function compareColumns(connection: Queries, text: string, subject: Subject): Promise<Comparison> {
  const scratch = scratchName()
  try {
    await connection.query(`CREATE TEMPORARY TABLE ${scratch} LIKE ${quoted(subject.name)}`)
    const there = await describeTable(connection, scratch)
    for (const column of subject.columns) {
      await connection.query(`ALTER TABLE ${scratch} DROP COLUMN ${quoteIdentifier(column)}`)
    }
    await connection.query(text.slice(0, subject.start) + scratch + text.slice(subject.end))
    const wanted = await describeTable(connection, scratch)
    const added = (lines: readonly string[]) =>
      subject.columns.map((column) =>
        lines.find((line) => line.toLowerCase().startsWith(`${quoteIdentifier(column).toLowerCase()} `)),
      )
    return added(wanted).join('\n') === added(there).join('\n') ? 'equal' : 'different'
  } finally {
    await drop(connection, `DROP TEMPORARY TABLE IF EXISTS ${scratch}`)
  }
}

/** Views cannot be temporary: this one is there for a moment. */
async function compareView(connection: Queries, text: string, subject: Subject): Promise<Comparison> {
  const scratch = scratchName()
  const describe = async (name: string) => {
    const [row = {}] = await connection.query(`SHOW CREATE VIEW ${name}`)
    return String(row['Create View'] ?? '').replace(/^.*? VIEW (`(?:[^`]|``)*`\.)?`(?:[^`]|``)*` AS /s, '')
  }
  try {
    await connection.query(text.slice(0, subject.start) + scratch + text.slice(subject.end))
    return (await describe(scratch)) === (await describe(quoted(subject.name))) ? 'equal' : 'different'
  } finally {
    await drop(connection, `DROP VIEW IF EXISTS ${scratch}`)
  }
}

function scratchName(): string {
  return `tenantry_scratch_${randomBytes(6).toString('hex')}`
}

async function drop(connection: Queries, sql: string): Promise<void> {
  // Where the connection is lost, the error before says so.
  await connection.query(sql).catch(() => [])
}

/**
 * For "already exists" errors: does the object in the way equal what the statement makes?
 *
 * The statement runs a second time under another name, as a temporary table (a view: for a moment), and the server's
 * own descriptions of the two are compared. Foreign keys, partitions and the counter are no part of it. Knows CREATE
 * TABLE, CREATE VIEW, and ALTER TABLE that only adds columns.
 *
 * `unknown`: another kind, no privilege to make temporary tables, or nothing in the way. Must not be called inside a
 * transaction.
 *
 * @throws {@link DatabaseError} when the connection is lost
 */
export async function compareExisting(
  connection: Queries,
  text: string,
  _schema: string | null = null,
): Promise<Comparison> {
  const words = wordsOf(text)
  const subject = readSubject(words)
  if (subject === null) return 'unknown'
  try {
    if (subject.kind === 'view') return await compareView(connection, text, subject)
    if (subject.kind === 'columns') return await compareColumns(connection, text, subject)
    return await compareTable(connection, text, words, subject)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    if (error.failure.kind === 'connection-lost') throw error
    return 'unknown'
  }
}
