import type { Connection, ProbeVerdict } from '../../model/dialect.ts'
import { compareWith } from './compare-existing.ts'
import { readCreateTable } from './create-table.ts'
import type { SchemaRow } from './picture-objects.ts'
import { readSchemaRows } from './picture-read.ts'
import { type Name, type Reader, readStatement } from './reader.ts'
import { foldName } from './words.ts'

/** Statements that do the same when they run a second time, and why. */
const repeatable: Readonly<Record<string, string>> = {
  ANALYZE: 'analyzing again is harmless',
  REINDEX: 'building indexes again is harmless',
  VACUUM: 'a file that is packed already is packed again',
  PRAGMA: 'setting it again changes nothing more',
  EXPLAIN: 'it only reads',
  ATTACH: 'what it attached was let go with its session',
  DETACH: 'what was attached was let go with its session',
}

type Space = 'relation' | 'trigger'

const verdict = (kind: ProbeVerdict['verdict'], reason: string): ProbeVerdict => ({
  verdict: kind,
  cleanup: [],
  reason,
})
const landed = (reason: string) => verdict('landed', reason)
const absent = (reason: string) => verdict('absent', reason)
const repeat = (reason: string) => verdict('repeat', reason)
const unknown = (reason: string) => verdict('unknown', reason)
const unreadable = unknown('its grammar is not known here')

/** What is in the file now. */
interface Seen {
  rows: readonly SchemaRow[]
  columns: ReadonlyMap<string, readonly string[]>
}

const find = ({ rows }: Seen, name: string, space: Space) =>
  rows.find((row) => (row.type === 'trigger') === (space === 'trigger') && foldName(row.name) === foldName(name))

function judge(text: string, seen: Seen): ProbeVerdict {
  const reader = readStatement(text)
  if (reader.ended) return repeat('it is empty')
  const first = reader.next()?.key ?? ''
  const reason = repeatable[first]
  if (reason !== undefined) return repeat(reason)
  switch (first) {
    case 'CREATE':
      return judgeCreate(reader, text, seen)
    case 'DROP':
      return judgeDrop(reader, seen)
    case 'ALTER':
      return judgeAlter(reader, text, seen)
    case 'BEGIN':
    case 'COMMIT':
    case 'END':
    case 'ROLLBACK':
    case 'SAVEPOINT':
    case 'RELEASE':
      return unknown('a transaction that was open ended with its session')
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'REPLACE':
    case 'SELECT':
    case 'WITH':
    case 'VALUES':
      return unknown('it may change rows; whether it ran cannot be looked up')
    default:
      return unreadable
  }
}

/** null: it is in `main`, and can be looked up. */
function elsewhere({ schema }: Name): ProbeVerdict | null {
  if (schema === null || foldName(schema) === 'main') return null
  return foldName(schema) === 'temp'
    ? repeat('what is temporary ended with its session')
    : unknown(`it is in ${schema}, another file`)
}

function judgeCreate(reader: Reader, text: string, seen: Seen): ProbeVerdict {
  if (reader.takeOne('TEMP', 'TEMPORARY') !== null) return repeat('what it makes ended with its session')
  reader.takeOne('UNIQUE', 'VIRTUAL')
  const kind = reader.takeOne('TABLE', 'INDEX', 'VIEW', 'TRIGGER')
  if (kind === null) return unreadable
  const label = kind.toLowerCase()
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return unreadable
  const other = elsewhere(name)
  if (other !== null) return other
  if (ifNotExists) return repeat(`where the ${label} is there it does nothing`)
  const shown = `${label} ${name.name}`
  if (find(seen, name.name, kind === 'TRIGGER' ? 'trigger' : 'relation') === undefined)
    return absent(`${shown} is not there`)
  return compareWith(seen.rows, text) === 'different'
    ? unknown(`${shown} is there, but differs from what the statement makes`)
    : landed(`${shown} is there`)
}

function judgeDrop(reader: Reader, seen: Seen): ProbeVerdict {
  const kind = reader.takeOne('TABLE', 'INDEX', 'VIEW', 'TRIGGER')
  if (kind === null) return unreadable
  const label = kind.toLowerCase()
  const ifExists = reader.take('IF', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return unreadable
  const other = elsewhere(name)
  if (other !== null) return other
  if (ifExists) return repeat(`where the ${label} is gone it does nothing`)
  const shown = `${label} ${name.name}`
  return find(seen, name.name, kind === 'TRIGGER' ? 'trigger' : 'relation') === undefined
    ? landed(`${shown} is gone`)
    : absent(`${shown} is still there`)
}

/** The old one and the new one are there or not: together they tell. */
function judgeMove(what: string, from: string, to: string, isThere: (name: string) => boolean): ProbeVerdict {
  if (foldName(from) === foldName(to)) return repeat('the name stays the same')
  const [before, after] = [isThere(from), isThere(to)]
  if (before === after) {
    return unknown(before ? `${what}s ${from} and ${to} are both there` : `neither ${what} ${from} nor ${to} is there`)
  }
  return after ? landed(`${what} ${to} is there, and ${from} is gone`) : absent(`${what} ${from} is still there`)
}

function judgeAlter(reader: Reader, text: string, seen: Seen): ProbeVerdict {
  const name = reader.take('TABLE') ? reader.takeName() : null
  if (name === null) return unreadable
  const other = elsewhere(name)
  if (other !== null) return other
  if (reader.take('RENAME', 'TO')) {
    const to = reader.takePart()
    if (to === null) return unreadable
    return judgeMove('table', name.name, to, (one) => find(seen, one, 'relation')?.type === 'table')
  }
  const columns = seen.columns.get(foldName(name.name))
  if (columns === undefined) return unknown(`table ${name.name} is not there`)
  const has = (column: string) => columns.includes(foldName(column))
  const verb = reader.takeOne('RENAME', 'ADD', 'DROP', 'ALTER')
  if (verb === 'ALTER') return repeat('setting it again changes nothing more')
  if (verb === null || reader.key() === 'CONSTRAINT' || reader.key() === 'CHECK')
    return unknown('a kind of change that is not looked up')
  reader.take('COLUMN')
  const column = reader.takePart()
  if (column === null) return unreadable
  const shown = `column ${name.name}.${column}`
  if (verb === 'DROP') return has(column) ? absent(`${shown} is still there`) : landed(`${shown} is gone`)
  if (verb === 'ADD') {
    if (!has(column)) return absent(`${shown} is not there`)
    return compareWith(seen.rows, text) === 'different'
      ? unknown(`${shown} is there, but differs from what the statement makes`)
      : landed(`${shown} is there`)
  }
  const to = reader.take('TO') ? reader.takePart() : null
  return to === null ? unreadable : judgeMove('column', column, to, has)
}

/**
 * Looks up in the file whether a statement that was sent and never confirmed has landed. Each statement of SQLite lands
 * whole or not at all, and nobody carries it out once its process is gone.
 *
 * @param text the statement as it was sent
 * @param _schema always null: a file is a target here
 * @throws {@link DatabaseError} when the file is gone, or locked for too long
 */
export async function probeStatement(
  connection: Pick<Connection, 'query'>,
  text: string,
  _schema: string | null = null,
): Promise<ProbeVerdict> {
  const rows = await readSchemaRows(connection)
  const columns = new Map(
    rows.flatMap(({ type, name, sql }) => {
      const table = type === 'table' && sql !== null ? readCreateTable(sql) : null
      return table === null ? [] : [[foldName(name), table.columns.map((one) => foldName(one.name))] as const]
    }),
  )
  return judge(text, { rows, columns })
}
