import { askPartitions } from './probe-partitions.ts'
import { columnsOf, type Name, type Reader, readWords } from './probe-reader.ts'
import {
  columnExists,
  constraintExists,
  foreignKeyMatches,
  gained,
  type IndexShape,
  indexExists,
  lost,
  noun,
  tableExists,
} from './probe-sql.ts'
import { gainedIndex } from './probe-tables.ts'
import { type Check, type Question, unknown } from './probe-verdict.ts'

/** What no check covers: nothing, what may be set again, or what cannot be looked up. */
type Rest = 'none' | 'repeat' | 'unknown'

/** What an ALTER TABLE does, action by action. */
interface Changes {
  table: Name
  renamedTo: Name | null
  /** Columns by lower-case name; `weak`: with IF [NOT] EXISTS. */
  added: Map<string, { name: string; weak: boolean }>
  dropped: Map<string, { name: string; weak: boolean }>
  addedIndexes: { shape: IndexShape; weak: boolean }[]
  droppedIndexes: Map<string, { name: string; weak: boolean }>
  /** Checks that depend on nothing else in the statement. */
  others: ((before: Name, after: Name) => Check)[]
  /** Something in it only sets what may be set again; or cannot be looked up. */
  rest: Rest
  /** All of it adds columns, so that what is there can be compared with what it makes. */
  onlyColumns: boolean
}

/** After ALTER [ONLINE] [IGNORE] TABLE. All of its actions happen or none. */
export function askAlterTable(reader: Reader): Question {
  reader.take('IF', 'EXISTS')
  const table = reader.takeName()
  if (table === null) return unknown('its grammar is not known here')
  if (reader.take('WAIT')) reader.next()
  reader.take('NOWAIT')
  const changes: Changes = {
    table,
    renamedTo: null,
    added: new Map(),
    dropped: new Map(),
    addedIndexes: [],
    droppedIndexes: new Map(),
    others: [],
    rest: 'none',
    onlyColumns: true,
  }
  while (!reader.ended) {
    const action = readWords(onPartitions(reader) ? reader.takeAll() : reader.takeItem())
    const rest = readAction(changes, action)
    if (rest !== 'none' && changes.rest !== 'unknown') changes.rest = rest
  }
  // A column that is made anew, and two that take each other's names, look the same before and after.
  if ([...changes.added.keys()].some((key) => changes.dropped.has(key))) changes.rest = 'unknown'
  const checks = checksOf(changes)
  const rest = changes.rest === 'none' ? {} : { rest: changes.rest }
  const compare = changes.onlyColumns && changes.added.size > 0 && changes.rest === 'none'
  return { kind: 'checks', checks, ...rest, ...(compare ? { compare } : {}) }
}

function checksOf({ table, renamedTo, added, dropped, addedIndexes, droppedIndexes, others }: Changes): Check[] {
  const after = renamedTo ?? table
  const there = renamedTo === null ? '' : `${tableExists(table)} AND `
  const weaken = (check: Check, weak: boolean): Check => (weak ? { ...check, weak: true } : check)
  const checks: Check[] = []
  if (renamedTo !== null) {
    checks.push(gained(noun('table', renamedTo), tableExists(renamedTo), tableExists(table)))
  }
  for (const [key, { name, weak }] of added) {
    if (dropped.has(key)) continue
    const absent = `${there}NOT ${columnExists(table, name)}`
    checks.push(weaken(gained(noun('column', name), columnExists(after, name), absent), weak))
  }
  for (const [key, { name, weak }] of dropped) {
    if (added.has(key)) continue
    const landed = `${tableExists(after)} AND NOT ${columnExists(after, name)}`
    checks.push(weaken(lost(noun('column', name), columnExists(table, name), landed), weak))
  }
  for (const { shape, weak } of addedIndexes) {
    const replaced = shape.name !== null && droppedIndexes.delete(shape.name.toLowerCase())
    const check = gainedIndex(table, after, shape)
    const absent = `${indexExists(table, shape.name ?? '')} AND NOT ${check.landed}`
    checks.push(weaken(replaced ? { ...check, absent } : check, weak))
  }
  for (const { name, weak } of droppedIndexes.values()) {
    const landed = `${tableExists(after)} AND NOT ${indexExists(after, name)}`
    checks.push(weaken(lost(noun('index', name), indexExists(table, name), landed), weak))
  }
  checks.push(...others.map((other) => other(table, after)))
  return checks
}

/** The names of partitions are a list of their own, and nothing else stands in such a statement. */
function onPartitions(reader: Reader): boolean {
  return ['DROP', 'TRUNCATE', 'REORGANIZE'].includes(reader.key()) && reader.key(1) === 'PARTITION'
}

