import { type Connection, DatabaseError, type Dialect } from '../model/dialect.ts'
import type { Notice } from '../model/migration.ts'
import type { SampleColumn, SampleTable, TableContents } from '../model/sample.ts'

/** Rows put into a table each time it has changed. */
const rowsEach = 2

/** What is given for columns that need not be given anything. */
type Fullness = 'everything' | 'no-optional' | 'defaults'

/** Choices tried for a row that a rule of the table refuses. */
const choices: readonly { attempt: number; fullness: Fullness }[] = [
  ...Array.from({ length: 14 }, (_, attempt) => ({ attempt, fullness: 'everything' as const })),
  ...Array.from({ length: 6 }, (_, attempt) => ({ attempt, fullness: 'no-optional' as const })),
  ...Array.from({ length: 6 }, (_, attempt) => ({ attempt, fullness: 'defaults' as const })),
]

/** Puts rows that are made from the schema into every table of one place, again where a table has changed. */
export class RowGenerator {
  readonly #dialect: Dialect
  readonly #connection: Connection
  readonly #target: string | null
  readonly #except: readonly string[]
  /** As each table was when it was filled, or given up. */
  readonly #shapes = new Map<string, string>()
  /** Rows that are there, as far as known. */
  readonly #counts = new Map<string, number>()
  /** Values are numbered on, so that no two rows of a table are alike. */
  readonly #next = new Map<string, number>()

  constructor(dialect: Dialect, connection: Connection, target: string | null, except: readonly string[]) {
    this.#dialect = dialect
    this.#connection = connection
    this.#target = target
    this.#except = except
  }

  /** What a look at the tables has found; those that lost their rows are filled again. */
  learn(tables: readonly SampleTable[], contents: readonly TableContents[]): void {
    tables.forEach(({ id }, i) => {
      this.#counts.set(id, contents[i]?.rows ?? 0)
    })
  }

