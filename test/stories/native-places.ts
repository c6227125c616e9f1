/** Places that a tool of its own program migrates as well as tenantry: what is in them, and files for each dialect. */
import { randomBytes } from 'node:crypto'
import { createFile } from '../../src/dialects/sqlite/files.ts'
import { freshDatabase } from '../servers/shared.ts'
import { freshMariadb } from '../servers/shared-mariadb.ts'
import { catalogOf as mariadbCatalog } from './mariadb-catalog.ts'
import { catalogOf as postgresCatalog } from './postgres-catalog.ts'
import { makeFolder } from './sqlite-files.ts'

export type PlaceKind = 'postgres' | 'schema' | 'mariadb' | 'sqlite'

export interface NativePlace {
  kind: PlaceKind
  /** Of the database; with `sqlite` a path. */
  url: string
  /** Where it is a schema. */
  schema: string | null
  query(sql: string): Promise<Record<string, unknown>[]>
  /** All objects but our own, as text. */
  catalog(): Promise<Record<string, string[]>>
}

/** Two places that differ in nothing: tenantry works on `ours`, `twin` is only ever touched by the tool. */
export interface NativePair {
  ours: NativePlace
  twin: NativePlace
  /** Servers and tenants of tenantry's config; the tenant is called `ours`. */
  config: Record<string, unknown>
  drop(): Promise<void>
}

export async function makePair(kind: PlaceKind): Promise<NativePair> {
  if (kind === 'sqlite') return makeFiles()
  if (kind === 'mariadb') return makeMariadb()
  return kind === 'schema' ? makeSchemas() : makePostgres()
}

async function makePostgres(): Promise<NativePair> {
  const [one, two] = [await freshDatabase('parity_ours'), await freshDatabase('parity_twin')]
  const place = ({ url, query }: typeof one): NativePlace => ({
    kind: 'postgres',
    url,
    schema: null,
    query,
    catalog: () => postgresCatalog({ raw: async (sql) => ({ rows: await query(sql) }) }),
  })
  return {
    ours: place(one),
    twin: place(two),
    config: {
      servers: { main: { url: one.server.url('postgres') } },
      tenants: [{ slug: 'ours', topology: 'database', database: one.name }],
    },
    drop: async () => {
      await one.drop()
      await two.drop()
    },
  }
}

async function makeSchemas(): Promise<NativePair> {
  const database = await freshDatabase('parity_schemas')
  const stem = randomBytes(3).toString('hex')
  const [ours, twin] = [`ours_${stem}`, `twin_${stem}`]
  await database.query(`CREATE SCHEMA ${ours}; CREATE SCHEMA ${twin}`)
  const place = (schema: string): NativePlace => {
    const query = (sql: string) => database.query(`SET search_path TO ${schema}; ${sql}`)
    return {
      kind: 'schema',
      url: database.url,
      schema,
      query,
      catalog: () => postgresCatalog({ raw: async (sql) => ({ rows: await query(sql) }) }, schema),
    }
  }
  return {
    ours: place(ours),
    twin: place(twin),
    config: {
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'ours', topology: 'schema', schema: ours }],
    },
    drop: () => database.drop(),
  }
}

async function makeMariadb(): Promise<NativePair> {
  const [one, two] = [await freshMariadb('parity_ours'), await freshMariadb('parity_twin')]
  const place = ({ url, query }: typeof one): NativePlace => ({
    kind: 'mariadb',
    url,
    schema: null,
    query,
    catalog: () => mariadbCatalog({ raw: async (sql) => [await query(sql)] }),
  })
  return {
    ours: place(one),
    twin: place(two),
    config: {
      servers: { main: { url: one.server.url('mysql') } },
      tenants: [{ slug: 'ours', topology: 'database', database: one.name }],
    },
    drop: async () => {
      await one.drop()
      await two.drop()
    },
  }
}

async function makeFiles(): Promise<NativePair> {
  const folder = makeFolder()
  const place = (name: string): NativePlace => {
    const path = `${folder.path}/${name}.db`
    createFile(path)
    const query = (sql: string) => folder.run(name, sql)
    return {
      kind: 'sqlite',
      url: path,
      schema: null,
      query,
      catalog: async () => {
        const rows = await query(
          "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> 'tenantry_ledger' ORDER BY 1, 2",
        )
        // White space, and letter case of a history table's own words, are the program's that made it.
        return {
          objects: rows.map((row) =>
            JSON.stringify(row)
              .replaceAll(/\s+|\\[nt"]|["`]/g, '')
              .toLowerCase(),
          ),
        }
      },
    }
  }
  return {
    ours: place('ours'),
    twin: place('twin'),
    config: {
      servers: { main: { url: `sqlite:${folder.path}` } },
      tenants: [{ slug: 'ours', database: 'ours' }],
    },
    drop: async () => folder.remove(),
  }
}
