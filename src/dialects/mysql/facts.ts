import type {
  FactsFile,
  FactsRequest,
  FileFacts,
  StatementFact,
  StatementFacts,
  StatementReader,
} from '../../model/statement-facts.ts'
import { placeComments } from '../directive-comments.ts'
import { readNames } from './alter-actions.ts'
import { readControl } from './classify.ts'
import { readAlterFacts, readConstraint, toObject } from './facts-alter.ts'
import { keepsRows, notColumns, readColumn } from './facts-columns.ts'
import { costOf, readAsked, safeClause } from './facts-cost.ts'
import { nameOf, type Word, wordsOf } from './lex.ts'
import { type Reader, readStatement } from './probe-reader.ts'
import { readSettings } from './session-settings.ts'
import { splitFile } from './split.ts'
import { nameStatement } from './statement-kind.ts'

const unasked = { algorithm: null, lock: null }
const brief = { lock: 'metadata lock (EXCLUSIVE)', blocks: 'everything', work: 'moment' } as const

function readCreate(reader: Reader, text: string, words: readonly Word[]): StatementFact[] {
  const replaces = reader.take('OR', 'REPLACE')
  const temporary = reader.take('TEMPORARY')
  if (reader.take('TABLE')) {
    const guard = reader.take('IF', 'NOT', 'EXISTS') ? ('present' as const) : ('missing' as const)
    const name = reader.takeName()
    if (name === null) return []
    const table = toObject(name)
    const items = reader.takeList()
    const copies = items === null || items.some(([first]) => first?.key === 'LIKE')
    const columns = (items ?? []).filter(([first]) => first !== undefined && !notColumns.has(first.key))
    const constraints = (items ?? []).flatMap((item) => readConstraint(item, table, unasked) ?? [])
    return [
      ...(replaces ? [{ kind: 'drop-table', table, cost: brief } as const] : []),
      {
        kind: 'create-table',
        table,
        temporary,
        guard,
        columns: copies ? null : columns.flatMap((item) => readColumn(item) ?? []),
        constraints,
      },
      ...(temporary ? [{ kind: 'session-rest', what: 'a temporary table' } as const] : []),
    ]
  }
  const kind = reader.takeOne('UNIQUE', 'FULLTEXT', 'SPATIAL')
  if (reader.take('INDEX')) {
    const guard = reader.take('IF', 'NOT', 'EXISTS') ? ('present' as const) : ('impossible' as const)
    const index = reader.takePart()
    while (!reader.ended && !reader.take('ON')) reader.next()
    const name = reader.takeName()
    if (name === null) return []
    const online = kind === 'FULLTEXT' ? 'add-fulltext' : kind === 'SPATIAL' ? 'add-spatial' : 'add-index'
    const asked = readAsked(words.slice(words.findLastIndex(({ key }) => key === ')') + 1))
    const cost = costOf(online, asked)
    const rewrite = safeClause(text, online)
    return [{ kind: 'create-index', table: toObject(name), index, unique: kind === 'UNIQUE', guard, cost, rewrite }]
  }
  const at = words.findIndex(({ key }) => key === 'VIEW')
  const view = words[at + 1]
  return at === -1 || at > 12 || view === undefined
    ? []
    : [{ kind: 'create-view', view: { schema: null, name: nameOf(view) } }]
}

function readDrop(reader: Reader, words: readonly Word[]): StatementFact[] {
  if (reader.take('TEMPORARY')) return []
  const object = reader.takeOne('TABLE', 'TABLES', 'SEQUENCE', 'DATABASE', 'SCHEMA', 'INDEX')
  if (object === null) return []
  reader.take('IF', 'EXISTS')
  if (object === 'INDEX') {
    const index = reader.takePart()
    const table = reader.take('ON') ? reader.takeName() : null
    const cost = costOf('drop-index', readAsked(words.slice(-8)))
    if (index === null) return []
    return [{ kind: 'drop-index', index: { schema: null, name: index }, table: table && toObject(table), cost }]
  }
  const names = readNames(reader).map(toObject)
  if (object === 'TABLE' || object === 'TABLES')
    return names.map((table) => ({ kind: 'drop-table', table, cost: brief }))
  return names.map((name) => ({ kind: 'drop-object', object: object.toLowerCase(), name }))
}

function readRename(reader: Reader): StatementFact[] {
  if (reader.takeOne('TABLE', 'TABLES') === null) return []
  const facts: StatementFact[] = []
  do {
    const from = reader.takeName()
    const to = reader.take('TO') ? reader.takeName() : null
    if (from === null || to === null) break
    facts.push({ kind: 'rename-table', table: toObject(from), to: to.name, cost: brief })
  } while (reader.take(','))
  return facts
}

const verbs: Readonly<Record<string, 'INSERT' | 'UPDATE' | 'DELETE'>> = {
  INSERT: 'INSERT',
  REPLACE: 'INSERT',
  UPDATE: 'UPDATE',
  DELETE: 'DELETE',
}

