import { sql } from 'kysely'

export async function up(db) {
  await db.schema
    .createTable('invoices')
    .addColumn('id', 'serial', (column) => column.primaryKey())
    .addColumn('order_id', 'bigint', (column) => column.references('orders.id'))
    .addColumn('number', 'varchar(20)', (column) => column.notNull().unique())
    .addColumn('lines', 'jsonb')
    .addColumn('due', 'date')
    .execute()
  const open = db.selectFrom('orders').select(['id', 'total']).where('state', '=', sql.lit('open'))
  await db.schema.createView('open_orders').as(open).execute()
}

export async function down(db) {
  await db.schema.dropView('open_orders').execute()
  await db.schema.dropTable('invoices').execute()
}
