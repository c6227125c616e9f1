import { readdirSync } from 'node:fs'
import path from 'node:path'

/** @typedef {import('../../scripts/lib/postgres.mjs').PostgresClient} PostgresClient */
/** @typedef {ReturnType<typeof import('./folder.mjs').readTenants>[number]} DemoTenant */

/** Where schemas are. */
const sharedDatabase = 'shops'

/**
 * Makes the databases and schemas, all of them empty.
 * @param {PostgresClient} server
 * @param {readonly DemoTenant[]} tenants
 */
export async function makePlaces(server, tenants) {
  const databases = new Set(tenants.map(databaseOf))
  for (const database of databases) await server.query(`CREATE DATABASE ${quote(database)}`)
  const schemas = tenants.flatMap((tenant) => schemaOf(tenant) ?? [])
  await server.query(schemas.map((schema) => `CREATE SCHEMA ${quote(schema)};`).join('\n'), sharedDatabase)
}

/**
 * Gives every tenant that has tables some rows.
 * @param {PostgresClient} server
 * @param {readonly DemoTenant[]} tenants
 */
export async function addRows(server, tenants) {
  const customers = `('Ada', 'ada@example.com'), ('Grace', 'grace@example.com'), ('Edsger', 'edsger@example.com')`
  const shop = `INSERT INTO customers (name, email) VALUES ${customers};`
  const stalls = `INSERT INTO tenants (name) VALUES ('Apple stall'), ('Bread stall'), ('Cheese stall');
    INSERT INTO customers (tenant_id, name, email)
      SELECT tenants.id, c.name, c.email FROM tenants CROSS JOIN (VALUES ${customers}) c (name, email);`
  const old = tenants.filter(({ since }) => since !== 'new')
  for (const [database, own] of groupByDatabase(old)) {
    const sql = own.map((tenant) => `${enter(tenant)}${tenant.layout === 'shared' ? stalls : shop}`)
    await server.query(sql.join('\n'), database)
  }
}

/**
 * Runs SQL where a tenant lives.
 * @param {PostgresClient} server
 * @param {DemoTenant} tenant
 * @param {string} sql
 */
export function queryTenant(server, tenant, sql) {
  return server.query(`${enter(tenant)}${sql}`, databaseOf(tenant))
}

/**
 * Asks the databases themselves, not tenantry, which tenants have every migration.
 * @param {PostgresClient} server
 * @param {readonly DemoTenant[]} tenants
 * @param {string} dir folder of the fleet
 * @returns {Promise<{ complete: string[], behind: string[] }>} slugs
 */
export async function findComplete(server, tenants, dir) {
  const wanted = { tenant: listMigrations(dir, 'tenant'), shared: listMigrations(dir, 'shared') }
  /** @type {{ complete: string[], behind: string[] }} */
  const found = { complete: [], behind: [] }
  for (const [database, own] of groupByDatabase(tenants)) {
    const selects = own.map((tenant, i) => {
      const table = `${quote(schemaOf(tenant) ?? 'public')}.schema_migrations`
      return `SELECT ${i} AS i, version FROM ${table}`
    })
    const rows = await server.query(selects.join(' UNION ALL '), database)
    for (const [i, { slug, layout }] of own.entries()) {
      const applied = new Set(rows.filter((row) => row.i === i).map(({ version }) => version))
      const isComplete = wanted[layout === 'shared' ? 'shared' : 'tenant'].every((migration) => applied.has(migration))
      found[isComplete ? 'complete' : 'behind'].push(slug)
    }
  }
  return found
}

/**
 * @param {string} dir
 * @param {string} set
 */
function listMigrations(dir, set) {
  const files = readdirSync(path.join(dir, 'migrations', set)).filter((name) => name.endsWith('.sql'))
  return files.map((name) => name.slice(0, -'.sql'.length))
}

/** @param {readonly DemoTenant[]} tenants */
function groupByDatabase(tenants) {
  /** @type {Map<string, DemoTenant[]>} */
  const groups = new Map()
  for (const tenant of tenants) {
    const database = databaseOf(tenant)
    groups.set(database, [...(groups.get(database) ?? []), tenant])
  }
  return groups
}

/** @param {DemoTenant} tenant */
function enter(tenant) {
  const schema = schemaOf(tenant)
  return schema === null ? '' : `SET search_path = ${quote(schema)};\n`
}

/** @param {DemoTenant} tenant */
function databaseOf({ slug, layout }) {
  if (layout === 'schema') return sharedDatabase
  return layout === 'database' ? `shop_${slug}` : slug
}

/** @param {DemoTenant} tenant */
function schemaOf({ slug, layout }) {
  return layout === 'schema' ? `t_${slug}` : null
}

/** @param {string} name */
function quote(name) {
  return `"${name.replaceAll('"', '""')}"`
}
