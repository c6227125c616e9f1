export async function up(db) {
  await db.schema.alterTable('orders').addColumn('note', 'text').execute()
  await db.schema.createIndex('orders_state').on('orders').column('state').execute()
  await db.schema.alterTable('invoices').renameColumn('due', 'due_on').execute()
}

export async function down(db) {
  await db.schema.alterTable('invoices').renameColumn('due_on', 'due').execute()
  await db.schema.alterTable('orders').dropColumn('note').execute()
}
