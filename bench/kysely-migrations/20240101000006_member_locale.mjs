export async function up(db) {
  await db.schema.alterTable('members').addColumn('locale', 'varchar(10)').execute()
  await db.updateTable('members').set({ locale: 'en' }).execute()
  await db.schema
    .alterTable('members')
    .alterColumn('locale', (column) => column.setNotNull())
    .execute()
}

export const down = (db) => db.schema.alterTable('members').dropColumn('locale').execute()
