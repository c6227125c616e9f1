import type { DialectName } from '../../model/server.ts'
import { firstOwnOid } from './built-in-types.ts'
import { dressSqlite } from './dress-sqlite.ts'
import type { RawClient, Sequelize, TypeParser } from './sequelize-types.ts'

type Callback = (error: unknown, result?: unknown) => void

/**
 * A connection of ours as Sequelize would have opened it: rows are read by its parsers. What it notes on a connection
 * (`uuid`) stays on this one.
 */
export function dressClient(client: RawClient, instance: Sequelize, dialect: DialectName): RawClient {
  if (dialect === 'sqlite') return dressSqlite(client as unknown as Parameters<typeof dressSqlite>[0])
  const dressed = Object.create(client) as RawClient
  return dialect === 'mysql' ? dressMysql(dressed, client, instance) : dressPostgres(dressed, client, instance)
}

function dressMysql(dressed: RawClient, client: RawClient, instance: Sequelize): RawClient {
  const manager = instance.connectionManager
  const { _typecast } = manager.constructor as unknown as {
    _typecast: (field: unknown, next: () => unknown) => unknown
  }
  const reading = {
    typeCast: _typecast.bind(manager),
    timezone: instance.options.timezone,
    bigNumberStrings: false,
    supportBigNumbers: true,
  }
  const readAs = (query: unknown) => ({
    ...(typeof query === 'string' ? { sql: query } : (query as object)),
    ...reading,
  })
  const give = (sent: unknown) => (hasListeners(sent) ? sent : { setMaxListeners() {} })
  dressed.query = (query: unknown, ...rest: unknown[]) =>
    give((client.query as (...args: unknown[]) => unknown).call(client, readAs(query), ...rest))
  dressed.execute = (query: unknown, ...rest: unknown[]) =>
    give((client.execute as (...args: unknown[]) => unknown).call(client, readAs(query), ...rest))
  return dressed
}

function hasListeners(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'setMaxListeners' in value
}

interface PgResult {
  rows: Record<string, unknown>[]
  fields: { name: string; dataTypeID: number }[]
}

function dressPostgres(dressed: RawClient, client: RawClient, instance: Sequelize): RawClient {
  const manager = instance.connectionManager
  dressed.query = (query: unknown, valuesOrDone?: unknown, last?: Callback) => {
    const done = typeof valuesOrDone === 'function' ? (valuesOrDone as Callback) : last
    const values = typeof valuesOrDone === 'function' ? undefined : valuesOrDone
    if (typeof query !== 'string' || done === undefined) return client.query(query, valuesOrDone, last)
    const unknown = new Set<number>()
    const getTypeParser = (oid: number, format?: string): TypeParser => {
      if (oid < firstOwnOid || manager.oidParserMap.has(oid)) return manager.getTypeParser(oid, format)
      if (format !== 'binary') unknown.add(oid)
      return asIs
    }
    const config = { text: query, ...(values === undefined ? {} : { values }), types: { getTypeParser } }
    return client.query(config, (error: unknown, result?: unknown) => {
      if (error != null || unknown.size === 0) return done(error, result)
      learnTypes(client, instance, [...unknown]).then(() => {
        for (const one of Array.isArray(result) ? result : [result])
          readAgain(one as PgResult, manager.oidParserMap, unknown)
        done(null, result)
      }, done)
    })
  }
  return dressed
}

const asIs: TypeParser = (value) => value

/** Asks the server what types these are, as Sequelize does for all there are. */
function learnTypes(client: RawClient, instance: Sequelize, oids: readonly number[]): Promise<void> {
  const manager = instance.connectionManager
  const list = oids.join(', ')
  const sql = `SELECT typname::text AS name, typtype::text AS kind, oid::int8::text AS oid, typarray::int8::text AS array_oid FROM pg_catalog.pg_type WHERE oid IN (${list}) OR typarray IN (${list})`
  return new Promise((resolve, reject) => {
    client.query({ text: sql }, (error: unknown, result?: unknown) => {
      if (error != null) return reject(error)
      for (const row of (result as PgResult).rows) {
        const oid = Number(row.oid)
        const arrayOid = Number(row.array_oid)
        if (row.kind === 'e') {
          manager.enumOids.oids.push(oid)
          if (arrayOid > 0) manager.enumOids.arrayOids.push(arrayOid)
        } else {
          manager.nameOidMap[String(row.name)] = { oid, ...(arrayOid > 0 ? { arrayOid } : {}) }
        }
      }
      const { DataTypes } = instance.constructor as unknown as { DataTypes: { postgres: object } }
      manager.refreshTypeParser(DataTypes.postgres)
      for (const oid of oids) if (!manager.oidParserMap.has(oid)) manager.oidParserMap.set(oid, asIs)
      resolve()
    })
  })
}

function readAgain(
  { rows, fields }: PgResult,
  parsers: ReadonlyMap<number, TypeParser>,
  oids: ReadonlySet<number>,
): void {
  for (const { name, dataTypeID } of fields ?? []) {
    const parse = parsers.get(dataTypeID)
    if (parse === undefined || parse === asIs || !oids.has(dataTypeID)) continue
    for (const row of rows) if (typeof row[name] === 'string') row[name] = parse(row[name])
  }
}
