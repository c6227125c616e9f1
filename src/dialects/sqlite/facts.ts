import type {
  ColumnFacts,
  ConstraintFact,
  FactsFile,
  FileFacts,
  ObjectName,
  StatementFact,
  StatementFacts,
  StatementReader,
  StepCost,
} from '../../model/statement-facts.ts'
import { placeComments } from '../directive-comments.ts'
import { indexLines } from '../line-index.ts'
import { judgeStatement, makesTemporary, readPragma, sessionSetting } from './classify.ts'
import { findComments } from './comments.ts'
import { type CreatedTable, readCreateTable, type TableColumn } from './create-table.ts'
import { describePieces } from './describe-pieces.ts'
import { layOut } from './layout.ts'
import { type Name, type Reader, readStatement } from './reader.ts'
import { foldName, nameOf, type Word } from './words.ts'

/** Whatever writes has the file to itself among writers; readers go on where it keeps a WAL. */
const cost = (work: StepCost['work']): StepCost => ({ lock: 'write lock of the file', blocks: 'writes', work })

const toObject = ({ schema, name }: Name): ObjectName => ({
  schema: schema !== null && foldName(schema) === 'main' ? null : schema,
  name,
})

function defaultOf({ default: words, generated }: TableColumn): ColumnFacts['default'] {
  if (words === null || generated !== null) return 'none'
  if (words.some(({ key }) => /^CURRENT_(?:TIMESTAMP|DATE|TIME)$/.test(key))) return 'stable'
  const calls = words.filter((word, i) => word.type === 'word' && words[i + 1]?.key === '(')
  if (calls.some(({ key }) => key === 'RANDOM' || key === 'RANDOMBLOB')) return 'volatile'
  return calls.length === 0 ? 'constant' : 'unknown'
}

function toColumn(column: TableColumn): ColumnFacts {
  return {
    name: column.name,
    type: column.type.map(({ text }) => text.toLowerCase()).join(' '),
    notNull: column.notNull,
    default: defaultOf(column),
    generated: column.generated === null ? 'no' : column.generated.stored ? 'stored' : 'virtual',
  }
}

type Constraint = Omit<ConstraintFact, 'kind' | 'table'>

const constraint = (type: Constraint['type'], more: Partial<Constraint>): Constraint => ({
  name: null,
  type,
  columns: [],
  references: null,
  notValid: false,
  assuresNotNull: null,
  cost: cost('moment'),
  ...more,
})

function constraintsOf({ primaryKey, uniques, checks, foreignKeys }: CreatedTable): Constraint[] {
  const names = (parts: readonly { words: readonly Word[] }[]) =>
    parts.flatMap(({ words }) => (words.length === 1 ? words.map(nameOf) : []))
  return [
    ...(primaryKey === null ? [] : [constraint('primary-key', { columns: names(primaryKey.parts) })]),
    ...uniques.map(({ parts }) => constraint('unique', { columns: names(parts) })),
    ...checks.map(({ name }) => constraint('check', { name })),
    ...foreignKeys.map(({ columns, parent }) =>
      constraint('foreign-key', { columns, references: { schema: null, name: parent } }),
    ),
  ]
}

function readCreate(reader: Reader, text: string, words: readonly Word[]): StatementFact[] {
  const rest: StatementFact[] = makesTemporary(words)
    ? [{ kind: 'session-rest', what: 'a temporary table, view or trigger' }]
    : []
  const created = readCreateTable(text)
  if (created !== null) {
    const { name, isTemporary: temporary, ifNotExists, isCopy, columns } = created
    return [
      {
        kind: 'create-table',
        table: toObject(name),
        temporary,
        guard: ifNotExists ? 'present' : 'missing',
        columns: isCopy ? null : columns.map(toColumn),
        constraints: constraintsOf(created),
      },
      ...rest,
    ]
  }
  reader.takeOne('TEMP', 'TEMPORARY')
  const unique = reader.take('UNIQUE')
  const kind = reader.takeOne('INDEX', 'VIEW')
  const guard = reader.take('IF', 'NOT', 'EXISTS') ? 'present' : 'missing'
  const name = kind === null ? null : reader.takeName()
  if (name === null) return rest
  if (kind === 'VIEW') return [{ kind: 'create-view', view: toObject(name) }, ...rest]
  const table = reader.take('ON') ? reader.takeName() : null
  if (table === null) return rest
  return [
    { kind: 'create-index', table: toObject(table), index: name.name, unique, guard, cost: cost('build') },
    ...rest,
  ]
}

function readDrop(reader: Reader): StatementFact[] {
  const kind = reader.takeOne('TABLE', 'INDEX', 'VIEW', 'TRIGGER')
  reader.take('IF', 'EXISTS')
  const name = kind === null ? null : reader.takeName()
  if (kind === null || name === null) return []
  if (kind === 'TABLE') return [{ kind: 'drop-table', table: toObject(name), cost: cost('scan') }]
  if (kind === 'INDEX') return [{ kind: 'drop-index', index: toObject(name), table: null, cost: cost('moment') }]
  return [{ kind: 'drop-object', object: kind.toLowerCase(), name: toObject(name) }]
}

