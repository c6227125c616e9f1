import { nameOfPlace } from '../config/derived-server.ts'
import { checkName, schemaDialects } from '../config/names.ts'
import { showName, suggest } from '../config/problem.ts'
import type { MappedField } from '../config/resolved.ts'
import { defaultPorts, isHost } from '../config/server-url.ts'
import { TenantryError } from '../model/errors.ts'
import type { TenantRecord } from '../model/registry.ts'
import type { TenantState, TopologyName } from '../model/tenant.ts'
import type { MappedContext, MappedTable } from './mapped-table.ts'
import { stateOf, topologyOf } from './mapped-words.ts'
import { textOrNull } from './store-context.ts'

export type Row = Record<string, unknown>

/** What we keep of a tenant beside their table. */
export interface Extra {
  slug: string | null
  name: string | null
  topology: string | null
  state: string | null
  stateWord: string | null
  server: string | null
  schema: string | null
  labels: Readonly<Record<string, string>>
}

export const noExtra: Extra = {
  slug: null,
  name: null,
  topology: null,
  state: null,
  stateWord: null,
  server: null,
  schema: null,
  labels: {},
}

/** Rows that cannot be used: each reason once, with some of the rows it was found in. */
export class RowProblems {
  readonly #reasons = new Map<string, { ids: string[]; rows: number }>()
  readonly #title: string

  constructor(title: string) {
    this.#title = title
  }

  add(id: string, message: string): void {
    const known = this.#reasons.get(message)
    if (known !== undefined) {
      known.rows++
      if (known.ids.length < 5) known.ids.push(id)
    } else if (this.#reasons.size < 50) this.#reasons.set(message, { ids: [id], rows: 1 })
  }

  /** Throws CONFIG_INVALID with all of them. */
  refuse(): void {
    if (this.#reasons.size === 0) return
    const lines = [...this.#reasons].map(([message, { ids, rows }]) => {
      const more = rows > ids.length ? ` and ${rows - ids.length} more` : ''
      return `${message} (${rows === 1 ? 'row' : 'rows'} ${ids.join(', ')}${more})`
    })
    throw new TenantryError(
      'CONFIG_INVALID',
      `Some rows of ${showName(this.#title)} cannot be used as tenants:\n  ${lines.join('\n  ')}`,
      {
        hint: 'Mend these rows; or say in `registry.tenants.values` what their words mean: `null` leaves rows with one out.',
        context: { table: this.#title, problems: lines },
      },
    )
  }
}

/** Text of a field; null where there is no such column, or nothing in it. */
export function fieldOf(table: MappedTable, row: Row, field: MappedField): string | null {
  const column = table.fields.get(field)
  const text = column === undefined ? null : textOrNull(row[column.alias])
  return text === '' ? null : text
}

/** A row as a tenant. null: it is none of ours, or cannot be used, which is told to `problems`. */
export function readRow(
  context: MappedContext,
  table: MappedTable,
  row: Row,
  extra: Extra,
  problems: RowProblems,
): TenantRecord | null {
  const { mapped } = table
  const field = (name: MappedField) => fieldOf(table, row, name)
  const id = field('id') ?? ''
  const before: string[] = []
  const problem = (message: string) => void before.push(message)

  const topologyWord = field('topology')
  const known = topologyWord === null ? undefined : topologyOf(mapped, topologyWord)
  const word = table.fields.has('state') ? (field('state') ?? '') : null
  const state = readState(word)
  // Rows of others need not be right.
  if (known === null || state === null) return null
  if (topologyWord !== null && known === undefined)
    problem(`the topology ${showName(topologyWord)} is none of the words in \`registry.tenants.values.topology\``)

  const slug = field('slug') ?? extra.slug ?? id
  const schema = field('schema') ?? extra.schema
  const topology: TopologyName =
    known ?? (extra.topology as TopologyName | null) ?? (schema === null ? mapped.defaults.topology : 'schema')
  const place = readPlace()
  const address = context.servers.get(place?.server ?? '')
  const dialect =
    place?.address == null ? (address?.dialect ?? null) : (mapped.defaults.dialect ?? context.server.dialect)
  const database = field('database') ?? (topology === 'database' ? null : (address?.database ?? null))
  report('slug', checkName(slug, 'slug', dialect))
  if (database === null) problem('it names no database')
  else report('database', checkName(database, 'database', dialect))
  if (topology === 'schema' && schema === null) problem('it names no schema')
  if (schema !== null) report('schema', checkName(schema, 'schema', dialect))
  if (schema !== null && dialect !== null && !schemaDialects.has(dialect))
    problem(`it names a schema, and databases of ${dialect} hold none`)
  for (const message of before) problems.add(id, message)
  if (before.length > 0 || place === null || database === null || state === undefined) return null

  const name = field('name') ?? extra.name
  return {
    id,
    slug,
    ...(name === null ? {} : { name }),
    topology,
    state,
    labels: readLabels(),
    placement: { server: place.server, database, ...(schema === null ? {} : { schema }) },
    address: place.address,
    createdAt: timeOf('createdAt'),
    updatedAt: timeOf('updatedAt'),
  }

  function report(what: string, message: string | null): void {
    if (message !== null) problem(`its ${what} ${message}`)
  }

  /** Ours counts for as long as the word is there that we found or wrote then: theirs are newer otherwise. */
  function readState(current: string | null): TenantState | null | undefined {
    const own = extra.state as TenantState | null
    if (current === null) return own ?? 'active'
    const theirs = stateOf(mapped, current)
    if (theirs === null) return null
    if (own !== null && extra.stateWord === current) return own
    if (theirs === undefined)
      problem(
        current === ''
          ? 'it has no state'
          : `the state ${showName(current)} is none of the words in \`registry.tenants.values.state\``,
      )
    return theirs
  }

  function readPlace(): { server: string; address: TenantRecord['address'] } | null {
    const host = field('host')
    if (host !== null) {
      const portText = field('port')
      const port =
        portText === null ? defaultPorts[mapped.defaults.dialect ?? context.server.dialect] : Number(portText)
      if (!isHost(host)) problem('its host is no name of a host')
      else if (!(Number.isInteger(port) && port >= 1 && port <= 65_535))
        problem('its port is no number from 1 to 65535')
      else return { server: nameOfPlace({ host, port }), address: { host, port } }
      return null
    }
    const only = context.servers.size === 1 ? [...context.servers.keys()][0] : undefined
    const server = field('server') ?? extra.server ?? mapped.defaults.server ?? only
    if (server === undefined) problem('it names no server, and `registry.tenants.defaults.server` is not set')
    else if (!context.servers.has(server))
      problem(`there is no server ${showName(server)}${suggest(server, context.servers.keys())}`)
    else return { server, address: null }
    return null
  }

  function readLabels(): Record<string, string> {
    const labels: Record<string, string> = { ...extra.labels }
    for (const [label, { alias }] of table.labels) {
      const value = textOrNull(row[alias])
      if (value === null) delete labels[label]
      else labels[label] = value
    }
    return labels
  }

  function timeOf(name: 'createdAt' | 'updatedAt'): string | null {
    const column = table.fields.get(name)
    return column === undefined ? null : asTime(row[column.alias])
  }
}

/** ISO time; a text without a zone is taken for UTC, a number for ms. */
function asTime(value: unknown): string | null {
  if (value === null || value === undefined) return null
  const isPlain = typeof value === 'string' && /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(value)
  const date =
    value instanceof Date ? value : new Date(isPlain ? `${value.replace(' ', 'T')}Z` : (value as string | number))
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
