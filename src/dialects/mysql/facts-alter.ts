import type {
  ColumnFacts,
  ConstraintFact,
  ConstraintType,
  ObjectName,
  StatementFact,
} from '../../model/statement-facts.ts'
import { type AlterAction, readAlterTable } from './alter-actions.ts'
import { notColumns, readColumn, readLabels } from './facts-columns.ts'
import { type Asked, caseOf, costOf, readAsked, safeClause } from './facts-cost.ts'
import { nameOf, type Word } from './lex.ts'
import type { OnlineCaseName } from './online-ddl-cases.ts'
import { columnsOf, type Name, readWords } from './probe-reader.ts'
import { quoteIdentifier } from './quote.ts'

export const toObject = ({ schema, name }: Name): ObjectName => ({ schema, name })

const guardOf = (words: readonly Word[]) =>
  words.some(({ key }, i) => key === 'IF' && words[i + 1]?.key === 'NOT')
    ? ('present' as const)
    : ('impossible' as const)

/** `ADD [COLUMN] [IF NOT EXISTS] …` without those words. */
function afterAdd(words: readonly Word[]): Word[] {
  const reader = readWords(words.slice(1))
  reader.take('COLUMN')
  reader.take('IF', 'NOT', 'EXISTS')
  return reader.takeAll()
}

/** Columns that ADD writes: one, or several in parentheses. */
function addedColumns(words: readonly Word[]): Word[][] {
  const rest = afterAdd(words)
  if (rest[0]?.key !== '(') return [rest]
  return readWords(rest).takeList() ?? []
}

const constraintTypes: Readonly<Record<string, ConstraintType>> = {
  PRIMARY: 'primary-key',
  UNIQUE: 'unique',
  FOREIGN: 'foreign-key',
  CHECK: 'check',
}

/** A constraint of a definition, or of ADD; null: it is an index or something else. */
export function readConstraint(
  words: readonly Word[],
  table: ObjectName,
  asked: Asked,
): Omit<ConstraintFact, 'rewrite'> | null {
  const reader = readWords(words)
  let name: string | null = null
  if (reader.take('CONSTRAINT') && !(reader.key() in constraintTypes)) name = reader.takePart()
  const type = constraintTypes[reader.key()]
  if (type === undefined) return null
  reader.next()
  while (!reader.ended && reader.key() !== '(') {
    const word = reader.next()
    if (word !== undefined && !['KEY', 'INDEX', 'USING', 'BTREE', 'HASH', 'IF', 'NOT', 'EXISTS'].includes(word.key)) {
      name ??= nameOf(word)
    }
  }
  const columns = type === 'check' ? [] : (columnsOf(reader.takeList()) ?? [])
  const target = reader.take('REFERENCES') ? reader.takeName() : null
  const online: OnlineCaseName =
    type === 'foreign-key'
      ? 'add-foreign-key'
      : type === 'check'
        ? 'add-check'
        : type === 'unique'
          ? 'add-index'
          : 'add-primary-key'
  return {
    kind: 'add-constraint',
    table,
    name,
    type,
    columns,
    references: target === null ? null : toObject(target),
    notValid: false,
    assuresNotNull: null,
    cost: costOf(online, asked),
  }
}

function addNullable({ name: table }: ObjectName, { name, type }: ColumnFacts): string {
  const [t, c] = [quoteIdentifier(table), quoteIdentifier(name)]
  return [
    `ALTER TABLE ${t} ADD COLUMN ${c} ${type} NULL;  -- or NOT NULL with a DEFAULT`,
    '-- fill it in batches, while releases write it; then, in a later migration:',
    `ALTER TABLE ${t} MODIFY ${c} ${type} NOT NULL;`,
  ].join('\n')
}

/** Actions whose fact is only that the whole table is copied or locked against writes. */
const rewriters: ReadonlySet<OnlineCaseName> = new Set([
  'convert-charset',
  'rebuild',
  'engine',
  'order-by',
  'repartition',
  'system-versioning',
  'drop-primary-key',
])