/** null: it could not be read. */
function readAlter(reader: Reader, text: string): StatementFact[] | null {
  const name = reader.take('TABLE') ? reader.takeName() : null
  if (name === null) return null
  const table = toObject(name)
  if (reader.take('RENAME', 'TO')) {
    const to = reader.takePart()
    return to === null ? null : [{ kind: 'rename-table', table, to, cost: cost('moment') }]
  }
  if (reader.take('RENAME')) {
    reader.take('COLUMN')
    const column = reader.takePart()
    const to = reader.take('TO') ? reader.takePart() : null
    return column === null || to === null ? null : [{ kind: 'rename-column', table, column, to, cost: cost('moment') }]
  }
  if (reader.take('DROP')) {
    reader.take('COLUMN')
    const column = reader.takePart()
    return column === null ? null : [{ kind: 'drop-column', table, column, cost: cost('rewrite') }]
  }
  if (!reader.take('ADD')) return null
  reader.take('COLUMN')
  const definition = reader.peek()
  const [column] =
    definition === undefined ? [] : (readCreateTable(`CREATE TABLE t (${text.slice(definition.start)})`)?.columns ?? [])
  if (column === undefined) return null
  return [{ kind: 'add-column', table, column: toColumn(column), guard: 'impossible', cost: cost('moment') }]
}

const verbs: Readonly<Record<string, 'INSERT' | 'UPDATE' | 'DELETE'>> = {
  INSERT: 'INSERT',
  REPLACE: 'INSERT',
  UPDATE: 'UPDATE',
  DELETE: 'DELETE',
}

function readData(verb: 'INSERT' | 'UPDATE' | 'DELETE', reader: Reader, words: readonly Word[]): StatementFact[] {
  if (reader.take('OR')) reader.next()
  reader.takeOne('INTO', 'FROM')
  const name = reader.takeName()
  if (name === null) return []
  const has = (key: string) => words.some((word) => word.key === key)
  const limited = verb === 'INSERT' ? !(has('SELECT') && has('FROM')) : has('WHERE') || has('LIMIT')
  return [{ kind: 'change-data', verb, table: toObject(name), limited }]
}

function readTenantValues(words: readonly Word[], tenantColumns: ReadonlySet<string>): StatementFact[] {
  return words.flatMap((word, i): StatementFact[] => {
    const [next, value] = [words[i + 1], words[i + 2]]
    const column = word.type === 'word' || word.type === 'name' ? nameOf(word).toLowerCase() : ''
    if (!tenantColumns.has(column) || (next?.key !== '=' && next?.key !== '==')) return []
    if (value?.type !== 'string' && value?.type !== 'number') return []
    return [{ kind: 'tenant-value', column, value: value.type === 'string' ? nameOf(value) : value.text }]
  })
}

const readHeads = new Set(
  'ALTER CREATE DROP INSERT REPLACE UPDATE DELETE SELECT WITH VALUES PRAGMA ANALYZE REINDEX VACUUM BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE EXPLAIN ATTACH DETACH'.split(
    ' ',
  ),
)

function readFacts(text: string, words: readonly Word[]): { facts: StatementFact[]; unread: string | null } {
  const reader = readStatement(text)
  const first = reader.next()?.key ?? ''
  const known = (facts: StatementFact[]) => ({ facts, unread: null })
  switch (first) {
    case 'CREATE':
      return known(readCreate(reader, text, words))
    case 'DROP':
      return known(readDrop(reader))
    case 'ALTER': {
      const facts = readAlter(reader, text)
      return { facts: facts ?? [], unread: facts === null ? 'this ALTER TABLE could not be read' : null }
    }
    case 'VACUUM':
      return known([{ kind: 'rewrite-table', table: null, how: 'VACUUM', cost: cost('rewrite') }])
    case 'REINDEX':
      return known([{ kind: 'reindex', object: words[1]?.text ?? 'everything', cost: cost('build') }])
    case 'PRAGMA': {
      const setting = sessionSetting(words)
      const isKept = judgeStatement(words).verdict === 'stays' && setting !== null
      const local = readPragma(words)?.name === 'defer_foreign_keys'
      return known(isKept ? [{ kind: 'session-setting', setting, local }] : [])
    }
    default: {
      const verb = verbs[first]
      if (verb !== undefined) return known(readData(verb, reader, words))
      return { facts: [], unread: first === '' || readHeads.has(first) ? null : `${first} is not known to the rules` }
    }
  }
}

function readFile(file: FactsFile, tenantColumns: ReadonlySet<string>): FileFacts {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text
  const lines = indexLines(text)
  const pieces = describePieces(text, lines)
  const statements = pieces.map(({ index, kind, start, end, words }): StatementFacts => {
    const { facts, unread } = readFacts(text.slice(start, end), words)
    return { index, kind, ...lines.place(start), facts: [...facts, ...readTenantValues(words, tenantColumns)], unread }
  })
  const comments = findComments(text).map((comment) => ({ ...comment, ...lines.place(comment.start) }))
  return {
    statements,
    comments: placeComments(text, comments, pieces),
    oneTransaction: layOut(pieces, false).mode === 'transaction',
    syntaxError: null,
  }
}

/** SQLite's statements as facts, by their words: no grammar is checked. */
export const facts: StatementReader = {
  grammar: 'the words of SQLite (no grammar is checked)',
  companion: null,
  // A column's type is changed by building its table anew.
  keepsRows: () => null,
  read: async (files, { tenantColumns }) => {
    const columns = new Set(tenantColumns.map((name) => name.toLowerCase()))
    return files.map((file) => readFile(file, columns))
  },
}
