exports.up = (knex) =>
  knex.schema.createTable('apps', (table) => {
    table.increments('id')
    table.string('name', 191).notNullable()
    table.string('slug', 100).notNullable().unique()
    table.boolean('enabled').notNullable().defaultTo(true)
    table.timestamps(true, true)
  })

exports.down = (knex) => knex.schema.dropTable('apps')
