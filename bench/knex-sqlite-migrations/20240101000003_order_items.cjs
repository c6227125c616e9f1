exports.up = async (knex) => {
  await knex.schema.createTable('order_items', (table) => {
    table.bigIncrements()
    table.bigInteger('order_id').notNullable().references('orders.id').onDelete('CASCADE')
    table.string('sku', 40).notNullable()
    table.integer('quantity').notNullable().defaultTo(1)
    table.unique(['order_id', 'sku'])
  })
  await knex.schema.alterTable('order_items', (table) => table.index('sku'))
}

exports.down = (knex) => knex.schema.dropTable('order_items')
