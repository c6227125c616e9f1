exports.up = (knex) =>
  knex.schema.createTable('orders', (table) => {
    table.bigIncrements()
    table.integer('member_id').notNullable().references('id').inTable('members').onDelete('CASCADE')
    table.enu('state', ['open', 'paid', 'sent']).notNullable()
    table.decimal('total', 12, 2).notNullable().defaultTo(0)
    table.timestamp('placed_at').notNullable().defaultTo(knex.fn.now())
    table.index(['member_id', 'placed_at'])
  })

exports.down = (knex) => knex.schema.dropTable('orders')