function readAction(changes: Changes, action: Reader): Rest {
  if (action.ended) return 'none'
  const word = action.takeOne('ADD', 'DROP', 'MODIFY', 'CHANGE', 'RENAME', 'ALTER')
  if (word === null) return readOption(changes, action)
  if (word !== 'ADD') changes.onlyColumns = false
  switch (word) {
    case 'ADD':
      return readAdd(changes, action)
    case 'DROP':
      return readDrop(changes, action)
    case 'MODIFY':
      return 'repeat'
    case 'CHANGE':
      return readChange(changes, action)
    case 'RENAME':
      return readRename(changes, action)
    default:
      // ALTER COLUMN … SET DEFAULT, ALTER INDEX … INVISIBLE, ALTER CHECK … NOT ENFORCED
      return 'repeat'
  }
}

/** Options that say how, and are no change. */
const manners = new Set(['ALGORITHM', 'LOCK'])
/** Setting any of these again changes nothing more. */
const options = new Set(
  `ENGINE TYPE AUTO_INCREMENT COMMENT DEFAULT CHARACTER CHARSET COLLATE CONVERT ROW_FORMAT KEY_BLOCK_SIZE FORCE ORDER
  ENABLE DISABLE STATS_PERSISTENT STATS_AUTO_RECALC STATS_SAMPLE_PAGES AVG_ROW_LENGTH CHECKSUM DELAY_KEY_WRITE MAX_ROWS
  MIN_ROWS PACK_KEYS PAGE_CHECKSUM PAGE_COMPRESSED PAGE_COMPRESSION_LEVEL ENCRYPTED ENCRYPTION COMPRESSION TRANSACTIONAL
  WITHOUT WITH ANALYZE OPTIMIZE CHECK REPAIR REBUILD`.split(/\s+/),
)

/** Only ALGORITHM and LOCK come alone; options of a table may stand behind one another without commas. */
function readOption(changes: Changes, action: Reader): Rest {
  const word = action.key()
  if (manners.has(word)) {
    action.next()
    action.take('=')
    action.next()
    return readAction(changes, action)
  }
  changes.onlyColumns = false
  const partitions = askPartitions(changes.table, action)
  if (partitions !== null) {
    changes.others.push(...partitions.checks)
    return partitions.rest
  }
  return options.has(word) ? 'repeat' : 'unknown'
}

function readAdd(changes: Changes, action: Reader): Rest {
  const constraint = readConstraintName(action)
  const kind = action.takeOne('PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK', 'INDEX', 'KEY', 'FULLTEXT', 'SPATIAL')
  if (kind !== null || constraint !== null) {
    changes.onlyColumns = false
    return readAddKey(changes, action, kind, constraint)
  }
  if (action.key() === 'PARTITION' || action.key() === 'PERIOD' || action.key() === 'SYSTEM') {
    changes.onlyColumns = false
    const partitions = askPartitions(changes.table, action, 'ADD')
    if (partitions === null) return 'unknown'
    changes.others.push(...partitions.checks)
    return partitions.rest
  }
  action.take('COLUMN')
  const weak = action.take('IF', 'NOT', 'EXISTS')
  const list = action.takeList()
  const names = list === null ? [action.takePart()] : list.map((words) => readWords(words).takePart())
  for (const name of names) {
    if (name === null) return 'unknown'
    changes.added.set(name.toLowerCase(), { name, weak })
  }
  return 'none'
}

