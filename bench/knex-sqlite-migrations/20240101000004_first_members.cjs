exports.up = async (knex) => {
  const [{ id }] = await knex('members').insert({ email: 'owner@example.org', name: 'Owner' }).returning('id')
  await knex('orders').insert([
    { member_id: id, state: 'open', total: 10 },
    { member_id: id, state: 'paid', total: 25.5 },
  ])
}

exports.down = (knex) => knex('members').where({ email: 'owner@example.org' }).del()
