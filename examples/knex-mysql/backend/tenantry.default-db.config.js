/** `migrate:latest` and `migrate:rollback`: the one database that the knexfile names. */
const { connection } = require('./knexfile.js')

const url = new URL(`mysql://${connection.host}:${connection.port}/${encodeURIComponent(connection.database)}`)
url.username = connection.user
url.password = connection.password

module.exports = {
  servers: { main: { url: url.href } },
  migrations: { format: 'knex' },
  tenants: [{ slug: 'default', topology: 'dedicated', server: 'main', database: connection.database }],
}
