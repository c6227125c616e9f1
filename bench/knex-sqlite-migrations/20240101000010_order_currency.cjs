exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (table) => table.specificType('currency', 'char(3)'))
  await knex('orders').update({ currency: knex('settings').select('value').where('key', 'currency') })
}

exports.down = (knex) => knex.schema.alterTable('orders', (table) => table.dropColumn('currency'))
