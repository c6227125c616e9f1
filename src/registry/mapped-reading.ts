import type { RegistryValue, StoredCredential, TenantRecord } from '../model/registry.ts'
import { credentialOfRow } from './mapped-credentials.ts'
import { findExtraSlugs, readExtras } from './mapped-extra.ts'
import { type Extra, fieldOf, noExtra, type Row, RowProblems, readRow } from './mapped-rows.ts'
import { asKey, type MappedContext, type MappedTable, type ReadColumn, readMappedTable } from './mapped-table.ts'
import { readOwnCredentials } from './own-credentials.ts'
import { inChunks, marks, type Query } from './store-context.ts'

/** A row of theirs, with what we keep beside it. */
export interface FullRow {
  id: string
  row: Row
  extra: Extra
  /** null: none of ours, or not usable. */
  record: TenantRecord | null
}

/** Reads a team's own table as the book of tenants; writes nothing. */
export class MappedReading {
  readonly #context: MappedContext
  #table: Promise<MappedTable> | null = null
  #isReady: Promise<boolean> | null = null

  constructor(context: MappedContext) {
    this.#context = context
  }

  /** Looked up once. Throws CONFIG_INVALID. */
  table(): Promise<MappedTable> {
    this.#table ??= readMappedTable(this.#context)
    this.#table.catch(() => {
      this.#table = null
    })
    return this.#table
  }

  /** Ours beside it can be read. They may be made while we run. */
  #hasOwn(): Promise<boolean> {
    this.#isReady ??= this.#context.hasOwnTables().then((is) => {
      if (!is) this.#isReady = null
      return is
    })
    this.#isReady.catch(() => {
      this.#isReady = null
    })
    return this.#isReady
  }

  get query(): Query {
    return (sql, values) => this.#context.database.query(sql, values)
  }

  /** Up to `limit` rows behind an id, whoever's they are. */
  async page(query: Query, after: string | null, limit: number, problems: RowProblems): Promise<FullRow[]> {
    const table = await this.table()
    const where = after === null ? '' : `WHERE ${table.id.name} > ?`
    const sql = `${table.select} ${where} ORDER BY ${table.id.name} LIMIT ${Math.trunc(limit)}`
    return this.#complete(query, await query(sql, after === null ? [] : [asKey(table, after)]), problems)
  }

  async byIds(query: Query, ids: readonly string[], problems: RowProblems): Promise<FullRow[]> {
    const table = await this.table()
    const wanted = new Set(ids)
    const keys = [...wanted].map((id) => asKey(table, id)).filter((key) => key !== null)
    const found: Row[] = []
    for (const chunk of inChunks(keys, 500))
      found.push(...(await query(`${table.select} WHERE ${this.#isIn(table.id, chunk)}`, chunk)))
    const full = await this.#complete(query, found, problems)
    // A server may take more for equal than we do.
    return full.filter(({ id }) => wanted.has(id))
  }

  async bySlugs(query: Query, slugs: readonly string[], problems: RowProblems): Promise<FullRow[]> {
    const table = await this.table()
    const wanted = new Set(slugs)
    const column = table.fields.get('slug')
    if (column === undefined) {
      const ids = (await this.#hasOwn()) ? await findExtraSlugs(this.#context, query, slugs) : []
      const full = await this.byIds(query, [...ids, ...slugs], problems)
      return full.filter(({ id, extra }) => wanted.has(extra.slug ?? id))
    }
    const found: Row[] = []
    for (const chunk of inChunks(
      [...wanted].filter((slug) => !slug.includes('\0')),
      500,
    ))
      found.push(...(await query(`${table.select} WHERE ${this.#isIn(column, chunk)}`, chunk)))
    const full = await this.#complete(query, found, problems)
    return full.filter(({ row }) => wanted.has(fieldOf(table, row, 'slug') ?? ''))
  }

  /** Tenants in one of these databases; null: the table has no column for it. */
  async inDatabases(query: Query, databases: readonly string[]): Promise<FullRow[] | null> {
    const table = await this.table()
    const column = table.fields.get('database')
    if (column === undefined) return null
    const problems = new RowProblems(table.title)
    const full: FullRow[] = []
    for (const chunk of inChunks([...new Set(databases)], 500)) {
      const sql = `${table.select} WHERE ${this.#isIn(column, chunk)}`
      full.push(...(await this.#complete(query, await query(sql, chunk), problems)))
    }
    return full
  }

  /** A column may be of a character set that lacks these characters, and refuses to be compared with them. */
  #isIn({ name }: ReadColumn, values: readonly RegistryValue[]): string {
    const isPlain = values.every((value) => typeof value !== 'string' || /^[\x20-\x7e]*$/.test(value))
    const { asText } = this.#context.database.dialect.phrases
    return `${isPlain ? name : asText(name)} IN (${marks(values.length)})`
  }

  /** A word that stands in their column of states. */
  async sampleState(query: Query): Promise<string | null> {
    const table = await this.table()
    const column = table.fields.get('state')
    if (column === undefined) return null
    const [row] = await query(
      `SELECT ${column.name} AS word FROM ${table.place} WHERE ${column.name} IS NOT NULL LIMIT 1`,
    )
    return row === undefined ? null : String(row.word)
  }

  /** See `TenantStore.leftOut`. Rows that cannot be used count, too: their data is somebody's. */
  async leftOut({ placement, address }: TenantRecord): Promise<string[]> {
    const table = await this.table()
    const column = table.fields.get('database')
    if (column === undefined) return []
    const sql = `${table.select} WHERE ${this.#isIn(column, [placement.database])}`
    const rows = await this.query(sql, [placement.database])
    const full = await this.#complete(this.query, rows, new RowProblems(table.title))
    return full.flatMap(({ id, row, record }) => {
      const host = fieldOf(table, row, 'host')
      const isElsewhere = host !== null && address !== null && host !== address.host
      return record !== null || isElsewhere ? [] : [id]
    })
  }

  async #complete(query: Query, rows: readonly Row[], problems: RowProblems): Promise<FullRow[]> {
    const table = await this.table()
    const ids = rows.map((row) => fieldOf(table, row, 'id') ?? '')
    const extras = (await this.#hasOwn()) ? await readExtras(this.#context, query, ids) : new Map<string, Extra>()
    return rows.map((row, i) => {
      const id = ids[i] ?? ''
      const extra = extras.get(id) ?? noExtra
      return { id, row, extra, record: readRow(this.#context, table, row, extra, problems) }
    })
  }

  /** Those of these rows' tenants that have any. */
  async credentials(query: Query, rows: readonly FullRow[]): Promise<Map<string, StoredCredential>> {
    const table = await this.table()
    const own = (await this.#hasOwn())
      ? await readOwnCredentials(
          this.#context,
          query,
          rows.map(({ id }) => id),
        )
      : new Map<string, StoredCredential>()
    const credentials = new Map<string, StoredCredential>()
    for (const { id, row } of rows) {
      const credential = credentialOfRow(table, row, id, own.get(id))
      if (credential !== null) credentials.set(id, credential)
    }
    return credentials
  }
}
