exports.up = async (knex) => {
  if (!(await knex.schema.hasColumn('members', 'locale'))) {
    await knex.schema.alterTable('members', (table) => table.string('locale', 10))
  }
  await knex('members').update({ locale: 'en' })
}

exports.down = (knex) => knex.schema.alterTable('members', (table) => table.dropColumn('locale'))
