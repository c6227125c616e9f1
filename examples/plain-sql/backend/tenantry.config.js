import { defineConfig } from 'tenantry'

const { DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME = 'app', DB_USER = 'postgres', DB_PASS = '' } = process.env
const url = new URL(`postgres://${DB_HOST}:${DB_PORT}/${DB_NAME}`)
url.username = DB_USER
url.password = DB_PASS

export default defineConfig({
  servers: { main: { url: url.href } },
  // All tenants are in the same tables, told apart by tenant_id: for migrations that is one target.
  tenants: [{ slug: 'app', topology: 'shared', server: 'main', database: DB_NAME }],
  // These are not a tenant's, or are the tenants themselves.
  sharedTables: { column: 'tenant_id', except: ['tenants', 'schema_migrations', 'tenantry_ledger'] },
  migrations: { dir: './db/migrations' },
  environments: {
    // Undos are tried out in databases of their own on this server; never in production.
    dev: { scratch: { server: 'main' } },
    staging: { lockTimeoutMs: 5_000 },
    production: { lockTimeoutMs: 2_000, concurrency: 2 },
  },
})
