import { type FactContext, keyOf, type Rule, show } from '../rule.ts'

const why =
  'Running releases use the old name until the last of them is replaced, and tenants are migrated one after the other: whichever comes first, one of the two fails.'

/** A view with the old name, in the same file: who reads or writes it does not notice. */
function hasView({ file }: FactContext, key: string): boolean {
  return file.facts.statements.some(({ facts }) =>
    facts.some((fact) => fact.kind === 'create-view' && keyOf(fact.view) === key),
  )
}

export const renameTable: Rule = {
  id: 'rename-table',
  title: 'A table is renamed without a step in between',
  severity: 'error',
  why,
  instead: 'Leave a view with the old name in the same migration, and drop it once no release uses it.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE clients (id bigint PRIMARY KEY, name text);',
      bad: [
        {
          sql: 'ALTER TABLE clients RENAME TO customers;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE clients RENAME TO customers;\nCREATE VIEW clients AS SELECT * FROM customers;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE clients (id BIGINT PRIMARY KEY, name TEXT);',
      bad: [{ sql: 'RENAME TABLE clients TO customers;' }],
      good: [{ sql: 'RENAME TABLE clients TO customers;\nCREATE VIEW clients AS SELECT * FROM customers;' }],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind !== 'rename-table') return null
    const key = keyOf(fact.table)
    if (context.created.has(key) || hasView(context, key)) return null
    return { message: `table ${show(fact.table)} is renamed to ${fact.to}, and nothing keeps the old name` }
  },
}

export const renameColumn: Rule = {
  id: 'rename-column',
  title: 'A column is renamed without a step in between',
  severity: 'error',
  why,
  instead:
    'Add the new column (phase expand), write both and copy the old values (phase migrate), drop the old one when nothing reads it (phase contract).',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE customers (id bigint PRIMARY KEY, fullname text);',
      bad: [
        {
          sql: 'ALTER TABLE customers RENAME COLUMN fullname TO name;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
      good: [
        {
          sql: '-- tenantry:phase expand of customer-name\nALTER TABLE customers ADD COLUMN name text;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: '-- tenantry:phase contract of customer-name\nALTER TABLE customers DROP COLUMN fullname;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE customers (id BIGINT PRIMARY KEY, fullname TEXT);',
      bad: [{ sql: 'ALTER TABLE customers CHANGE fullname name TEXT;' }],
      good: [{ sql: '-- tenantry:phase expand of customer-name\nALTER TABLE customers ADD COLUMN name TEXT;' }],
    },
    {
      dialect: 'sqlite',
      setup: 'CREATE TABLE customers (id INTEGER PRIMARY KEY, fullname TEXT);',
      bad: [{ sql: 'ALTER TABLE customers RENAME COLUMN fullname TO name;' }],
      good: [{ sql: '-- tenantry:phase expand of customer-name\nALTER TABLE customers ADD COLUMN name TEXT;' }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'rename-column' || created.has(keyOf(fact.table))) return null
    return { message: `column ${show(fact.table)}.${fact.column} is renamed to ${fact.to}` }
  },
}
