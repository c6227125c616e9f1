/** Drizzle's own `migrate()`, before 1.0 and from it on, over the places of the parity tests. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { NativePlace } from './native-places.ts'

export type Generation = 'journal' | 'folders'

const home = process.env.TENANTRY_TEST_DRIZZLE1 ?? join(process.cwd(), 'test/drizzle1')
const packages: Record<Generation, string> = {
  journal: join(process.cwd(), 'node_modules/drizzle-orm'),
  folders: join(home, 'node_modules/drizzle-orm'),
}

/** A reason not to run; null: it is installed. */
export function missing(generation: Generation): string | null {
  const dir = packages[generation]
  return existsSync(dir) ? null : `there is no ${dir}: npm ci in test/drizzle1`
}

interface Tool {
  drizzle(options: unknown): unknown
  migrate(db: unknown, config: { migrationsFolder: string; migrationsSchema?: string }): Promise<void>
}

async function load(generation: Generation, driver: string): Promise<Tool> {
  const [{ drizzle }, { migrate }] = await Promise.all(
    ['index', 'migrator'].map((file) => import(pathToFileURL(join(packages[generation], driver, `${file}.js`)).href)),
  )
  return { drizzle, migrate }
}

/** Applies a folder as the tool does. */
export async function migrateNatively(generation: Generation, place: NativePlace, dir: string): Promise<void> {
  const { kind, url, schema } = place
  const config = { migrationsFolder: dir, ...(schema !== null && { migrationsSchema: schema }) }
  if (kind === 'sqlite') {
    const client = createClient({ url: `file:${url}` })
    const { drizzle, migrate } = await load(generation, 'libsql')
    await migrate(drizzle({ client }), config).finally(() => client.close())
  } else if (kind === 'mariadb') {
    const client = await mysql.createConnection(url.replace(/^mariadb:/, 'mysql:'))
    const { drizzle, migrate } = await load(generation, 'mysql2')
    await migrate(drizzle({ client }), config).finally(() => client.end())
  } else {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    if (schema !== null) await client.query(`SET search_path TO ${schema}`)
    const { drizzle, migrate } = await load(generation, 'node-postgres')
    await migrate(drizzle({ client }), config).finally(() => client.end())
  }
}

/** Where Drizzle keeps its table. */
export const historyOf = ({ kind }: NativePlace) =>
  kind === 'postgres' ? 'drizzle.__drizzle_migrations' : '__drizzle_migrations'
