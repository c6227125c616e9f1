import { columnsOf, type Name, type Reader, showName } from './probe-reader.ts'
import { gained, type IndexShape, indexExists, indexMatches, lost, noun, tableExists } from './probe-sql.ts'
import { ask, type Check, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteIdentifier } from './quote.ts'

const unreadable = unknown('its grammar is not known here')

/** After CREATE [TEMPORARY]: TABLE. */
export function askCreateTable(reader: Reader): Question {
  if (reader.take('IF', 'NOT', 'EXISTS')) return repeat('where the table is there it does nothing')
  const table = reader.takeName()
  if (table === null) return unreadable
  const words = reader.rest()
  const fromRows = words.some(({ key }, index) => key === 'SELECT' && words[index - 1]?.key !== '.')
  const check = gained(noun('table', table), tableExists(table))
  // Older servers leave an empty table where they crash in the middle; the rows themselves come all or none.
  if (fromRows) return { kind: 'checks', checks: [filled(table, check)] }
  const like = reader.key() === 'LIKE' || (reader.key() === '(' && reader.key(1) === 'LIKE')
  return { kind: 'checks', checks: [check], ...(like ? {} : { compare: true as const }) }
}

function filled(table: Name, check: Check): Check {
  const where = `(TABLE_ROWS > 0 OR ${atomicCreateSelect})`
  return {
    ...check,
    landed: tableExists(table, where),
    otherwise: `table ${showName(table)} is there and may be empty`,
  }
}

/** MariaDB from 10.6 and MySQL from 8.0.21 undo such a statement whole. Source: their manuals on atomic DDL. */
const atomicCreateSelect = `(SELECT IF(VERSION() LIKE '%MariaDB%',
  CAST(SUBSTRING_INDEX(VERSION(), '.', 1) AS UNSIGNED) * 100 + CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(VERSION(), '.', 2), '.', -1) AS UNSIGNED) >= 1006,
  CAST(SUBSTRING_INDEX(VERSION(), '.', 1) AS UNSIGNED) * 10000 + CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(VERSION(), '.', 3), '.', -1) AS UNSIGNED) >= 80021))`

/** After DROP: TABLE, VIEW, SEQUENCE. Several are dropped one by one. */
export function askDropTables(reader: Reader, kind: 'table' | 'view' | 'sequence'): Question {
  if (reader.take('IF', 'EXISTS')) return repeat('what is gone already it leaves out')
  const names: Name[] = []
  do {
    const name = reader.takeName()
    if (name === null) return unreadable
    names.push(name)
  } while (reader.take(','))
  const checks = names.map((name) => lost(noun(kind, name), tableExists(name)))
  const quoted = (name: Name) =>
    [...(name.schema === null ? [] : [name.schema]), name.name].map(quoteIdentifier).join('.')
  const finish = names.map((name) => ({
    missing: tableExists(name),
    sql: `DROP ${kind.toUpperCase()} ${quoted(name)}`,
  }))
  return { kind: 'checks', checks, ...(names.length > 1 ? { finish } : {}) }
}

/** After RENAME: TABLE. All of its renames happen or none. */
export function askRenameTables(reader: Reader): Question {
  reader.take('IF', 'EXISTS')
  const pairs: { from: Name; to: Name }[] = []
  do {
    const from = reader.takeName()
    if (reader.take('WAIT')) reader.next()
    reader.take('NOWAIT')
    const to = reader.take('TO') ? reader.takeName() : null
    if (from === null || to === null) return unreadable
    pairs.push({ from, to })
  } while (reader.take(','))
  return askMoved(pairs)
}

/** Tables (or accounts) that carry other names afterwards; a swap looks the same before and after. */
function askMoved(pairs: readonly { from: Name; to: Name }[]): Question {
  const before = new Map<string, Name>()
  const after = new Map<string, Name>()
  for (const { from, to } of pairs) {
    if (!after.delete(showName(from))) before.set(showName(from), from)
    after.set(showName(to), to)
  }
  const checks = [
    ...[...after].filter(([key]) => !before.has(key)).map(([, name]) => gained(noun('table', name), tableExists(name))),
    ...[...before].filter(([key]) => !after.has(key)).map(([, name]) => lost(noun('table', name), tableExists(name))),
  ]
  return checks.length === 0 ? unknown('the same names are there before and after it') : ask(...checks)
}

/** After CREATE [OR REPLACE] [UNIQUE …] INDEX. */
export function askCreateIndex(reader: Reader, kind: IndexShape['kind']): Question {
  if (reader.take('IF', 'NOT', 'EXISTS')) return repeat('where the index is there it does nothing')
  const name = reader.takePart()
  if (reader.take('USING')) reader.next()
  const table = reader.take('ON') ? reader.takeName() : null
  if (name === null || table === null) return unreadable
  if (reader.take('WAIT')) reader.next()
  reader.take('NOWAIT')
  return ask(gainedIndex(table, table, { name, columns: columnsOf(reader.takeList()), kind }))
}

/** After DROP INDEX. */
export function askDropIndex(reader: Reader): Question {
  if (reader.take('IF', 'EXISTS')) return repeat('where the index is gone it does nothing')
  const name = reader.takePart()
  const table = reader.take('ON') ? reader.takeName() : null
  if (name === null || table === null) return unreadable
  return ask(lost(noun('index', name), indexExists(table, name)))
}

/** Before, the table may have had another name. */
export function gainedIndex(before: Name, after: Name, shape: IndexShape): Check {
  const label = shape.name === null ? `an index on ${shape.columns?.join(', ')}` : noun('index', shape.name)
  const exists = shape.name === null ? indexMatches(before, shape) : indexExists(before, shape.name)
  return { ...gained(label, indexMatches(after, shape), `NOT ${exists}`), otherwise: `${label} is there, but differs` }
}
