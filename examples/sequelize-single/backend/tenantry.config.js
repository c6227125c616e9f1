const { DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME = 'mydb', DB_USER = 'postgres', DB_PASS = '' } = process.env
const { DB_SSL_CA, NODE_ENV } = process.env

const database = NODE_ENV === 'test' ? `${DB_NAME}_test` : DB_NAME
const url = new URL(`postgres://${DB_HOST}:${DB_PORT}/${encodeURIComponent(database)}`)
url.username = DB_USER
url.password = DB_PASS

module.exports = {
  servers: { main: { url: url.href } },
  tenants: [{ slug: 'app', topology: 'dedicated', server: 'main', database }],
  // The folder is read from .sequelizerc.
  migrations: { format: 'sequelize' },
  environments: {
    // Undos are tried out in databases of their own on this server; never in production.
    development: { scratch: { server: 'main' } },
    test: {},
    // The certificate and the host name are verified; the authority is the one that the provider publishes.
    production: { servers: { main: { tls: DB_SSL_CA ? { ca: DB_SSL_CA } : {} } } },
  },
}
