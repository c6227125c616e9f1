const { TENANT_REGISTRY_DB_URL, SERVER_URL, DATABASE_URL, NODE_ENV } = process.env
const { DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME = 'app', DB_USER = 'postgres', DB_PASS = '' } = process.env

/** Dedicated mode: the database of one customer, as DATABASE_URL or DB_* name it. */
function dedicated() {
  const url = new URL(DATABASE_URL || `postgres://${DB_HOST}:${DB_PORT}/${encodeURIComponent(DB_NAME)}`)
  if (!DATABASE_URL) Object.assign(url, { username: DB_USER, password: DB_PASS })
  return {
    servers: { main: { url: url.href } },
    // `tenantry verify` and `prove` build databases of their own on this server; never in production.
    ...(NODE_ENV !== 'production' && { scratch: { server: 'main' } }),
    tenants: [
      { slug: 'app', topology: 'dedicated', server: 'main', database: decodeURIComponent(url.pathname.slice(1)) },
    ],
  }
}

/** Shared mode: the tenants of the registry, each with its own database and its own role, whose password is sealed. */
const shared = {
  // Whoever may make databases and roles: for new tenants, and for trying migrations out in databases of their own.
  ...(SERVER_URL ? { servers: { main: { url: SERVER_URL } }, scratch: { server: 'main' } } : { servers: {} }),
  tenants: { from: 'registry' },
  registry: {
    migrations: { dir: './registry-migrations', format: 'sequelize' },
    tenants: {
      table: 'tenants',
      columns: {
        id: 'id',
        slug: 'slug',
        name: 'company_name',
        topology: 'mode',
        state: 'status',
        host: 'db_host',
        port: 'db_port',
        database: 'db_name',
        user: 'db_user',
        password: 'db_password_encrypted',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      // A dedicated customer has a deployment of its own, which migrates its database.
      values: { topology: { shared: 'database', dedicated: null } },
    },
  },
}

const mode = TENANT_REGISTRY_DB_URL ? shared : dedicated()

module.exports = {
  ...mode,
  migrations: { dir: './migrations', format: 'sequelize' },
  sampleDb: {
    keep: [
      // Master data.
      'units',
      'tax_rates',
      'roles',
      'modules',
      'role_modules',
      {
        table: 'users',
        where: "role_id IN (SELECT id FROM roles WHERE name = 'SuperAdmin')",
        limit: 1,
        orderBy: 'id',
      },
    ],
  },
}
