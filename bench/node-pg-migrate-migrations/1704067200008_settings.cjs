exports.up = (pgm) => {
  pgm.createTable('settings', { key: { type: 'varchar(60)', primaryKey: true }, value: 'text' })
  pgm.sql(`INSERT INTO settings (key, value) VALUES ('currency', 'EUR'), ('timezone', 'UTC'), ('theme', 'plain')`)
}

exports.down = (pgm) => pgm.dropTable('settings')
