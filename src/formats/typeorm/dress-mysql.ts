import type { RawClient } from './typeorm-types.ts'

type Settings = Readonly<Record<string, unknown>>

/**
 * A connection of ours as TypeORM would have opened it: it says with its connection how values are read, and so they are
 * said with each query. Source: `createConnectionOptions` of its `MysqlDriver`.
 */
export function dressMysql(client: RawClient, settings: Settings): RawClient {
  const dressed = Object.create(client) as RawClient
  const { timezone } = settings
  const reading = {
    supportBigNumbers: settings.supportBigNumbers ?? true,
    bigNumberStrings: settings.bigNumberStrings ?? true,
    ...(settings.dateStrings === undefined ? {} : { dateStrings: settings.dateStrings }),
    ...(typeof timezone === 'string' ? { timezone } : {}),
  }
  const readAs = (query: unknown) => ({
    ...(typeof query === 'string' ? { sql: query } : (query as object)),
    ...reading,
  })
  const write = (values: unknown) =>
    Array.isArray(values) && typeof timezone === 'string' ? values.map((one) => inZone(one, timezone)) : values
  dressed.query = (query, values, done) => client.query(readAs(query), write(values), done)
  dressed.promise = () => {
    const promised = client.promise?.()
    if (promised === undefined) throw new Error('The connection has no promises.')
    return Object.assign(Object.create(promised) as typeof promised, {
      query: (query: unknown, values?: unknown) => promised.query(readAs(query), write(values)),
    })
  }
  return dressed
}

/** A time as text of a zone (`Z`, `+02:00`), which a connection of another zone would write differently. */
function inZone(value: unknown, zone: string): unknown {
  const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
  if (!(value instanceof Date) || Number.isNaN(value.getTime()) || (zone !== 'Z' && offset === null)) return value
  const [, sign, hours, minutes] = offset ?? []
  const shift = offset === null ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000)
  return new Date(value.getTime() + shift).toISOString().replace('T', ' ').replace('Z', '')
}
