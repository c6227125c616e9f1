import { blocksLong, describeWork, keyOf, type Rule, show } from '../rule.ts'

export const changeType: Rule = {
  id: 'change-type',
  title: 'A change of type that writes the whole table again',
  severity: 'error',
  why: 'The table and all of its indexes are written again while nobody can use the table; running releases may not take the new type, either.',
  instead: 'Add a column of the new type, write both, copy in batches, switch over, drop the old one.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE payments (id bigint PRIMARY KEY, amount integer, note varchar(40));',
      bad: [
        {
          sql: 'ALTER TABLE payments ALTER COLUMN amount TYPE bigint;',
          lock: { table: 'payments', mode: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE payments ALTER COLUMN note TYPE varchar(200);',
          lock: { table: 'payments', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: '-- tenantry:phase expand of payment-amount\nALTER TABLE payments ADD COLUMN amount_new bigint;',
          lock: { table: 'payments', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE payments (id BIGINT PRIMARY KEY, amount INT, note VARCHAR(40));',
      bad: [{ sql: 'ALTER TABLE payments MODIFY amount BIGINT;' }],
      good: [{ sql: 'ALTER TABLE payments MODIFY note VARCHAR(60);' }],
    },
  ],
  judgeFact(fact, { created, known, settings }) {
    if (fact.kind !== 'change-type' || created.has(keyOf(fact.table)) || fact.rewrites === 'no') return null
    if (!blocksLong(fact.cost)) return null
    const from = known.tables.get(keyOf(fact.table))?.get(fact.column.toLowerCase())
    const column = `${show(fact.table)}.${fact.column}`
    const work = describeWork(fact.cost)
    if (fact.rewrites === 'yes') return { message: `the type of ${column} becomes ${fact.type}: ${work}` }
    if (from === undefined) {
      const message = `the type of ${column} becomes ${fact.type}; which one it was is not known here: unless its values stay as they are stored, ${work}`
      return { message, severity: 'warning' }
    }
    const keeps = settings.keepsRows(from, fact.type)
    if (keeps === true) return null
    const severity = keeps === null ? 'warning' : 'error'
    const doubt = keeps === null ? ' (as far as can be told)' : ''
    return { message: `the type of ${column} changes from ${from} to ${fact.type}: ${work}${doubt}`, severity }
  },
}

export const volatileDefault: Rule = {
  id: 'volatile-default',
  title: 'A new column whose default is another value in each row',
  severity: 'error',
  why: 'The default must be computed for every row that is there, so the whole table is written again while nobody can use it.',
  instead: 'Add the column without a default, set the default for new rows, and fill the old ones in batches.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN token uuid;\nALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN number bigserial;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-column' || created.has(keyOf(fact.table)) || !blocksLong(fact.cost)) return null
    const column = `${show(fact.table)}.${fact.column.name}`
    const work = describeWork(fact.cost)
    switch (fact.column.default) {
      case 'volatile':
        return { message: `the default of ${column} is another value in each row: ${work}` }
      case 'sequence':
        return { message: `${column} counts up, so that each row gets a value of its own: ${work}` }
      case 'unknown':
        return {
          message: `the default of ${column} calls a function that is not known here: unless it is STABLE or IMMUTABLE, ${work}`,
          severity: 'warning',
        }
      default:
        return null
    }
  },
}

export const storedColumn: Rule = {
  id: 'stored-generated-column',
  title: 'A new stored generated column',
  severity: 'error',
  why: 'Its value is computed for every row that is there, so the whole table is written again while nobody can use it.',
  instead:
    'Add a plain column that a trigger fills, and fill old rows in batches; or make it VIRTUAL (PostgreSQL 18, MySQL).',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE lines (id bigint PRIMARY KEY, price bigint, amount bigint);',
      bad: [
        {
          sql: 'ALTER TABLE lines ADD COLUMN total bigint GENERATED ALWAYS AS (price * amount) STORED;',
          lock: { table: 'lines', mode: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE lines ADD COLUMN total bigint;',
          lock: { table: 'lines', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE line_items (id BIGINT PRIMARY KEY, price BIGINT, amount BIGINT);',
      bad: [{ sql: 'ALTER TABLE line_items ADD COLUMN total BIGINT AS (price * amount) STORED;' }],
      good: [{ sql: 'ALTER TABLE line_items ADD COLUMN total BIGINT AS (price * amount) VIRTUAL;' }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'add-column' || created.has(keyOf(fact.table))) return null
    if (fact.column.generated !== 'stored' || !blocksLong(fact.cost)) return null
    return { message: `${show(fact.table)}.${fact.column.name} is computed and stored: ${describeWork(fact.cost)}` }
  },
}

export const rewriteTable: Rule = {
  id: 'rewrite-table',
  title: 'A statement that writes a whole table again',
  severity: 'error',
  why: 'Nobody can use the table while it is written again, and it takes as much room on the disk once more.',
  instead: 'Do it in a maintenance window, or with a tool that works on a copy (pg_repack, gh-ost).',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE UNLOGGED TABLE events (id bigint PRIMARY KEY);',
      bad: [
        {
          sql: 'ALTER TABLE events SET LOGGED;',
          lock: { table: 'events', mode: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        },
      ],
      good: [
        {
          sql: 'CREATE TABLE events_logged (id bigint PRIMARY KEY);',
          lock: { table: 'events_logged', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT) CHARACTER SET latin1;',
      bad: [{ sql: 'ALTER TABLE notes CONVERT TO CHARACTER SET utf8mb4;' }],
      good: [{ sql: 'ALTER TABLE notes DEFAULT CHARACTER SET utf8mb4;' }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'rewrite-table' || (fact.table !== null && created.has(keyOf(fact.table)))) return null
    if (!blocksLong(fact.cost)) return null
    const table = fact.table === null ? 'every table' : show(fact.table)
    return { message: `${fact.how} on ${table}: ${describeWork(fact.cost)}` }
  },
}
