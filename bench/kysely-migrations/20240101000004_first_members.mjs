export async function up(db) {
  const { id } = await db
    .insertInto('members')
    .values({ email: 'owner@example.org', name: 'Owner' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await db
    .insertInto('orders')
    .values([
      { member_id: id, state: 'open', total: 10 },
      { member_id: id, state: 'paid', total: 25.5 },
    ])
    .execute()
}

export const down = (db) => db.deleteFrom('members').where('email', '=', 'owner@example.org').execute()
