import type { SeedColumn, SeededTable, SeedLiteral } from '../../model/seed-words.ts'
import { identify, showValue } from './read-value.ts'
import type { SeedValue } from './seed-file.ts'
import { ask, findTable, type SeedPlace, SeedStopped, type SeedWork } from './seed-work.ts'

/** A value as SQL for one column, and as a text that is equal for equal values. */
export interface Resolved {
  sql: string
  id: string
}

/** What rows refer to, found once per file. A row that is missing may be made by a later one. */
export class Resolver {
  readonly #work: SeedWork
  readonly #found = new Map<string, Resolved>()

  constructor(work: SeedWork) {
    this.#work = work
  }

  /** null: a dry run cannot know it. Throws {@link SeedStopped}. */
  async resolve(value: SeedValue, column: SeedColumn, place: SeedPlace): Promise<Resolved | null> {
    if (value.kind === 'reference') return this.#reference(value, place)
    const literal = value.kind === 'tenant' ? this.#tenant(value.part, place) : value
    try {
      return { sql: column.literal(literal), id: identify(literal) }
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError)
        throw new SeedStopped(`its value for ${column.name} cannot be written: ${error.message}`, place)
      throw error
    }
  }

  #tenant(part: 'id' | 'slug' | 'name', place: SeedPlace): SeedLiteral {
    const { tenant } = this.#work
    if (tenant === null) {
      throw new SeedStopped(
        `it names {tenant.${part}}, and the target has several tenants whose rows are not told apart`,
        place,
        {
          hint: 'Name the column that says whose row it is in `sharedTables.column` of the config, or write the value out.',
        },
      )
    }
    const text = part === 'name' ? tenant.name : tenant[part]
    return text === undefined ? { kind: 'null' } : { kind: 'text', text }
  }

  async #reference(value: Extract<SeedValue, { kind: 'reference' }>, place: SeedPlace): Promise<Resolved | null> {
    const id = identify(value)
    const known = this.#found.get(id)
    if (known !== undefined) return known
    const work = this.#work
    const table = await findTable(work, value.table, true)
    const shown = showValue(value)
    if (table === null) throw new SeedStopped(`it refers to ${shown}, and there is no table ${value.table}`, place)
    const column = columnOf(table, value.column)
    if (column === null)
      throw new SeedStopped(`it refers to ${value.column} of ${value.table}, which has no such column`, place)
    const conditions = await this.#conditions(table, value, place)
    if (conditions === null) return null
    const rows = await ask(
      work.connection,
      `SELECT ${column.copyText} AS tenantry_found FROM ${table.place} WHERE ${conditions.join(' AND ')} LIMIT 2`,
      place,
    )
    const [row, other] = rows
    if (row === undefined && work.mayLackRows) return null
    if (row === undefined || row.tenantry_found === null) {
      throw new SeedStopped(`it refers to ${shown}, and there is no such row`, place, {
        hint: 'Seed that row in a file that comes before this one, or further up in it.',
      })
    }
    if (other !== undefined) {
      const hint = 'Add columns to `by` until they find one row.'
      throw new SeedStopped(`it refers to ${shown}, and there are several such rows`, place, { hint })
    }
    const text = String(row.tenantry_found)
    const found = { sql: column.copied(text), id: JSON.stringify(['reference', text]) }
    this.#found.set(id, found)
    return found
  }

  async #conditions(
    table: SeededTable,
    { by, table: name }: Extract<SeedValue, { kind: 'reference' }>,
    place: SeedPlace,
  ): Promise<string[] | null> {
    const conditions: string[] = []
    for (const [wanted, value] of by) {
      const column = columnOf(table, wanted)
      if (column === null) throw new SeedStopped(`it refers to ${name} by ${wanted}, which is no column of it`, place)
      const found = await this.resolve(value, column, place)
      if (found === null) return null
      conditions.push(found.sql === 'NULL' ? `${column.quoted} IS NULL` : `${column.quoted} = ${found.sql}`)
    }
    const own = ownColumn(this.#work, table)
    if (own !== null && ![...by.keys()].includes(own.name))
      conditions.push(`${own.quoted} = ${tenantValue(this.#work, own)}`)
    return conditions
  }
}

export function columnOf(table: SeededTable, name: string): SeedColumn | null {
  const exact = table.columns.find((column) => column.name === name)
  return exact ?? table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase()) ?? null
}

/** The column that says whose row it is, where rows of several tenants are in the table. */
export function ownColumn({ tenant, tenantColumn }: SeedWork, table: SeededTable): SeedColumn | null {
  return tenant === null || tenantColumn === null ? null : columnOf(table, tenantColumn)
}

export function tenantValue({ tenant }: SeedWork, column: SeedColumn): string {
  return column.literal({ kind: 'text', text: tenant?.id ?? '' })
}
