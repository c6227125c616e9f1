exports.up = (knex) =>
  knex.schema.createTable('members', (table) => {
    table.increments()
    table.string('email').notNullable().unique()
    table.string('name', 120).notNullable()
    table.boolean('active').notNullable().defaultTo(true)
    table.timestamps(true, true)
  })

exports.down = (knex) => knex.schema.dropTable('members')
