import { sql } from 'kysely'

export async function up(db) {
  await db.schema.createType('order_state').asEnum(['open', 'paid', 'sent']).execute()
  await db.schema
    .createTable('orders')
    .addColumn('id', 'bigserial', (column) => column.primaryKey())
    .addColumn('member_id', 'integer', (column) => column.notNull().references('members.id').onDelete('cascade'))
    .addColumn('state', sql`order_state`, (column) => column.notNull())
    .addColumn('total', 'numeric(12, 2)', (column) => column.notNull().defaultTo(0))
    .addColumn('placed_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute()
  await db.schema.createIndex('orders_member_placed').on('orders').columns(['member_id', 'placed_at']).execute()
}

export async function down(db) {
  await db.schema.dropTable('orders').execute()
  await db.schema.dropType('order_state').execute()
}
