exports.up = async (knex) => {
  await knex.schema.createTable('settings', (table) => {
    table.string('key', 60).primary()
    table.text('value')
  })
  await knex('settings').insert([
    { key: 'currency', value: 'EUR' },
    { key: 'timezone', value: 'UTC' },
    { key: 'theme', value: 'plain' },
  ])
}

exports.down = (knex) => knex.schema.dropTable('settings')
