export async function up(db) {
  await db.schema
    .createTable('settings')
    .addColumn('key', 'varchar(60)', (column) => column.primaryKey())
    .addColumn('value', 'text')
    .execute()
  await db
    .insertInto('settings')
    .values([
      { key: 'currency', value: 'EUR' },
      { key: 'timezone', value: 'UTC' },
      { key: 'theme', value: 'plain' },
    ])
    .execute()
}

export const down = (db) => db.schema.dropTable('settings').execute()
