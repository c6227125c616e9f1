import { isProvenNotNull } from '../known-schema.ts'
import { describeWork, keyOf, type Rule, show } from '../rule.ts'

export const addNotNullWithoutDefault: Rule = {
  id: 'add-not-null-without-default',
  title: 'A NOT NULL column without a default',
  severity: 'error',
  why: 'PostgreSQL and SQLite refuse it where the table has rows (MySQL fills in an empty value), and inserts of releases that do not know the column fail from then on.',
  instead: 'Give it a constant default, or add it without NOT NULL, fill it in batches, and set NOT NULL later.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN currency text NOT NULL;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: "ALTER TABLE orders ADD COLUMN currency text NOT NULL DEFAULT 'EUR';",
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE orders (id BIGINT PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUMN currency CHAR(3) NOT NULL;' }],
      good: [{ sql: "ALTER TABLE orders ADD COLUMN currency CHAR(3) NOT NULL DEFAULT 'EUR';" }],
    },
    {
      dialect: 'sqlite',
      setup: 'CREATE TABLE orders (id INTEGER PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUMN currency TEXT NOT NULL;' }],
      good: [{ sql: "ALTER TABLE orders ADD COLUMN currency TEXT NOT NULL DEFAULT 'EUR';" }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-column' || created.has(keyOf(fact.table))) return null
    const { notNull, default: value, generated, name } = fact.column
    if (!notNull || value !== 'none' || generated !== 'no') return null
    return { message: `column ${show(fact.table)}.${name} is NOT NULL and has no default` }
  },
}

export const setNotNull: Rule = {
  id: 'set-not-null',
  title: 'NOT NULL is set without a valid check that has proved it',
  severity: 'error',
  why: 'Every row is read while nobody can read or write the table. A valid check that says the same spares that.',
  instead: 'Add a CHECK … NOT VALID, validate it in a later migration, then set NOT NULL and drop the check.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, currency text);',
      bad: [
        {
          sql: 'ALTER TABLE orders ALTER COLUMN currency SET NOT NULL;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_currency_not_null CHECK (currency IS NOT NULL) NOT VALID;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: 'ALTER TABLE orders VALIDATE CONSTRAINT orders_currency_not_null;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'scan' },
        },
        {
          sql: 'ALTER TABLE orders ALTER COLUMN currency SET NOT NULL;\nALTER TABLE orders DROP CONSTRAINT orders_currency_not_null;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
  ],
  judgeFact(fact, { created, known }) {
    if (fact.kind !== 'set-not-null') return null
    const table = keyOf(fact.table)
    if (created.has(table) || isProvenNotNull(known, table, fact.column)) return null
    return { message: `NOT NULL on ${show(fact.table)}.${fact.column}: ${describeWork(fact.cost)}` }
  },
}
