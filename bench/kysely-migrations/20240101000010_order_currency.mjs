import { sql } from 'kysely'

export async function up(db) {
  await db.schema.alterTable('orders').addColumn('currency', 'char(3)').execute()
  await db
    .updateTable('orders')
    .set((eb) => ({ currency: eb.selectFrom('settings').select('value').where('key', '=', 'currency') }))
    .execute()
  await db.schema.alterTable('orders').addCheckConstraint('orders_currency', sql`currency ~ '^[A-Z]{3}$'`).execute()
}

export const down = (db) => db.schema.alterTable('orders').dropColumn('currency').execute()
