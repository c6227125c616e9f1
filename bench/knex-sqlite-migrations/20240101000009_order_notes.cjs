exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (table) => {
    table.text('note')
    table.index('state')
  })
  await knex.schema.alterTable('invoices', (table) => table.renameColumn('due', 'due_on'))
}

exports.down = async (knex) => {
  await knex.schema.alterTable('invoices', (table) => table.renameColumn('due_on', 'due'))
  await knex.schema.alterTable('orders', (table) => table.dropColumn('note'))
}
