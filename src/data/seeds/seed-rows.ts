import type { SeedColumn, SeededTable } from '../../model/seed-words.ts'
import { decideRow, differing } from './decide-row.ts'
import { showKey } from './read-rows.ts'
import { columnOf, ownColumn, Resolver, tenantValue } from './resolve-values.ts'
import { type BookEntry, hash, hashValue } from './seed-book.ts'
import type { RowsBody, SeedRow } from './seed-file.ts'
import {
  ask,
  bookTenant,
  count,
  emptyCounts,
  findTable,
  type SeedCounts,
  SeedStopped,
  type SeedWork,
  sendEach,
} from './seed-work.ts'

/** A row of the file, with its values as SQL. */
interface ReadyRow {
  row: SeedRow
  label: string
  /** Condition that finds it. */
  where: string
  sql: ReadonlyMap<SeedColumn, string>
  rowKey: string
  given: string
}

/** Its columns as texts, as the server has them. */
type Texts = ReadonlyMap<string, string | null>

/** Rows that are asked for in one question. */
const chunkRows = 50

/**
 * Puts the rows of a file into their table, in the work's transaction. The server itself turns values into those of its
 * columns: a row that may have to change is changed, looked at again, and changed back where that was not wanted.
 * Throws {@link SeedStopped}.
 */
export async function seedRows(work: SeedWork, body: RowsBody, hasBook: boolean): Promise<SeedCounts> {
  const table = await openTable(work, body)
  const job = new RowsJob(work, body, table, hasBook)
  await job.run()
  return job.counts
}

async function openTable(work: SeedWork, { table: name, rows, key }: RowsBody): Promise<SeededTable> {
  const table = await findTable(work, name, false)
  const hint = 'Apply its migrations first (`tenantry up`), or say with `set` which targets the seed is for.'
  if (table === null) throw new SeedStopped(`there is no table ${name}`, {}, { hint })
  if (table.obstacle !== null) throw new SeedStopped(`${name} cannot be seeded: ${table.obstacle}`, {})
  const missing = new Map<string, number>()
  for (const row of rows) {
    for (const column of [...row.values.keys(), ...key])
      if (columnOf(table, column) === null && !missing.has(column)) missing.set(column, row.line)
  }
  if (missing.size === 0) return table
  const names = [...missing.keys()].join(', ')
  const line = Math.min(...missing.values())
  throw new SeedStopped(
    `${name} has no column ${names}`,
    { line },
    { hint: `Correct the names; ${name} has ${table.columns.map((column) => column.name).join(', ')}.` },
  )
}

class RowsJob {
  readonly counts: SeedCounts = emptyCounts()
  readonly #work: SeedWork
  readonly #body: RowsBody
  readonly #table: SeededTable
  readonly #hasBook: boolean
  readonly #resolver: Resolver
  readonly #seen = new Set<string>()
  #entries = new Map<string, BookEntry>()

  constructor(work: SeedWork, body: RowsBody, table: SeededTable, hasBook: boolean) {
    this.#work = work
    this.#body = body
    this.#table = table
    this.#hasBook = hasBook
    this.#resolver = new Resolver(work)
  }

