import { blocksLong, describeWork, keyOf, type Rule, show } from '../rule.ts'

const buildingTypes = new Set(['primary-key', 'unique', 'exclusion'])

export const constraintBuildsIndex: Rule = {
  id: 'constraint-builds-index',
  title: 'A unique constraint or primary key that builds its index under a lock',
  severity: 'error',
  why: 'Until the index is built, nobody can read or write the table.',
  instead: 'Build a unique index CONCURRENTLY first, then add the constraint USING INDEX.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE customers (id bigint PRIMARY KEY, email text);',
      bad: [
        {
          sql: 'ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email);',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'build' },
        },
      ],
      good: [
        {
          sql: 'CREATE UNIQUE INDEX CONCURRENTLY customers_email_idx ON customers (email);',
          lock: { table: 'customers', mode: 'SHARE UPDATE EXCLUSIVE', work: 'build' },
        },
        {
          sql: 'ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE USING INDEX customers_email_idx;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-constraint' || !buildingTypes.has(fact.type)) return null
    if (created.has(keyOf(fact.table)) || !blocksLong(fact.cost)) return null
    const what = `${fact.type === 'primary-key' ? 'primary key' : `${fact.type} constraint`}${fact.name === null ? '' : ` ${fact.name}`}`
    return { message: `${what} on ${show(fact.table)}: ${describeWork(fact.cost)}` }
  },
}

export const foreignKeyScans: Rule = {
  id: 'foreign-key-not-valid-first',
  title: 'A foreign key that is checked while it is added',
  severity: 'error',
  why: 'Every row is looked up while nobody can write to either of the two tables.',
  instead:
    'Add it NOT VALID (new rows are checked at once), and validate it in a migration of its own. MySQL and MariaDB have no such words: look for rows that point to nothing first, then add it with `foreign_key_checks = 0`, which looks at none.',
  examples: [
    {
      dialect: 'postgres',
      setup:
        'CREATE TABLE customers (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);',
          lock: { table: 'orders', mode: 'SHARE ROW EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;',
          lock: { table: 'orders', mode: 'SHARE ROW EXCLUSIVE', work: 'moment' },
        },
        {
          sql: 'ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fkey;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'scan' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup:
        'CREATE TABLE customers (id BIGINT PRIMARY KEY);\nCREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id);',
        },
      ],
      good: [
        {
          sql: 'SET SESSION foreign_key_checks = 0;\nALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id), ALGORITHM=INPLACE, LOCK=NONE;\nSET SESSION foreign_key_checks = 1;',
        },
      ],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-constraint' || fact.type !== 'foreign-key') return null
    if (created.has(keyOf(fact.table)) || !blocksLong(fact.cost)) return null
    const to = fact.references === null ? '' : ` to ${show(fact.references)}`
    return {
      message: `foreign key ${fact.name ?? fact.columns.join(', ')} from ${show(fact.table)}${to}: ${describeWork(fact.cost)}`,
    }
  },
}

export const checkScans: Rule = {
  id: 'check-not-valid-first',
  title: 'A check that is tried on every row while it is added',
  severity: 'error',
  why: 'Every row is read while nobody can read or write the table.',
  instead: 'Add it NOT VALID (new rows are checked at once), and validate it in a migration of its own.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_amount_check CHECK (amount >= 0);',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_amount_check CHECK (amount >= 0) NOT VALID;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: 'ALTER TABLE orders VALIDATE CONSTRAINT orders_amount_check;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'scan' },
        },
      ],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-constraint' || (fact.type !== 'check' && fact.type !== 'not-null')) return null
    if (created.has(keyOf(fact.table)) || !blocksLong(fact.cost)) return null
    return {
      message: `check ${fact.name ?? `on ${fact.columns.join(', ') || 'rows'}`} of ${show(fact.table)}: ${describeWork(fact.cost)}`,
    }
  },
}

export const validatedAtOnce: Rule = {
  id: 'validated-at-once',
  title: 'A constraint is validated in the transaction that adds it',
  severity: 'error',
  why: 'The lock of adding it is kept until the commit, so that the rows are read under it after all: NOT VALID has gained nothing.',
  instead: 'Validate it in a migration of its own.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_amount_check CHECK (amount >= 0) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT orders_amount_check;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD CONSTRAINT orders_amount_check CHECK (amount >= 0) NOT VALID;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: 'ALTER TABLE orders VALIDATE CONSTRAINT orders_amount_check;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'scan' },
        },
      ],
    },
  ],
  judgeFact(fact, { created, file, statement }) {
    if (fact.kind !== 'validate-constraint' || !file.facts.oneTransaction || created.has(keyOf(fact.table))) return null
    const added = file.facts.statements
      .filter(({ index }) => index <= statement.index)
      .flatMap(({ facts }) => facts)
      .find(
        (one) =>
          one.kind === 'add-constraint' && one.name === fact.constraint && keyOf(one.table) === keyOf(fact.table),
      )
    if (added?.kind !== 'add-constraint') return null
    const cost = { ...added.cost, work: 'scan' } as const
    return {
      message: `${fact.constraint} of ${show(fact.table)} is added and validated in one transaction: ${describeWork(cost)}`,
      cost,
      rewrite: `-- in a migration of its own:\nALTER TABLE ${show(fact.table)} VALIDATE CONSTRAINT ${fact.constraint};`,
    }
  },
}
