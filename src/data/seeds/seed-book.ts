import { createHash } from 'node:crypto'
import { isRecord } from '../../config/record.ts'
import type { Connection, Dialect } from '../../model/dialect.ts'
import { seedTable } from '../../model/history.ts'
import type { SeedWords } from '../../model/seed-words.ts'
import { tenantKey } from '../change-rows.ts'

/** What we know of a row that we wrote. */
export interface BookEntry {
  rowKey: string
  seed: string
  /** Column of the key → its value as text, as the server has it. */
  atKey: Readonly<Record<string, string | null>>
  /** Column → hash of the value as text, as the server had it after we wrote it. */
  wrote: Readonly<Record<string, string>>
  /** Hash of what the file said. */
  given: string
  /** Its key as people see it. */
  name: string
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

export function hashValue(text: string | null): string {
  return text === null ? '' : hash(text).slice(0, 16)
}

/**
 * Our table in one target: one row for each row that was seeded, and one for each file of SQL or code. Texts of files and
 * of rows are not in it, keys and hashes are.
 */
export class SeedBook {
  readonly #dialect: Dialect
  readonly #words: SeedWords
  readonly #place: string

  /** @param schema null: where an unqualified name leads */
  constructor(dialect: Dialect, words: SeedWords, schema: string | null) {
    this.#dialect = dialect
    this.#words = words
    this.#place = schema === null ? seedTable : `${dialect.quoteIdentifier(schema)}.${seedTable}`
  }

  get create(): string {
    const { key, text } = this.#words
    return `CREATE TABLE IF NOT EXISTS ${this.#place} (of_table ${key} NOT NULL, tenant ${key} NOT NULL,
      row_key varchar(32) NOT NULL, seed ${key} NOT NULL, row_name ${text} NOT NULL, at_key ${text} NOT NULL, wrote ${text} NOT NULL,
      given varchar(64) NOT NULL, written_at varchar(24) NOT NULL, PRIMARY KEY (of_table, tenant, row_key))`
  }

  /** @param ofTable empty: files */
  #which(ofTable: string, tenant: string | null): string {
    const { quoteLiteral } = this.#dialect
    return `of_table = ${quoteLiteral(short(ofTable))} AND tenant = ${quoteLiteral(tenantKey(tenant))}`
  }

  async entries(connection: Connection, ofTable: string, tenant: string | null): Promise<Map<string, BookEntry>> {
    const rows = await connection.query(
      `SELECT row_key, seed, row_name, at_key, wrote, given FROM ${this.#place} WHERE ${this.#which(ofTable, tenant)}`,
    )
    return new Map(
      rows.map((row) => [
        String(row.row_key),
        {
          rowKey: String(row.row_key),
          seed: String(row.seed),
          name: String(row.row_name),
          atKey: parse(row.at_key),
          wrote: parse(row.wrote) as BookEntry['wrote'],
          given: String(row.given),
        },
      ]),
    )
  }

  /** Checksum of a file of SQL or code when it was last carried out; null: it never was. */
  async readFile(connection: Connection, seed: string, tenant: string | null): Promise<string | null> {
    const [row] = await connection.query(
      `SELECT given FROM ${this.#place} WHERE ${this.#which('', tenant)} AND row_key = ${this.#dialect.quoteLiteral(hash(seed))}`,
    )
    return row === undefined ? null : String(row.given)
  }

  noteFile(seed: string, checksum: string, tenant: string | null): string[] {
    const entry = { rowKey: hash(seed), seed, name: '', atKey: {}, wrote: {}, given: checksum }
    return this.note('', tenant, [entry])
  }

  note(ofTable: string, tenant: string | null, entries: readonly BookEntry[]): string[] {
    if (entries.length === 0) return []
    const { quoteLiteral } = this.#dialect
    const now = quoteLiteral(new Date().toISOString())
    const [table, whose] = [quoteLiteral(short(ofTable)), quoteLiteral(tenantKey(tenant))]
    const rows = entries.map(({ rowKey, seed, name, atKey, wrote, given }) => {
      const texts = [rowKey, short(seed), name, JSON.stringify(atKey), JSON.stringify(wrote), given].map(quoteLiteral)
      return `(${table}, ${whose}, ${texts.join(', ')}, ${now})`
    })
    return [
      this.forget(ofTable, tenant, entries),
      `INSERT INTO ${this.#place} (of_table, tenant, row_key, seed, row_name, at_key, wrote, given, written_at) VALUES ${rows.join(', ')}`,
    ]
  }

  forget(ofTable: string, tenant: string | null, entries: readonly Pick<BookEntry, 'rowKey'>[]): string {
    const keys = entries.map(({ rowKey }) => this.#dialect.quoteLiteral(rowKey)).join(', ')
    return `DELETE FROM ${this.#place} WHERE ${this.#which(ofTable, tenant)} AND row_key IN (${keys})`
  }
}

/** Whoever may write to the target may write here, too: what is no longer ours is nothing that we know. */
function parse(text: unknown): Record<string, string | null> {
  try {
    const value: unknown = JSON.parse(String(text))
    const pairs = isRecord(value) ? Object.entries(value) : []
    return Object.fromEntries(
      pairs.filter((pair): pair is [string, string | null] => pair[1] === null || typeof pair[1] === 'string'),
    )
  } catch {
    return {}
  }
}

/** Names of files and tables may be longer than a key. */
export function short(name: string): string {
  return name.length <= 180 ? name : `${name.slice(0, 140)}#${hash(name)}`
}
