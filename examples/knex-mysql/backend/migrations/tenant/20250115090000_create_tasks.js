exports.up = (knex) =>
  knex.schema.createTable('tasks', (table) => {
    table.increments('id')
    table.string('title', 191).notNullable()
    table.integer('app_id').unsigned().references('id').inTable('apps').onDelete('SET NULL')
    table.integer('assigned_to').unsigned().references('id').inTable('users').onDelete('SET NULL')
    table.timestamps(true, true)
  })

exports.down = (knex) => knex.schema.dropTable('tasks')