  /** Gives the tables that are there, and names those that could not be filled. Throws `DatabaseError`. */
  async fill(options: { emptyOnly?: boolean } = {}): Promise<{ tables: SampleTable[]; notices: Notice[] }> {
    const tables = await this.#dialect.samples.tables(this.#connection, this.#target, this.#except)
    const unknown = options.emptyOnly === true ? tables.filter(({ id }) => !this.#counts.has(id)) : []
    if (unknown.length > 0) this.learn(unknown, await this.#dialect.samples.contents(this.#connection, unknown))
    const isEmpty = ({ id }: SampleTable) => (this.#counts.get(id) ?? 0) === 0
    const due = sortByReferences(tables).filter((table) => {
      const same = this.#shapes.get(table.id) === table.shape
      return options.emptyOnly === true ? isEmpty(table) && !same : !same || isEmpty(table)
    })
    const byId = new Map(tables.map((table) => [table.id, table]))
    for (const id of [...this.#counts.keys()]) if (!byId.has(id)) this.#counts.delete(id)
    const notices: Notice[] = []
    if (due.length > 0 && !(await this.#fillAtOnce(due, byId))) {
      for (const table of due) notices.push(...(await this.#fillOne(table, byId)))
    }
    for (const { id, shape } of tables) this.#shapes.set(id, shape)
    return { tables, notices }
  }

  /** Everything in one transaction and one message; false: something was refused, and nothing is there. */
  async #fillAtOnce(due: readonly SampleTable[], byId: ReadonlyMap<string, SampleTable>): Promise<boolean> {
    const counts = new Map(this.#counts)
    const statements: string[] = []
    for (const table of due) {
      const rows: (string | null)[][] = []
      for (let i = 0; i < rowsEach; i++) {
        const row = this.#row(table, byId, { attempt: 0, fullness: 'everything' }, i, counts)
        if (row === null) return false
        rows.push(row)
      }
      statements.push(this.#dialect.samples.insert(table, rows))
      counts.set(table.id, (counts.get(table.id) ?? 0) + rowsEach)
    }
    const { phrases } = this.#dialect
    const { failure } = await this.#connection.pipeline(['BEGIN', ...statements, phrases.commit])
    if (failure !== null) {
      if (this.#connection.broken) throw new DatabaseError(failure)
      return false
    }
    for (const [id, count] of counts) this.#counts.set(id, count)
    for (const { id } of due) this.#next.set(id, (this.#next.get(id) ?? 0) + rowsEach)
    return true
  }

  async #fillOne(table: SampleTable, byId: ReadonlyMap<string, SampleTable>): Promise<Notice[]> {
    let refused: string | null = null
    for (let i = 0; i < rowsEach; i++) {
      const reason = await this.#insertOne(table, byId)
      if (reason === null) this.#counts.set(table.id, (this.#counts.get(table.id) ?? 0) + 1)
      refused = reason ?? refused
      this.#next.set(table.id, (this.#next.get(table.id) ?? 0) + 1)
    }
    if (refused === null || (this.#counts.get(table.id) ?? 0) > 0) return []
    if (this.#shapes.get(table.id) === table.shape) return []
    return [
      {
        rule: 'no-rows',
        message: `No rows could be made for table ${table.id}: ${refused}. Whether its rows come back is not proved.`,
        hint: '`tenantry prove --like <tenant> --with-data` takes the rows of a tenant',
      },
    ]
  }

  /** null: it is there. Else what the server said. */
  async #insertOne(table: SampleTable, byId: ReadonlyMap<string, SampleTable>): Promise<string | null> {
    let reason = 'a column has a type that nothing is known of'
    const tried = new Set<string>()
    for (const choice of choices) {
      const row = this.#row(table, byId, choice, 0, this.#counts)
      if (row === null) continue
      const statement = this.#dialect.samples.insert(table, [row])
      if (tried.has(statement)) continue
      tried.add(statement)
      try {
        await this.#connection.query(statement)
        return null
      } catch (error) {
        if (!(error instanceof DatabaseError) || this.#connection.broken) throw error
        reason = error.failure.message
      }
    }
    return reason
  }

  /** Expressions for one row; null: there is none for some column. */
  #row(
    table: SampleTable,
    byId: ReadonlyMap<string, SampleTable>,
    { attempt, fullness }: { attempt: number; fullness: Fullness },
    ahead: number,
    counts: ReadonlyMap<string, number>,
  ): (string | null)[] | null {
    const n = (this.#next.get(table.id) ?? 0) + ahead
    const keys = this.#keys(table, byId, n + attempt, counts)
    const row: (string | null)[] = []
    for (const column of table.columns) {
      const key = keys.get(column.name)
      if (key !== undefined) {
        const own = key === ownKey ? ownValue(table, column, n, attempt) : key
        if (own === null && !column.nullable) return null
        row.push(own ?? 'NULL')
        continue
      }
      if (fullness === 'no-optional' && column.nullable) row.push('NULL')
      else if (fullness === 'defaults' && (column.hasDefault || column.nullable))
        row.push(column.hasDefault ? null : 'NULL')
      else {
        const value = column.value(n, attempt)
        if (value !== null) row.push(value)
        else if (column.hasDefault) row.push(null)
        else if (column.nullable) row.push('NULL')
        else return null
      }
    }
    return row
  }

  /** What stands in columns that refer to other rows: a key of one, nothing, or the row's own key. */
  #keys(
    table: SampleTable,
    byId: ReadonlyMap<string, SampleTable>,
    nth: number,
    counts: ReadonlyMap<string, number>,
  ): Map<string, string> {
    const keys = new Map<string, string>()
    for (const { columns, table: id, to } of table.references) {
      const parent = id === null ? undefined : byId.get(id)
      const there = id === null ? 0 : (counts.get(id) ?? 0)
      columns.forEach((column, i) => {
        if (keys.has(column)) return
        const isNullable = table.columns.find(({ name }) => name === column)?.nullable === true
        if (id === table.id) keys.set(column, isNullable ? 'NULL' : ownKey)
        else if (parent !== undefined && there > 0)
          keys.set(column, this.#dialect.samples.keyOf(parent, to, to[i] ?? '', nth % there))
        else if (isNullable) keys.set(column, 'NULL')
      })
    }
    return keys
  }
}

/** Stands for the value of the same row's key. */
const ownKey = '\u0000own'

function ownValue(table: SampleTable, { name }: SampleColumn, n: number, attempt: number): string | null {
  const reference = table.references.find((one) => one.table === table.id && one.columns.includes(name))
  const other = reference?.to[reference.columns.indexOf(name)]
  return table.columns.find((column) => column.name === other)?.value(n, attempt) ?? null
}

/** A table comes after those it refers to; within a circle, the names decide. */
export function sortByReferences(tables: readonly SampleTable[]): SampleTable[] {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const sorted = new Set<SampleTable>()
  const entered = new Set<SampleTable>()
  const add = (table: SampleTable) => {
    if (entered.has(table)) return
    entered.add(table)
    // References that cannot be left empty are followed first: they win where there is a circle.
    const must = ({ columns }: SampleTable['references'][number]) =>
      columns.every((column) => table.columns.find(({ name }) => name === column)?.nullable === false)
    for (const reference of [...table.references].sort((a, b) => Number(must(b)) - Number(must(a)))) {
      const parent = reference.table === null ? undefined : byId.get(reference.table)
      if (parent !== undefined) add(parent)
    }
    sorted.add(table)
  }
  // Tables that can wait (their references may be empty) come after those that cannot.
  for (const table of tables) add(table)
  return [...sorted]
}
