import type { RegistryWords } from '../../model/registry-words.ts'

/** Longest name of a lock is 64 characters; they belong to the whole server, so the database is part of it. */
const migrationLock = "CONCAT('tenantry-registry:', LEFT(SHA2(DATABASE(), 256), 32))"

const binary = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'

export const registryWords: RegistryWords = {
  placeholder: () => '?',
  begin: ['SET innodb_lock_wait_timeout = 5; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION'],
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  types: {
    // 2,040 bytes: below the 3,072 that an index takes.
    key: `VARCHAR(510) ${binary}`,
    text: `MEDIUMTEXT ${binary}`,
    bigint: 'BIGINT',
    counter: 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY',
  },
  openMigration: [`SELECT GET_LOCK(${migrationLock}, 60) AS got`],
  closeMigration: [`SELECT RELEASE_LOCK(${migrationLock}) AS freed`],
  // CURRENT_TIMESTAMP stands still within a statement only; UNIX_TIMESTAMP reads it without a time zone in between.
  nowMs: 'CAST(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) * 1000 AS SIGNED)',
  orUpdate: (_key, update) =>
    `ON DUPLICATE KEY UPDATE ${update.map((column) => `${column} = VALUES(${column})`).join(', ')}`,
  columns: (schema, table) => ({
    sql: `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IF(IS_NULLABLE = 'NO', 1, 0) AS required,
  IF(COLUMN_DEFAULT IS NOT NULL OR EXTRA LIKE '%auto_increment%' OR EXTRA LIKE '%GENERATED%', 1, 0) AS filled
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = ${schema === null ? 'DATABASE()' : '?'} AND TABLE_NAME = ?
ORDER BY ORDINAL_POSITION`,
    values: [...(schema === null ? [] : [schema]), table],
  }),
  // 1062 has the class of all constraints; its text is the only thing that tells.
  isDuplicate: ({ sqlstate, message }) => sqlstate === '23000' && message.startsWith('Duplicate entry'),
}