function readAction(action: AlterAction, table: ObjectName, asked: Asked, text: string): StatementFact[] {
  const { words, drops, changes } = action
  const online = caseOf(words)
  if (online === null) return []
  const cost = costOf(online, asked)
  const rewrite = safeClause(text, online)
  if (drops !== null) return [{ kind: 'drop-column', table, column: drops, cost }]
  if (changes !== null) return readChange(action, table, changes, asked, rewrite)
  const isColumn = online.startsWith('add-column')
  switch (online) {
    case 'add-index':
    case 'add-fulltext':
    case 'add-spatial':
    case 'add-primary-key':
    case 'add-foreign-key':
    case 'add-check': {
      const first = words[1]
      const constraint = first && notColumns.has(first.key) ? readConstraint(words.slice(1), table, asked) : null
      if (constraint !== null) return [{ ...constraint, rewrite }]
      if (first && !notColumns.has(first.key)) return readAdded(words, table, asked, rewrite)
      return [{ kind: 'create-index', table, index: null, unique: false, guard: guardOf(words), cost, rewrite }]
    }
    case 'drop-index': {
      const index = words.at(-1)
      return index === undefined
        ? []
        : [{ kind: 'drop-index', index: { schema: null, name: nameOf(index) }, table, cost }]
    }
    case 'rename-table': {
      const to = words.at(-1)
      return to === undefined ? [] : [{ kind: 'rename-table', table, to: nameOf(to), cost }]
    }
    case 'rename-column': {
      const [column, to] = [words[2], words.at(-1)]
      if (column === undefined || to === undefined) return []
      return [{ kind: 'rename-column', table, column: nameOf(column), to: nameOf(to), cost }]
    }
    default:
      if (isColumn) return readAdded(words, table, asked, rewrite)
      if (!rewriters.has(online)) return []
      return [
        {
          kind: 'rewrite-table',
          table,
          how: words
            .slice(0, 2)
            .map(({ text }) => text)
            .join(' '),
          cost,
          rewrite,
        },
      ]
  }
}

function readAdded(words: readonly Word[], table: ObjectName, asked: Asked, rewrite: string): StatementFact[] {
  return addedColumns(words).flatMap((own): StatementFact[] => {
    const column = readColumn(own)
    if (column === null) return []
    const online = caseOf([...words.slice(0, 1), ...own]) ?? 'add-column'
    // A default that is computed for each row is one reason more to copy them.
    const isComputed = column.default === 'volatile'
    const cost = costOf(isComputed ? 'add-column-stored' : online, asked)
    const bare = column.notNull && column.default === 'none' && column.generated === 'no'
    const safe = bare ? addNullable(table, column) : rewrite
    return [{ kind: 'add-column', table, column, guard: guardOf(words), cost, rewrite: safe }]
  })
}

function readChange(
  { words }: AlterAction,
  table: ObjectName,
  column: string,
  asked: Asked,
  rewrite: string,
): StatementFact[] {
  const isChange = words[0]?.key === 'CHANGE'
  const reader = readWords(words.slice(1))
  reader.take('COLUMN')
  reader.take('IF', 'EXISTS')
  const rest = reader.takeAll()
  // CHANGE names the column twice.
  const next = readColumn(isChange ? rest.slice(1) : rest)
  if (next === null) return []
  const labels = readLabels(rest)
  const cost = costOf('change-column', asked)
  const renamed = isChange && next.name.toLowerCase() !== column.toLowerCase()
  return [
    ...(renamed
      ? [{ kind: 'rename-column', table, column, to: next.name, cost: costOf('rename-column', asked) } as const]
      : []),
    ...(labels === null ? [] : [{ kind: 'set-enum-labels', table, column: next.name, labels } as const]),
    { kind: 'change-type', table, column: next.name, type: next.type, rewrites: 'depends', cost, rewrite },
  ]
}

/** Facts of an ALTER TABLE; null: it is none, or cannot be read. */
export function readAlterFacts(text: string, words: readonly Word[]): StatementFact[] | null {
  const altered = readAlterTable(text)
  if (altered === null) return null
  const table = toObject(altered.table)
  const options = altered.actions.flatMap(({ words: own }) => (caseOf(own) === null ? own : []))
  const asked = readAsked(options.length > 0 ? options : words.slice(-8))
  return altered.actions.flatMap((action) => readAction(action, table, asked, text))
}
