import { keyOf, type Rule, show } from '../rule.ts'

export const tenantColumnMissing: Rule = {
  id: 'tenant-column-missing',
  title: 'A table of shared targets without the tenant column',
  severity: 'warning',
  why: 'Several tenants share the table, and nothing in a row says whose it is.',
  instead:
    'Add the column (NOT NULL, first in an index, in the foreign keys). A table that is the same for all tenants goes into `sharedTables.except` of the config.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE accounts (tenant_id uuid NOT NULL, id bigint, PRIMARY KEY (tenant_id, id));',
      bad: [{ sql: 'CREATE TABLE notes (id bigint PRIMARY KEY, body text);' }],
      good: [
        { sql: 'CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint, body text, PRIMARY KEY (tenant_id, id));' },
      ],
      settings: { sharedColumn: 'tenant_id' },
    },
  ],
  judgeFact(fact, { settings }) {
    const { sharedColumn, sharedExcept } = settings
    if (fact.kind !== 'create-table' || sharedColumn === null || fact.columns === null || fact.temporary) return null
    const excepted = sharedExcept.some((name) => name.toLowerCase() === fact.table.name.toLowerCase())
    if (excepted || fact.columns.some(({ name }) => name.toLowerCase() === sharedColumn.toLowerCase())) return null
    return { message: `table ${show(fact.table)} has no ${sharedColumn}`, cost: null }
  },
}

export const tenantRows: Rule = {
  id: 'tenant-rows',
  title: 'Rows of one tenant in a migration of all',
  severity: 'warning',
  why: 'The migration runs in every target, most of which do not have that tenant; and what one tenant needs is no part of the schema.',
  instead: 'Run it for that tenant by hand or as a data change, or as a seed; keep migrations the same for all.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE settings (tenant_id text, name text, value text);',
      bad: [{ sql: "UPDATE settings SET value = 'on' WHERE tenant_id = 'acme';" }],
      good: [{ sql: "UPDATE settings SET value = 'on' WHERE name = 'beta';" }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE settings (tenant_id INT, name VARCHAR(40), value TEXT);',
      bad: [{ sql: "UPDATE settings SET value = 'on' WHERE tenant_id = 7;" }],
      good: [{ sql: "UPDATE settings SET value = 'on' WHERE name = 'beta';" }],
    },
  ],
  judgeFact(fact, { settings }) {
    if (fact.kind !== 'tenant-value') return null
    const column = fact.column.toLowerCase()
    const isTenantColumn = column === 'tenant_id' || column === settings.sharedColumn?.toLowerCase()
    if (!isTenantColumn && !settings.tenants.has(fact.value)) return null
    return { message: `${fact.column} = ${JSON.stringify(fact.value)} is about one tenant` }
  },
}

export const differsPerTenant: Rule = {
  id: 'differs-per-tenant',
  title: 'A statement that does something else in each tenant',
  severity: 'warning',
  why: 'What it does depends on the schema, the database or the user that it runs in, so targets that should be equal are not: `drift` will report them, and a template of the schema is wrong for most.',
  instead: 'Write what does not depend on the place. Where each tenant needs values of its own, keep them in rows.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE settings (name text, value text);',
      bad: [{ sql: "INSERT INTO settings (name, value) VALUES ('home', current_schema());" }],
      good: [{ sql: "INSERT INTO settings (name, value) VALUES ('home', 'main');" }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE settings (name VARCHAR(40), value TEXT);',
      bad: [{ sql: "INSERT INTO settings (name, value) VALUES ('home', DATABASE());" }],
      good: [{ sql: "INSERT INTO settings (name, value) VALUES ('home', 'main');" }],
    },
  ],
  judgeFact(fact) {
    if (fact.kind !== 'tenant-dependent') return null
    return { message: `${fact.expression} is something else in each tenant` }
  },
}

export const lockTable: Rule = {
  id: 'explicit-lock',
  title: 'A table is locked by hand',
  severity: 'warning',
  why: 'The lock is kept until the migration is committed, whatever comes after it.',
  instead:
    'Leave it out: each statement takes the lock it needs. Where rows must not change meanwhile, lock those rows.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'LOCK TABLE orders;', lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' } }],
      good: [
        {
          sql: 'LOCK TABLE orders IN ROW EXCLUSIVE MODE;',
          lock: { table: 'orders', mode: 'ROW EXCLUSIVE', work: 'moment' },
        },
      ],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'lock-table' || fact.cost.blocks === 'nothing' || created.has(keyOf(fact.table))) return null
    return { message: `${show(fact.table)} is locked in ${fact.cost.lock} mode` }
  },
}
