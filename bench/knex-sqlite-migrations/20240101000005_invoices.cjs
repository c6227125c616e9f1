exports.up = async (knex) => {
  await knex.schema.createTable('invoices', (table) => {
    table.increments()
    table.bigInteger('order_id').references('orders.id')
    table.string('number', 20).notNullable().unique()
    table.jsonb('lines')
    table.date('due')
  })
  const open = knex('orders').select('id', 'total').where('state', 'open')
  await knex.schema.createView('open_orders', (view) => view.as(open))
}

exports.down = (knex) => knex.schema.dropView('open_orders').dropTable('invoices')
