/** Kysely's own Migrator, as a team runs it, and what a database holds afterwards: for comparing with what tenantry did. */
import { promises as fs } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import {
  FileMigrationProvider,
  Kysely,
  type MigrationResultSet,
  Migrator,
  type MigratorProps,
  MysqlDialect,
  PostgresDialect,
  SqliteDialect,
} from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import type { NativePlace } from './native-places.ts'

const require = createRequire(import.meta.url)

function dialectOf({ kind, url, schema }: Pick<NativePlace, 'kind' | 'url' | 'schema'>) {
  if (kind === 'mariadb') return new MysqlDialect({ pool: mysql.createPool({ uri: url, connectionLimit: 1 }) })
  if (kind === 'sqlite') {
    const Database = require('libsql') as new (path: string) => never
    return new SqliteDialect({ database: new Database(url) })
  }
  const options = schema === null ? {} : { options: `-c search_path=${schema}` }
  return new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1, ...options }) })
}

/** A Migrator over a folder; in a schema with the search path and the table's schema set, which is Kysely's way to one. */
export async function withMigrator<T>(
  place: Pick<NativePlace, 'kind' | 'url' | 'schema'>,
  migrationFolder: string,
  work: (migrator: Migrator, db: Kysely<Record<string, never>>) => Promise<T>,
  more: Partial<MigratorProps> = {},
): Promise<T> {
  const db = new Kysely<Record<string, never>>({ dialect: dialectOf(place) })
  const provider = new FileMigrationProvider({ fs, path, migrationFolder })
  const schema = place.schema === null ? {} : { migrationTableSchema: place.schema }
  try {
    return await work(new Migrator({ db, provider, ...schema, ...more }), db)
  } finally {
    await db.destroy()
  }
}

/** Names of what it carried out. */
export function mustSucceed({ error, results }: MigrationResultSet): string[] {
  if (error !== undefined) throw error
  return (results ?? []).map(({ migrationName }) => migrationName)
}

/** Four files; the third makes `seen`, and reads, and where there are roles grants on, Kysely's own tables. */
export const files: Record<string, string> = {
  '20240101000000_customers.mjs': `
import { sql } from 'kysely'
export async function up(db) {
  await db.schema.createTable('customers')
    .addColumn('id', 'integer', (col) => col.primaryKey())
    .addColumn('name', 'varchar(80)', (col) => col.notNull())
    .addColumn('added_at', 'timestamp', (col) => col.notNull().defaultTo(sql\`CURRENT_TIMESTAMP\`))
    .execute()
  await db.insertInto('customers').values([{ id: 1, name: 'Ada' }, { id: 2, name: "O'Hara; ?" }]).execute()
}
export async function down(db) { await db.schema.dropTable('customers').execute() }
`,
  '20240102000000_orders.js': `
exports.up = async (db) => {
  await db.schema.createTable('orders')
    .addColumn('id', 'integer', (col) => col.primaryKey())
    .addColumn('customer_id', 'integer', (col) => col.notNull().references('customers.id').onDelete('cascade'))
    .addColumn('state', 'varchar(10)', (col) => col.defaultTo('new'))
    .execute()
  await db.schema.createIndex('orders_by_state').on('orders').columns(['state', 'customer_id']).execute()
}
exports.down = (db) => db.schema.dropTable('orders').execute()
`,
  '20240103000000_seen.mjs': `
import { sql } from 'kysely'
const isPostgres = (db) => db.getExecutor().adapter.constructor.name === 'PostgresAdapter'
export default {
  async up(db) {
    await db.schema.createTable('seen').addColumn('versions', 'varchar(200)').addColumn('locks', 'integer').execute()
    const rows = await db.selectFrom('kysely_migration').select('name').orderBy('name').execute()
    const locks = await db.selectFrom('kysely_migration_lock').selectAll().where('id', '=', 'migration_lock').execute()
    await db.insertInto('seen').values({ versions: rows.map(({ name }) => name).join(), locks: locks.length }).execute()
    if (isPostgres(db)) await sql\`GRANT SELECT ON kysely_migration TO PUBLIC\`.execute(db)
    await db.schema.alterTable('kysely_migration').addColumn('note', 'varchar(20)').execute()
  },
  async down(db) {
    await db.schema.alterTable('kysely_migration').dropColumn('note').execute()
    await db.schema.dropTable('seen').execute()
  },
}
`,
  '20240104000000_fill.mjs': `
import { sql } from 'kysely'
export async function up(db) {
  const tables = await db.introspection.getTables()
  if (!tables.some(({ name }) => name === 'orders')) throw new Error('no orders')
  const { numInsertedOrUpdatedRows } = await db.insertInto('customers').values({ id: 3, name: 'Grace' }).executeTakeFirst()
  if (numInsertedOrUpdatedRows !== 1n) throw new Error('not one row')
  const isPostgres = db.getExecutor().adapter.constructor.name === 'PostgresAdapter'
  const all = db.selectFrom('customers').select('id').orderBy('id')
  const ids = []
  // On PostgreSQL streams need another package.
  if (isPostgres) ids.push(...(await all.execute()).map(({ id }) => id))
  else for await (const { id } of all.stream()) ids.push(id)
  for (const id of ids)
    await sql\`insert into orders (id, customer_id) values (\${id * 10}, \${id})\`.execute(db)
}
export async function down(db) {
  await db.deleteFrom('orders').execute()
  await db.deleteFrom('customers').where('id', '=', 3).execute()
}
`,
}
