exports.up = async (knex) => {
  await knex.schema.createTable('roles', (table) => {
    table.increments('id')
    table.string('name', 50).notNullable().unique()
  })
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.string('email', 191).notNullable().unique()
    table.string('name', 191)
    table.integer('role_id').unsigned().notNullable().references('id').inTable('roles')
    table.timestamps(true, true)
  })
  await knex('roles').insert([{ name: 'owner' }, { name: 'member' }])
}

exports.down = async (knex) => {
  await knex.schema.dropTable('users')
  await knex.schema.dropTable('roles')
}
