export async function up(db) {
  await db.schema
    .createTable('order_items')
    .addColumn('id', 'bigserial', (column) => column.primaryKey())
    .addColumn('order_id', 'bigint', (column) => column.notNull().references('orders.id').onDelete('cascade'))
    .addColumn('sku', 'varchar(40)', (column) => column.notNull())
    .addColumn('quantity', 'integer', (column) => column.notNull().defaultTo(1))
    .addUniqueConstraint('order_items_order_sku', ['order_id', 'sku'])
    .execute()
  await db.schema.createIndex('order_items_sku').on('order_items').column('sku').execute()
}

export const down = (db) => db.schema.dropTable('order_items').execute()
