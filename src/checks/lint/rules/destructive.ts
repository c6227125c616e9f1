import { type FactContext, keyOf, type Rule, show, type Verdict } from '../rule.ts'

/**
 * Was it announced? Only a step marked `contract` may take something away, after one that made the running releases
 * stop using it. null: it was.
 */
function whyUnannounced({ file, phases }: FactContext): string | null {
  const { phase } = file
  if (phase?.kind !== 'contract') return 'no earlier release is known to have stopped using it'
  const before = phases.some(({ kind, change }) => kind !== 'contract' && change === phase.change)
  return before
    ? null
    : `it is marked contract of ${phase.change}, but no earlier migration is marked expand or migrate of that`
}

const instead =
  'Release code that no longer uses it first. Then drop it in a migration of its own with `-- tenantry:phase contract of <change>`; `up` holds that back until every tenant is past the earlier phases.'

function judge(what: string, context: FactContext): Verdict | null {
  const why = whyUnannounced(context)
  return why === null ? null : { message: `${what}, and ${why}` }
}

export const dropTable: Rule = {
  id: 'drop-table',
  title: 'A table is dropped that running code may still use',
  severity: 'error',
  why: 'While a rollout is under way, releases that still read the table fail in the tenants that are done; its rows are gone for good.',
  instead,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE carts (id bigint PRIMARY KEY);',
      bad: [{ sql: 'DROP TABLE carts;', lock: { table: 'carts', mode: 'ACCESS EXCLUSIVE', work: 'moment' } }],
      good: [
        {
          sql: '-- tenantry:phase expand of carts-in-orders\nCREATE TABLE order_carts (id bigint PRIMARY KEY);',
          lock: { table: 'order_carts', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: '-- tenantry:phase contract of carts-in-orders\nDROP TABLE carts;',
          lock: { table: 'carts', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE carts (id BIGINT PRIMARY KEY);',
      bad: [{ sql: 'DROP TABLE carts;' }],
      good: [
        {
          sql: '-- tenantry:phase expand of carts-in-orders\nCREATE TABLE order_carts (id BIGINT PRIMARY KEY);',
        },
        { sql: '-- tenantry:phase contract of carts-in-orders\nDROP TABLE carts;' },
      ],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind !== 'drop-table' || context.created.has(keyOf(fact.table))) return null
    return judge(`table ${show(fact.table)} is dropped`, context)
  },
}

export const dropColumn: Rule = {
  id: 'drop-column',
  title: 'A column is dropped that running code may still use',
  severity: 'error',
  why: 'While a rollout is under way, statements of running releases that name the column fail; its values are gone for good.',
  instead,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE customers (id bigint PRIMARY KEY, fax text);',
      bad: [
        {
          sql: 'ALTER TABLE customers DROP COLUMN fax;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
      good: [
        {
          sql: '-- tenantry:phase expand of no-fax\nALTER TABLE customers ALTER COLUMN fax DROP NOT NULL;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: '-- tenantry:phase contract of no-fax\nALTER TABLE customers DROP COLUMN fax;',
          lock: { table: 'customers', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
      ],
    },
    {
      dialect: 'sqlite',
      setup: 'CREATE TABLE customers (id INTEGER PRIMARY KEY, fax TEXT);',
      bad: [{ sql: 'ALTER TABLE customers DROP COLUMN fax;' }],
      good: [
        { sql: '-- tenantry:phase expand of no-fax\nALTER TABLE customers ADD COLUMN phone TEXT;' },
        { sql: '-- tenantry:phase contract of no-fax\nALTER TABLE customers DROP COLUMN fax;' },
      ],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind !== 'drop-column' || context.created.has(keyOf(fact.table))) return null
    return judge(`column ${show(fact.table)}.${fact.column} is dropped`, context)
  },
}

export const truncateTable: Rule = {
  id: 'truncate-table',
  title: 'All rows of a table are removed',
  severity: 'error',
  why: 'In every tenant the rows are gone for good, and nobody can read the table until the migration is committed.',
  instead:
    'Delete what is meant, in batches, by a condition; or mark the step `-- tenantry:phase contract of <change>`.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE sessions (id bigint PRIMARY KEY, expires_at timestamptz);',
      bad: [{ sql: 'TRUNCATE sessions;', lock: { table: 'sessions', mode: 'ACCESS EXCLUSIVE', work: 'moment' } }],
      good: [
        {
          sql: 'DELETE FROM sessions WHERE expires_at < now();',
          lock: { table: 'sessions', mode: 'ROW EXCLUSIVE', work: 'scan' },
        },
      ],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind !== 'truncate' || context.created.has(keyOf(fact.table))) return null
    return judge(`all rows of ${show(fact.table)} are removed`, context)
  },
}

/** What holds nothing that could not be made again. */
const remade = new Set(['materialized view', 'foreign table', 'extension'])

export const dropObject: Rule = {
  id: 'drop-object',
  title: 'A schema, sequence, type or the like is dropped that running code may still use',
  severity: 'error',
  why: 'What depends on it fails in running releases, or goes with it (CASCADE).',
  instead,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE SEQUENCE invoice_numbers;',
      bad: [{ sql: 'DROP SEQUENCE invoice_numbers;' }],
      good: [
        { sql: '-- tenantry:phase expand of numbers\nCREATE SEQUENCE numbers START 1000;' },
        { sql: '-- tenantry:phase contract of numbers\nDROP SEQUENCE invoice_numbers;' },
      ],
    },
  ],
  judgeFact(fact, context) {
    // A view or a trigger is made again by the next statement as often as not, and holds no rows.
    if (fact.kind !== 'drop-object' || fact.object === 'view' || fact.object === 'trigger') return null
    // The labels of an enum are another matter.
    if (fact.object === 'type' && context.known.enums.has(fact.name.name.toLowerCase())) return null
    const verdict = judge(`${fact.object} ${show(fact.name)} is dropped`, context)
    return verdict === null || !remade.has(fact.object) ? verdict : { ...verdict, severity: 'warning' }
  },
}
