const mysql = require('mysql2/promise')

const { CENTRAL_DATABASE_URL, DB_ADMIN_URL } = process.env

module.exports = {
  // The folder is read from the knexfile.
  migrations: { format: 'knex' },
  tenants: { from: 'registry' },
  // The team's own table, as Prisma made it. No server is named beside it: each tenant's database is logged into with
  // the user and the password of its row, opened with DB_ENCRYPTION_KEY.
  registry: {
    url: CENTRAL_DATABASE_URL,
    migrations: { dir: './prisma/migrations' },
    tenants: {
      table: 'tenants',
      columns: {
        id: 'id',
        slug: 'slug',
        name: 'name',
        state: 'status',
        host: 'dbHost',
        port: 'dbPort',
        database: 'dbName',
        user: 'dbUser',
        password: 'dbPasswordEncrypted',
        createdAt: 'createdAt',
        updatedAt: 'updatedAt',
      },
      values: {
        state: {
          PROVISIONING: 'provisioning',
          ACTIVE: 'active',
          SUSPENDED: 'suspended',
          FAILED: 'failed',
          DELETED: 'archived',
        },
      },
      password: 'cbc',
    },
  },
  // Nothing hangs without an end. For one run: TENANTRY_MIGRATION_TIMEOUT_MS and so on.
  connectTimeoutMs: 5_000,
  lockTimeoutMs: 2_000,
  migrationTimeoutMs: 10 * 60_000,
  environments: {
    // Who may make databases and users: the API, for new tenants, and whoever proves undos. Not the job that migrates.
    admin: {
      servers: { main: { url: DB_ADMIN_URL } },
      scratch: { server: 'main' },
      provision: { topology: 'database', server: 'main', firstRows: mayMigrateItself },
    },
  },
}

/** A new tenant's user may read and write rows. Here it is the one that migrates, too. */
async function mayMigrateItself({ tenant, query }) {
  const [{ user }] = await query("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AS user")
  const admin = await mysql.createConnection(DB_ADMIN_URL)
  try {
    // In GRANT a database is a pattern, in which `_` would stand for any character.
    const database = tenant.placement.database.replaceAll('_', '\\_')
    await admin.query(`GRANT ALL ON ${admin.escapeId(database)}.* TO ${admin.escape(user)}@'%'`)
  } finally {
    await admin.end()
  }
}
