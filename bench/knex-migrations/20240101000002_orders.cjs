exports.up = (knex) =>
  knex.schema.createTable('orders', (table) => {
    table.bigIncrements()
    table.integer('member_id').notNullable().references('id').inTable('members').onDelete('CASCADE')
    table.enu('state', ['open', 'paid', 'sent'], { useNative: true, enumName: 'order_state' }).notNullable()
    table.decimal('total', 12, 2).notNullable().defaultTo(0)
    table.timestamp('placed_at').notNullable().defaultTo(knex.fn.now())
    table.index(['member_id', 'placed_at'])
  })

exports.down = async (knex) => {
  await knex.schema.dropTable('orders')
  await knex.raw('DROP TYPE order_state')
}
