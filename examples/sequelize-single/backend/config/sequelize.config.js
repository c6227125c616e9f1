/** Read by sequelize-cli, by the models and (for the migrations' settings) by tenantry. */
const { readFileSync } = require('node:fs')
const { DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME = 'mydb', DB_USER = 'postgres', DB_PASS = '' } = process.env
const { DB_SSL_CA } = process.env

const settings = {
  dialect: 'postgres',
  host: DB_HOST,
  port: Number(DB_PORT),
  username: DB_USER,
  password: DB_PASS,
  database: DB_NAME,
  logging: false,
}

module.exports = {
  development: settings,
  test: { ...settings, database: `${DB_NAME}_test` },
  production: {
    ...settings,
    // The certificate is checked against the authority that the provider publishes, and the host name with it.
    dialectOptions: {
      ssl: { rejectUnauthorized: true, ...(DB_SSL_CA ? { ca: readFileSync(DB_SSL_CA, 'utf8') } : {}) },
    },
  },
}
