import { defineConfig } from 'tenantry'

const {
  DB_HOST = 'localhost',
  DB_PORT = '5432',
  DB_NAME = 'clicarity',
  DB_USER = 'postgres',
  DB_PASS = '',
} = process.env
const url = new URL(`postgres://${DB_HOST}:${DB_PORT}/${DB_NAME}`)
url.username = DB_USER
url.password = DB_PASS

export default defineConfig({
  servers: { main: { url: url.href } },
  scratch: { server: 'main' },
  // Prisma's folders, and the history table that the tenants have had since before tenantry.
  migrations: { dir: './prisma/migrations', format: 'prisma', history: { kind: 'schema_migrations' } },
  requiredTables: ['team_member', 'vendor', 'contact', 'reminders'],
  // Whoever is in `users` and is active has a schema.
  tenants: { from: 'registry' },
  registry: {
    url: url.href,
    migrations: { dir: './registry' },
    tenants: {
      table: 'users',
      columns: { id: 'id', slug: 'username', schema: 'schema_name', state: 'status' },
      labels: { email: 'email' },
    },
  },
  provision: {
    topology: 'schema',
    naming: '{slug}_{digits8}',
    role: false,
    extensions: ['uuid-ossp'],
    from: 'replay',
    // After a crash it is called again.
    firstRows: ({ tenant, query }) =>
      query(
        `INSERT INTO team_member (us_id, name, email, role) VALUES ($1, $2, $3, 'owner') ON CONFLICT (us_id) DO NOTHING`,
        [tenant.id, tenant.slug, tenant.labels?.email ?? null],
      ),
  },
})