  async run(): Promise<void> {
    const { connection, book } = this.#work
    const { rows, table } = this.#body
    if (this.#hasBook) this.#entries = await book.entries(connection, table, bookTenant(this.#work))
    const size = refersTo(rows, table) ? 1 : chunkRows
    for (let i = 0; i < rows.length; i += size) await this.#chunk(rows.slice(i, i + size))
    await this.#leftOver()
  }

  async #prepare(row: SeedRow): Promise<ReadyRow | null> {
    const { key } = this.#body
    const label = showKey(key, row)
    const place = { row: label, line: row.line }
    const sql = new Map<SeedColumn, string>()
    const ids: [string, string][] = []
    for (const [name, value] of row.values) {
      const column = columnOf(this.#table, name) as SeedColumn
      const found = await this.#resolver.resolve(value, column, place)
      if (found === null) return null
      if (key.includes(name) && found.sql === 'NULL')
        throw new SeedStopped(`${name} is part of its key, and is NULL`, place)
      sql.set(column, found.sql)
      ids.push([name, found.id])
    }
    const own = ownColumn(this.#work, this.#table)
    const conditions = key.map((name) => {
      const column = columnOf(this.#table, name) as SeedColumn
      return `${column.quoted} = ${sql.get(column)}`
    })
    if (own !== null) {
      if (!sql.has(own)) sql.set(own, tenantValue(this.#work, own))
      if (!key.some((name) => columnOf(this.#table, name) === own)) conditions.push(`${own.quoted} = ${sql.get(own)}`)
    }
    const sorted = ids.sort(([a], [b]) => (a < b ? -1 : 1))
    const rowKey = hash(JSON.stringify(sorted.filter(([name]) => key.includes(name))))
    return { row, label, where: conditions.join(' AND '), sql, rowKey, given: hash(JSON.stringify(sorted)) }
  }

  async #chunk(rows: readonly SeedRow[]): Promise<void> {
    const ready: ReadyRow[] = []
    for (const row of rows) {
      const one = await this.#prepare(row)
      if (one === null)
        count(this.counts, 'inserted', showKey(this.#body.key, row), 'refers to what a seed before it would make')
      else ready.push(one)
    }
    const { mode } = this.#body
    const before = await this.#read(ready, false)
    const inserts: ReadyRow[] = []
    const changes: ReadyRow[] = []
    for (const one of ready) {
      this.#seen.add(one.rowKey)
      const entry = this.#entries.get(one.rowKey) ?? null
      const decision = decideRow({ mode, entry, given: one.given, before: before.get(one) ?? null })
      if (decision.kind === 'unchanged') this.counts.unchanged++
      else if (decision.kind === 'kept') count(this.counts, 'kept', one.label, decision.why)
      else (decision.kind === 'insert' ? inserts : changes).push(one)
    }
    await this.#insert(inserts)
    await this.#change(changes)
  }

  async #insert(rows: readonly ReadyRow[]): Promise<void> {
    const { connection } = this.#work
    const statements = rows.map(({ sql }) => {
      const names = [...sql.keys()].map(({ quoted }) => quoted).join(', ')
      return `INSERT INTO ${this.#table.place} (${names}) VALUES (${[...sql.values()].join(', ')})`
    })
    await sendEach(connection, statements, (i) => placeOf(rows[i]))
    await this.#note(rows)
    for (const { label } of rows) count(this.counts, 'inserted', label)
  }

  /** What is there is held first: nobody can change it between the look and the change. */
  async #change(rows: readonly ReadyRow[]): Promise<void> {
    if (rows.length === 0) return
    const { connection } = this.#work
    const { mode } = this.#body
    const held = await this.#read(rows, true)
    const noted: ReadyRow[] = []
    for (const one of rows) {
      const before = held.get(one)
      if (before === undefined)
        throw new SeedStopped('the row was deleted by somebody else at the same moment', placeOf(one))
      const entry = this.#entries.get(one.rowKey) ?? null
      const settable = [...one.sql].filter(([column]) => !this.#isKey(column))
      let after = before
      if (settable.length > 0) {
        const set = settable.map(([{ quoted }, sql]) => `${quoted} = ${sql}`).join(', ')
        const update = `UPDATE ${this.#table.place} SET ${set} WHERE ${one.where}`
        await sendEach(connection, ['SAVEPOINT tenantry_row', update], () => placeOf(one))
        after = (await this.#read([one], false)).get(one) ?? this.#lost(one)
      }
      const decision = decideRow({ mode, entry, given: one.given, before, after })
      const end = decision.kind === 'kept' ? ['ROLLBACK TO SAVEPOINT tenantry_row'] : []
      if (settable.length > 0)
        await sendEach(connection, [...end, 'RELEASE SAVEPOINT tenantry_row'], () => placeOf(one))
      if (decision.kind === 'kept') count(this.counts, 'kept', one.label, decision.why)
      else {
        noted.push(one)
        const columns = differing(before, after)
        if (columns.length === 0) this.counts.unchanged++
        else count(this.counts, 'updated', one.label, columns.join(', '))
      }
    }
    await this.#note(noted)
  }

  #isKey({ name }: SeedColumn): boolean {
    const own = ownColumn(this.#work, this.#table)
    return own?.name === name || this.#body.key.some((key) => columnOf(this.#table, key)?.name === name)
  }

  /** Writes down what the server has now. */
  async #note(rows: readonly ReadyRow[]): Promise<void> {
    const { connection, book, seed } = this.#work
    if (!this.#hasBook || rows.length === 0) return
    const there = await this.#read(rows, false)
    const entries = rows.map((one): BookEntry => {
      const texts = there.get(one) ?? this.#lost(one)
      const values = [...texts]
      const keys = values.filter(([name]) => this.#body.key.some((key) => columnOf(this.#table, key)?.name === name))
      return {
        rowKey: one.rowKey,
        seed: seed.name,
        name: one.label,
        atKey: Object.fromEntries(keys),
        wrote: Object.fromEntries(values.map(([name, text]) => [name, hashValue(text)])),
        given: one.given,
      }
    })
    await sendEach(connection, book.note(this.#body.table, bookTenant(this.#work), entries), () => ({}))
  }

  #lost(one: ReadyRow): never {
    const hint = 'A trigger may have changed its key, or a policy hides it from this role.'
    throw new SeedStopped('it was written and cannot be found by its key afterwards', placeOf(one), { hint })
  }

  /** What is there of these rows. */
  async #read(rows: readonly ReadyRow[], hold: boolean): Promise<Map<ReadyRow, Texts>> {
    const found = new Map<ReadyRow, Texts>()
    if (rows.length === 0) return found
    const { connection, batches } = this.#work
    const columns = [...new Set(rows.flatMap(({ sql }) => [...sql.keys()]))]
    const texts = columns.map(({ asText }, i) => `${asText} AS tenantry_c${i}`).join(', ')
    const number =
      rows.length === 1 ? '0' : `CASE ${rows.map(({ where }, i) => `WHEN ${where} THEN ${i}`).join(' ')} END`
    const where = rows.map((one) => `(${one.where})`).join(' OR ')
    const tail = hold ? ` ${batches.forUpdate}` : ''
    const sql = `SELECT ${number} AS tenantry_n, ${texts} FROM ${this.#table.place} WHERE ${where}${tail}`
    for (const row of await ask(connection, sql, rows.length === 1 ? placeOf(rows[0]) : {})) {
      const one = rows[Number(row.tenantry_n)] as ReadyRow
      if (found.has(one)) {
        const hint =
          'Name more columns in the key, or remove the rows that are there twice; a unique index keeps them out.'
        throw new SeedStopped('several rows of the table have this key', placeOf(one), { hint })
      }
      const own = columns.flatMap((column, i): [string, string | null][] => {
        if (!one.sql.has(column)) return []
        const text = row[`tenantry_c${i}`]
        return [[column.name, text === null || text === undefined ? null : String(text)]]
      })
      found.set(one, new Map(own))
    }
    return found
  }

  /** Rows that this file once made, and no longer has. */
  async #leftOver(): Promise<void> {
    const { connection, book, seed } = this.#work
    const { table, removed } = this.#body
    if (this.#work.mayLackRows) return
    const left = [...this.#entries.values()].filter((one) => one.seed === seed.name && !this.#seen.has(one.rowKey))
    const gone: BookEntry[] = []
    for (const entry of left) {
      const where = this.#whereOf(entry)
      const there =
        where === null ? [] : await ask(connection, `SELECT 1 AS there FROM ${this.#table.place} WHERE ${where}`)
      if (there.length === 0) gone.push(entry)
      else if (removed === 'delete') {
        await sendEach(connection, [`DELETE FROM ${this.#table.place} WHERE ${where}`], () => ({ row: entry.name }))
        count(this.counts, 'deleted', entry.name)
        gone.push(entry)
      } else count(this.counts, 'removed', entry.name, 'no longer in the file')
    }
    if (gone.length > 0) await sendEach(connection, [book.forget(table, bookTenant(this.#work), gone)], () => ({}))
  }

  #whereOf({ atKey }: BookEntry): string | null {
    const { quoteLiteral } = this.#work.dialect
    const conditions = Object.entries(atKey).map(([name, text]) => {
      const column = columnOf(this.#table, name)
      return column === null || text === null ? null : `${column.asText} = ${quoteLiteral(text)}`
    })
    const own = ownColumn(this.#work, this.#table)
    if (own !== null) conditions.push(`${own.quoted} = ${tenantValue(this.#work, own)}`)
    return conditions.length === 0 || conditions.includes(null) ? null : conditions.join(' AND ')
  }
}

function placeOf(one: ReadyRow | undefined) {
  return one === undefined ? {} : { row: one.label, line: one.row.line }
}

/** A row may refer to one further up in the same file. */
function refersTo(rows: readonly SeedRow[], table: string): boolean {
  return rows.some(({ values }) =>
    [...values.values()].some(
      (value) => value.kind === 'reference' && value.table.toLowerCase() === table.toLowerCase(),
    ),
  )
}
