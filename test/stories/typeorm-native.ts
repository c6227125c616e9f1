/** TypeORM itself, as a team runs it, and what a database holds afterwards: for comparing with what tenantry did. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { DataSource, type DataSourceOptions } from 'typeorm'
import type { NativePlace } from './native-places.ts'

export const shop = fileURLToPath(new URL('../fixtures/typeorm-shop', import.meta.url))
const require = createRequire(`${shop}/any.js`)
const entities = Object.values(require('./entities') as Record<string, never>)

/** The classes of the fixture in their order. */
const classes = async () => {
  const load = (name: string) => require(`./migrations/${name}`)
  const { Orders1704153600000, Placed1704240000000 } = load('1704153600000-Orders.js')
  const { default: index } = await import(`${shop}/migrations/1704412800000-OrderIndex.mjs`)
  return [
    load('1704067200000-Customers.js'),
    Orders1704153600000,
    Placed1704240000000,
    load('1704326400000-Fill.js').Fill1704326400000,
    index,
    load('1704499200000-Seen.js').Seen1704499200000,
  ]
}

/** A data source of TypeORM's own for a place, which knows the first migrations only. */
export async function withNative<T>(
  place: NativePlace,
  work: (source: DataSource) => Promise<T>,
  { first = 100, migrations }: { first?: number; migrations?: string[] } = {},
): Promise<T> {
  const known = migrations ?? (await classes()).slice(0, first)
  const source = new DataSource({
    type: place.kind === 'mariadb' ? 'mariadb' : 'postgres',
    url: place.url,
    ...(place.schema === null ? {} : { schema: place.schema, extra: { options: `-c search_path=${place.schema}` } }),
    entities,
    migrations: known,
    installExtensions: false,
    migrationsTransactionMode: 'each',
  } as unknown as DataSourceOptions)
  await source.initialize()
  try {
    return await work(source)
  } finally {
    await source.destroy()
  }
}

export const nativeUp = (place: NativePlace, first?: number) =>
  withNative(place, (source) => source.runMigrations(), first === undefined ? {} : { first })

export const nativeDown = (place: NativePlace) => withNative(place, (source) => source.undoLastMigration())

/** What TypeORM says about a place, and what is there. Two places that were treated alike have equal ones. */
export async function inspect(place: NativePlace) {
  const isPending = await withNative(place, (source) => source.showMigrations())
  const catalog = await place.catalog()
  const has = (table: string) => Object.values(catalog).some((texts) => texts.some((text) => text.includes(table)))
  const rows = await place.query('SELECT name, timestamp FROM migrations ORDER BY id')
  return {
    isPending,
    // A bigint is text here and a number there.
    rows: rows.map(({ name, timestamp }) => [name, String(timestamp)]),
    catalog,
    customers: has('customers') ? await place.query('SELECT id, name, email FROM customers ORDER BY id') : null,
    orders: has('orders') ? await place.query('SELECT * FROM orders ORDER BY id') : null,
    seen: has('seen') ? await place.query('SELECT * FROM seen') : null,
  }
}