function readData(verb: 'INSERT' | 'UPDATE' | 'DELETE', reader: Reader, words: readonly Word[]): StatementFact[] {
  while (reader.takeOne('LOW_PRIORITY', 'HIGH_PRIORITY', 'DELAYED', 'QUICK', 'IGNORE', 'INTO', 'FROM') !== null);
  const name = reader.takeName()
  if (name === null) return []
  const has = (key: string) => words.some((word) => word.key === key)
  const limited = verb === 'INSERT' ? !(has('SELECT') && has('FROM')) : has('WHERE') || has('LIMIT')
  return [{ kind: 'change-data', verb, table: toObject(name), limited }]
}

function readSession(words: readonly Word[]): StatementFact[] {
  if (readControl(words) !== null) return []
  return (readSettings(words) ?? []).flatMap(({ name, scope }): StatementFact[] =>
    scope === 'session' && name !== 'names' ? [{ kind: 'session-setting', setting: name, local: false }] : [],
  )
}

/** `tenant_id = 'acme'`, `DATABASE()`. */
function readWithin(words: readonly Word[], tenantColumns: ReadonlySet<string>): StatementFact[] {
  const first = words[0]?.key ?? ''
  const isData = ['INSERT', 'UPDATE', 'DELETE', 'REPLACE'].includes(first)
  // What is only asked, or computed later (a view, a trigger), stays the same.
  const isFixed = isData || (first === 'CREATE' && words.slice(1, 4).some(({ key }) => key === 'TABLE'))
  return words.flatMap((word, i): StatementFact[] => {
    const [next, value] = [words[i + 1], words[i + 2]]
    if (isFixed && word.key === 'DATABASE' && next?.key === '(') {
      return [{ kind: 'tenant-dependent', expression: 'DATABASE()', inSchema: !isData }]
    }
    const column = word.type === 'word' || word.type === 'name' ? nameOf(word).toLowerCase() : ''
    if (!tenantColumns.has(column) || next?.key !== '=' || value === undefined) return []
    const isConstant = value.type === 'string' || /^\d+$/.test(value.text)
    const text = value.type === 'string' ? value.text.slice(1, -1) : value.text
    return isConstant ? [{ kind: 'tenant-value', column, value: text }] : []
  })
}

const readHeads = new Set(
  `ALTER CREATE DROP RENAME TRUNCATE INSERT REPLACE UPDATE DELETE SET SELECT GRANT REVOKE ANALYZE LOCK UNLOCK BEGIN START
  COMMIT ROLLBACK USE SHOW COMMENT DEALLOCATE DO`.split(/\s+/),
)

function readFacts(text: string, words: readonly Word[]): { facts: StatementFact[]; unread: string | null } {
  const reader = readStatement(text)
  const first = reader.next()?.key ?? ''
  const none = { facts: [], unread: null }
  switch (first) {
    case 'ALTER': {
      const facts = readAlterFacts(text, words)
      const isTable = words.slice(1, 4).some(({ key }) => key === 'TABLE')
      return { facts: facts ?? [], unread: facts === null && isTable ? 'this ALTER TABLE could not be read' : null }
    }
    case 'CREATE':
      return { facts: readCreate(reader, text, words), unread: null }
    case 'DROP':
      return { facts: readDrop(reader, words), unread: null }
    case 'RENAME':
      return { facts: readRename(reader), unread: null }
    case 'TRUNCATE': {
      reader.take('TABLE')
      const name = reader.takeName()
      return name === null ? none : { facts: [{ kind: 'truncate', table: toObject(name), cost: brief }], unread: null }
    }
    case 'CALL':
      return { facts: [], unread: 'what CALL does is the program of the procedure' }
    case 'EXECUTE':
    case 'PREPARE':
      return { facts: [], unread: 'a prepared text is not looked into' }
    default: {
      const verb = verbs[first]
      if (verb !== undefined) return { facts: readData(verb, reader, words), unread: null }
      const isKnown = first === '' || readHeads.has(first)
      return { facts: readSession(words), unread: isKnown ? null : `${first} is not known to the rules` }
    }
  }
}

function readFile(file: FactsFile, tenantColumns: ReadonlySet<string>): FileFacts {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text
  const split = splitFile(text)
  const statements = split.statements.map(({ start, end }, position): StatementFacts => {
    const own = text.slice(start, end)
    const words = wordsOf(own)
    const { facts, unread } = readFacts(own, words)
    const all = [...facts, ...readWithin(words, tenantColumns)]
    return { index: position + 1, kind: nameStatement(words), ...split.lines.place(start), facts: all, unread }
  })
  const comments = split.comments.map(({ start, end }) => ({
    text: text.slice(start, end),
    start,
    end,
    ...split.lines.place(start),
  }))
  const ranges = split.statements.map((range, i) => ({ index: i + 1, ...range }))
  return { statements, comments: placeComments(text, comments, ranges), oneTransaction: false, syntaxError: null }
}

/** Names in letter case do not matter here; the request's are lower case. */
const lower = ({ tenantColumns }: FactsRequest) => new Set(tenantColumns.map((name) => name.toLowerCase()))

/** MySQL's and MariaDB's statements as facts, by their words: no grammar is checked. */
export const facts: StatementReader = {
  grammar: 'the words of MySQL and MariaDB (no grammar is checked)',
  companion: null,
  keepsRows,
  read: async (files, request) => files.map((file) => readFile(file, lower(request))),
}
