/** The one database of dedicated mode, as sequelize-cli reads it. */
const { DATABASE_URL, DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME, DB_USER, DB_PASS } = process.env

const settings = DATABASE_URL
  ? { dialect: 'postgres', use_env_variable: 'DATABASE_URL' }
  : {
      dialect: 'postgres',
      host: DB_HOST,
      port: Number(DB_PORT),
      database: DB_NAME,
      username: DB_USER,
      password: DB_PASS,
    }

module.exports = { development: settings, test: settings, production: settings }
