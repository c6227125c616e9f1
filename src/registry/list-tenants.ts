import { type Connection, DatabaseError, type DatabaseFailure, type Dialect, failureCodes } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Tenant } from '../model/tenant.ts'

/** Where tenants that a config does not list one by one come from. */
export type TenantRows =
  | { from: 'schemas'; server: string; database: string; match: { like: string } | { regex: string } }
  | { from: 'query'; server: string; database: string; sql: string }
  | { from: 'function'; iterate: () => AsyncIterable<unknown> | Iterable<unknown> }

/** How this room reaches databases, and how a row becomes a tenant; both are wired from above. */
export interface TenantReading {
  /** Opens a session; the caller closes it. */
  connect(server: string, database: string): Promise<Connection>
  dialect(server: string): Dialect
  /** Throws CONFIG_INVALID. `where` is for messages. */
  toTenant(row: unknown, where: string): Tenant
}

/**
 * Reads tenants, one at a time, whatever their state. Bad rows are all reported at once, after the last one.
 * Throws CONFIG_INVALID, also for a query that the server refuses; else what kept it from being asked.
 */
export async function* listTenants(source: TenantRows, reading: TenantReading): AsyncIterable<Tenant> {
  const problems: string[] = []
  const slugs = new Set<string>()
  let number = 0
  for await (const row of named(source, rowsOf(source, reading))) {
    number++
    const where = source.from === 'query' ? `row ${number} of the tenants query` : `tenant ${number}`
    try {
      const tenant = reading.toTenant(row, where)
      if (slugs.has(tenant.slug)) problems.push(`${where}: the slug "${tenant.slug}" appears twice`)
      slugs.add(tenant.slug)
      yield tenant
    } catch (error) {
      if (!(error instanceof TenantryError) || problems.length >= 50) throw error
      problems.push(error.message)
    }
  }
  if (problems.length > 0) {
    throw new TenantryError('CONFIG_INVALID', `Some tenants cannot be used:\n  ${problems.join('\n  ')}`, {
      hint: 'Mend these rows, or leave them out of the query.',
    })
  }
}

async function* named(source: TenantRows, rows: AsyncIterable<unknown>): AsyncIterable<unknown> {
  try {
    yield* rows
  } catch (error) {
    throw error instanceof DatabaseError && source.from !== 'function' ? describe(source, error.failure) : error
  }
}

function describe(source: Exclude<TenantRows, { from: 'function' }>, failure: DatabaseFailure): TenantryError {
  const { from, server, database } = source
  const isRefused = failure.kind === 'statement'
  const what = from === 'query' ? 'The query for the tenants' : 'The search for schemas of tenants'
  return new TenantryError(
    isRefused ? 'CONFIG_INVALID' : failureCodes[failure.kind],
    `${what} failed in ${server}/${database}: ${failure.message.replace(/\.$/, '')}.`,
    {
      hint: isRefused
        ? `Mend \`tenants.${from === 'query' ? 'sql' : 'match'}\` in the config, or give its role the right to read.`
        : `Check that the server "${server}" of the config can be reached. Nothing was touched.`,
      context: { server, database, ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }) },
    },
  )
}

async function* rowsOf(source: TenantRows, reading: TenantReading): AsyncIterable<unknown> {
  if (source.from === 'function') {
    yield* source.iterate()
    return
  }
  const { server, database } = source
  const connection = await reading.connect(server, database)
  try {
    if (source.from === 'query') {
      yield* await connection.query(source.sql)
      return
    }
    for await (const schema of reading.dialect(server).listSchemas(connection, source.match)) {
      yield { slug: schema, topology: 'schema', server, database, schema }
    }
  } finally {
    await connection.close()
  }
}
