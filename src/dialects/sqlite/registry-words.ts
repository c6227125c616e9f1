import type { RegistryWords } from '../../model/registry-words.ts'

export const registryWords: RegistryWords = {
  placeholder: () => '?',
  // Takes the file's only write lock at once: nobody else can write between what is read and what is written.
  begin: ['BEGIN IMMEDIATE'],
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  types: { key: 'TEXT', text: 'TEXT', bigint: 'INTEGER', counter: 'INTEGER PRIMARY KEY AUTOINCREMENT' },
  openMigration: ['BEGIN IMMEDIATE'],
  closeMigration: ['COMMIT'],
  // `unixepoch('subsec')` needs 3.42; the difference to the Julian day of 1970 is exact to the millisecond.
  nowMs: "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
  orUpdate: (key, update) =>
    `ON CONFLICT (${key}) DO UPDATE SET ${update.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  // A rowid's other name counts up by itself; hidden columns are generated ones.
  columns: (_schema, table) => ({
    sql: `SELECT name, type, CASE WHEN "notnull" <> 0 OR pk > 0 THEN 1 ELSE 0 END AS required,
  CASE WHEN dflt_value IS NOT NULL OR hidden <> 0 OR (pk = 1 AND upper(type) = 'INTEGER') THEN 1 ELSE 0 END AS filled
FROM pragma_table_xinfo(?) ORDER BY cid`,
    values: [table],
  }),
  isDuplicate: ({ sqlstate }) => sqlstate === '23505',
}
