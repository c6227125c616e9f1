/** The default database; the tenants' are in the central database. The folder is read from here by Knex and by tenantry. */
const { DB_HOST = 'localhost', DB_PORT = '3306', DB_NAME = 'app', DB_USER = 'root', DB_PASS = '' } = process.env

module.exports = {
  client: 'mysql2',
  connection: { host: DB_HOST, port: Number(DB_PORT), user: DB_USER, password: DB_PASS, database: DB_NAME },
  migrations: { directory: './migrations/tenant' },
}
