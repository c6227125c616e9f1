/** The example of a schema per user, on a database of its own, with schemas that were there before tenantry. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tenantry } from '../../src/model/report.ts'
import { openTenantry } from '../../src/tenantry.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { type Example, openExample } from './example.ts'

const guide = readFileSync(fileURLToPath(new URL('../../examples/prisma-schemas/GUIDE.md', import.meta.url)), 'utf8')

/** The guide's own SQL: the block that begins so. */
export function guideSql(beginning: string): string {
  const blocks = [...guide.matchAll(/^( *)```sql\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
  const found = blocks.find((text) => text.startsWith(beginning))
  if (found === undefined) throw new Error(`The guide has no SQL that begins with ${beginning}.`)
  return found
}

export const requiredTables = ['contact', 'reminders', 'team_member', 'vendor']
export const initial = '20241218_initial_schema'
export const preferences = '20241220_add_preferences'

export interface Clicarity {
  example: Example
  database: TestDatabase
  query: TestDatabase['query']
  /** Versions in a schema's history, in the order they were applied. */
  history(schema: string): Promise<string[]>
  /** Tables of a schema, without the history and the ledger. */
  tables(schema: string): Promise<string[]>
  columns(schema: string, table: string): Promise<string[]>
  /** Everything that a reading command must leave as it is. */
  snapshot(): Promise<unknown>
  /** A schema as the system before tenantry has left it, with the first `count` migrations. */
  addSchema(username: string, schema: string, count: number): Promise<void>
  /** Folders of migrations, in their order. */
  folders(): string[]
  /** Writes a migration that comes after all others. Gives its name. */
  add(name: string, up: string, undo?: string): string
  /** The library, opened on the example's config: what its commands do, without a process for each. */
  use<T>(work: (tenantry: Tenantry) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The example with its table of users, and nobody in it. */
export async function openClicarity(label: string): Promise<Clicarity> {
  const database = await freshDatabase(label)
  const { host, port, user, password } = database.server
  const settings = { DB_HOST: host, DB_PORT: String(port), DB_USER: user, DB_PASS: password, DB_NAME: database.name }
  const example = openExample('prisma-schemas', settings)
  // The config reads them; `use` loads it in this process.
  Object.assign(process.env, settings)
  const { query } = database
  await example.ok('npm run registry:migrate')
  const names = async (sql: string, values: readonly unknown[]) =>
    (await query(sql, values)).map(({ name }) => String(name))
  const folders = () =>
    readdirSync(join(example.dir, 'prisma/migrations'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
  return {
    example,
    database,
    query,
    folders,
    history: (schema) => names(`SELECT version AS name FROM "${schema}".schema_migrations ORDER BY id`, []),
    tables: (schema) =>
      names(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1
         AND tablename NOT IN ('schema_migrations', 'tenantry_ledger') ORDER BY 1`,
        [schema],
      ),
    columns: (schema, table) =>
      names(
        `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2
         ORDER BY ordinal_position`,
        [schema, table],
      ),
    async snapshot() {
      const columns = await query(`SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3`)
      const rows = await query(`SELECT t.schemaname, t.tablename, (xpath('/row/n/text()',
          query_to_xml(format('SELECT count(*) AS n FROM %I.%I', t.schemaname, t.tablename), false, true, '')))[1]::text AS n
        FROM pg_tables t WHERE t.schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`)
      return { columns, rows }
    },
    async addSchema(username, schema, count) {
      await query('CREATE EXTENSION IF NOT EXISTS "uuid-ossp"')
      const applied = folders()
        .slice(0, count)
        .map((version) => ({ version, text: example.read(`prisma/migrations/${version}/migration.sql`) }))
      await query(`CREATE SCHEMA "${schema}"; SET search_path TO "${schema}", public;
        ${guideSql('CREATE TABLE schema_migrations')}
        ${applied.map(({ text }) => text.replaceAll('"public"', `"${schema}"`)).join('\n')}`)
      for (const { version, text } of applied)
        await query(`INSERT INTO "${schema}".schema_migrations (version, checksum) VALUES ($1, $2)`, [
          version,
          createHash('sha256').update(text).digest('hex'),
        ])
      await query('INSERT INTO users (username, schema_name) VALUES ($1, $2)', [username, schema])
    },
    add(name, up, undo) {
      const last = Number(/^\d{14}/.exec(folders().at(-1) ?? '')?.[0] ?? '20250101000000')
      const id = `${last + 1}_${name}`
      example.write({ [`prisma/migrations/${id}/migration.sql`]: up })
      if (undo !== undefined) example.write({ [`prisma/migrations/${id}/rollback.sql`]: undo })
      return id
    },
    async use(work) {
      const tenantry = await openTenantry({ cwd: example.dir, env: example.env })
      try {
        return await work(tenantry)
      } finally {
        await tenantry.close()
      }
    },
    async close() {
      example.remove()
      await database.drop()
    },
  }
}