function readConstraintName(action: Reader): { name: string | null; weak: boolean } | null {
  if (!action.take('CONSTRAINT')) return null
  const weak = action.take('IF', 'NOT', 'EXISTS')
  const unnamed = ['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(action.key())
  return { name: unnamed ? null : action.takePart(), weak }
}

function readAddKey(
  changes: Changes,
  action: Reader,
  kind: string | null,
  constraint: { name: string | null; weak: boolean } | null,
): Rest {
  // ADD CONSTRAINT name PRIMARY KEY: the kind follows the name.
  const found = kind ?? action.takeOne('PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK')
  if (found === 'CHECK') {
    const name = constraint?.name ?? null
    if (name === null) return 'unknown'
    const weak = constraint?.weak === true ? { weak: true as const } : {}
    changes.others.push((before, after) => ({
      ...gained(
        noun('constraint', name),
        constraintExists(after, name, 'CHECK'),
        `NOT ${constraintExists(before, name, 'CHECK')}`,
      ),
      ...weak,
    }))
    return 'none'
  }
  action.takeOne('INDEX', 'KEY')
  const weak = action.take('IF', 'NOT', 'EXISTS') || constraint?.weak === true
  const own = action.key() === '(' || action.key() === 'USING' ? null : action.takePart()
  if (action.take('USING')) action.next()
  const columns = columnsOf(action.takeList())
  if (found === 'FOREIGN') return readForeignKey(changes, action, constraint?.name ?? null, columns, weak)
  const name = found === 'PRIMARY' ? 'PRIMARY' : (own ?? constraint?.name ?? null)
  const shapes: Record<string, IndexShape['kind']> = {
    PRIMARY: 'UNIQUE',
    UNIQUE: 'UNIQUE',
    FULLTEXT: 'FULLTEXT',
    SPATIAL: 'SPATIAL',
  }
  if (name === null && columns === null) return 'unknown'
  changes.addedIndexes.push({ shape: { name, columns, kind: shapes[found ?? ''] ?? 'PLAIN' }, weak })
  return 'none'
}

function readForeignKey(
  changes: Changes,
  action: Reader,
  name: string | null,
  columns: readonly string[] | null,
  weak: boolean,
): Rest {
  const refers = action.take('REFERENCES') ? action.takeName() : null
  if (columns === null || refers === null) return 'unknown'
  const exists = (table: Name) =>
    name === null ? foreignKeyMatches(table, columns, refers.name) : constraintExists(table, name, 'FOREIGN KEY')
  const label = name === null ? `a foreign key on ${columns.join(', ')}` : noun('foreign key', name)
  changes.others.push((before, after) => ({
    ...gained(label, exists(after), `NOT ${exists(before)}`),
    ...(weak ? { weak: true as const } : {}),
  }))
  return 'none'
}

function readDrop(changes: Changes, action: Reader): Rest {
  if (action.take('PRIMARY')) {
    changes.droppedIndexes.set('primary', { name: 'PRIMARY', weak: false })
    return 'none'
  }
  if (action.key() === 'PARTITION' || action.key() === 'SYSTEM' || action.key() === 'PERIOD') {
    const partitions = askPartitions(changes.table, action, 'DROP')
    if (partitions === null) return 'unknown'
    changes.others.push(...partitions.checks)
    return partitions.rest
  }
  const kind = action.takeOne('INDEX', 'KEY', 'FOREIGN', 'CONSTRAINT', 'CHECK', 'COLUMN')
  if (kind === 'FOREIGN') action.take('KEY')
  const weak = action.take('IF', 'EXISTS')
  const name = action.takePart()
  if (name === null) return 'unknown'
  if (kind === 'INDEX' || kind === 'KEY') changes.droppedIndexes.set(name.toLowerCase(), { name, weak })
  else if (kind === 'COLUMN' || kind === null) changes.dropped.set(name.toLowerCase(), { name, weak })
  else {
    const type = kind === 'FOREIGN' ? 'FOREIGN KEY' : kind === 'CHECK' ? 'CHECK' : null
    changes.others.push((before, after) => ({
      ...lost(
        noun(kind === 'FOREIGN' ? 'foreign key' : 'constraint', name),
        constraintExists(before, name, type),
        `${tableExists(after)} AND NOT ${constraintExists(after, name, type)}`,
      ),
      ...(weak ? { weak: true as const } : {}),
    }))
  }
  return 'none'
}

function readChange(changes: Changes, action: Reader): Rest {
  action.take('COLUMN')
  const weak = action.take('IF', 'EXISTS')
  const [from, to] = [action.takePart(), action.takePart()]
  if (from === null || to === null) return 'unknown'
  moveColumn(changes, from, to, weak)
  return 'repeat'
}

function moveColumn(changes: Changes, from: string, to: string, weak: boolean): Rest {
  if (from.toLowerCase() === to.toLowerCase()) return 'repeat'
  changes.dropped.set(from.toLowerCase(), { name: from, weak })
  changes.added.set(to.toLowerCase(), { name: to, weak })
  return 'none'
}

function readRename(changes: Changes, action: Reader): Rest {
  const kind = action.takeOne('COLUMN', 'INDEX', 'KEY')
  if (kind === null) {
    action.takeOne('TO', 'AS', '=')
    const to = action.takeName()
    if (to === null) return 'unknown'
    // Unqualified, it stays in the database of the session, not in that of the table.
    changes.renamedTo = to
    return 'none'
  }
  const weak = action.take('IF', 'EXISTS')
  const from = action.takePart()
  const to = action.take('TO') ? action.takePart() : null
  if (from === null || to === null) return 'unknown'
  if (kind === 'COLUMN') return moveColumn(changes, from, to, weak)
  changes.droppedIndexes.set(from.toLowerCase(), { name: from, weak })
  changes.others.push((before, after) =>
    gained(noun('index', to), indexExists(after, to), `NOT ${indexExists(before, to)}`),
  )
  return 'none'
}
