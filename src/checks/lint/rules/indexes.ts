import { blocksLong, describeWork, keyOf, type Rule, show } from '../rule.ts'

export const indexBlocks: Rule = {
  id: 'index-blocks-writes',
  title: 'An index build that blocks writes',
  severity: 'error',
  why: 'Until the index is built, every insert, update and delete on the table waits.',
  instead:
    'Build it with CONCURRENTLY. tenantry runs such a statement outside of a transaction and finishes a build that was interrupted.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);',
      bad: [
        {
          sql: 'CREATE INDEX orders_customer_idx ON orders (customer_id);',
          lock: { table: 'orders', mode: 'SHARE', work: 'build' },
        },
      ],
      good: [
        {
          sql: 'CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer_id);',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'build' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT);',
      bad: [{ sql: 'CREATE FULLTEXT INDEX notes_body ON notes (body);' }],
      good: [{ sql: 'CREATE INDEX notes_body ON notes (body(20)) LOCK=NONE;' }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'create-index' || created.has(keyOf(fact.table)) || !blocksLong(fact.cost)) return null
    const index = fact.index === null ? 'an index' : `index ${fact.index}`
    const message = `${index} on ${show(fact.table)}: ${describeWork(fact.cost)}`
    // Where there is no other way, it can only be known.
    return fact.rewrite === undefined ? { message, severity: 'info' } : { message }
  },
}

export const dropIndexBlocks: Rule = {
  id: 'drop-index-blocks',
  title: 'An index is dropped under a lock that everybody waits behind',
  severity: 'warning',
  why: 'The lock is short, but it waits for every statement that runs on the table, and everything that comes later waits behind it.',
  instead: 'Drop it with CONCURRENTLY.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, note text);\nCREATE INDEX orders_note_idx ON orders (note);',
      bad: [
        {
          sql: 'DROP INDEX orders_note_idx;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
      good: [
        {
          sql: 'DROP INDEX CONCURRENTLY orders_note_idx;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'moment' },
        },
      ],
    },
  ],
  judgeFact(fact) {
    if (fact.kind !== 'drop-index' || fact.cost.blocks !== 'everything') return null
    return { message: `index ${show(fact.index)} is dropped: nobody can use its table meanwhile` }
  },
}

export const reindexBlocks: Rule = {
  id: 'reindex-blocks',
  title: 'Indexes are built anew under a lock',
  severity: 'error',
  why: 'Until they are built, nobody can write to the table, and reads that would use them wait.',
  instead: 'REINDEX … CONCURRENTLY.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'REINDEX TABLE orders;', lock: { table: 'orders', mode: 'SHARE', work: 'build' } }],
      good: [
        {
          sql: 'REINDEX TABLE CONCURRENTLY orders;',
          lock: { table: 'orders', mode: 'SHARE UPDATE EXCLUSIVE', work: 'build' },
        },
      ],
    },
  ],
  judgeFact(fact) {
    if (fact.kind !== 'reindex' || !blocksLong(fact.cost)) return null
    const message = `REINDEX of ${fact.object}: ${describeWork(fact.cost)}`
    return fact.rewrite === undefined ? { message, severity: 'info' } : { message }
  },
}
