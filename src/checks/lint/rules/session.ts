import type { FactContext, Rule } from '../rule.ts'

/** A setting that the file sets once and never again stays as it is. */
function isSetAgain({ file }: Pick<FactContext, 'file'>, setting: string): boolean {
  const sets = file.facts.statements.flatMap(({ facts }) =>
    facts.filter((fact) => fact.kind === 'session-setting' && fact.setting === setting),
  )
  return sets.length > 1
}

const roles = new Set(['role', 'session_authorization'])

export const searchPathSet: Rule = {
  id: 'search-path-set',
  title: 'The search path is set',
  severity: 'warning',
  why: 'Where tenants live in schemas, what follows no longer means the tenant’s own tables. Elsewhere it outlasts the file in tools that reuse the connection.',
  instead:
    'Leave it out: tenantry sets the path for each target. For one function, use `SET search_path` of CREATE FUNCTION.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'SET search_path TO app;\nSELECT 1;' }],
      good: [{ sql: 'SELECT 1;' }],
    },
  ],
  judgeFact(fact, { settings }) {
    if (fact.kind !== 'session-setting' || fact.setting !== 'search_path') return null
    if (fact.local && !settings.schemaTargets) return null
    if (settings.schemaTargets) {
      return { message: 'search_path is set: what follows is no longer in the schema of the tenant', severity: 'error' }
    }
    return { message: 'search_path is set, and not taken back' }
  },
}

export const roleChanged: Rule = {
  id: 'role-changed',
  title: 'The role is changed',
  severity: 'warning',
  why: 'What follows belongs to another owner than what other migrations make. tenantry goes back to its own role before it records the migration; other tools record it as the other one.',
  instead: 'Connect as the role that should own the objects, or use ALTER … OWNER TO and GRANT.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'SET ROLE pg_monitor;\nSELECT 1;' }],
      good: [{ sql: "SET LOCAL work_mem = '64MB';\nSELECT 1;" }],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind !== 'session-setting' || !roles.has(fact.setting) || isSetAgain(context, fact.setting)) return null
    return {
      message: `${fact.setting === 'role' ? 'the role' : 'the session’s user'} is changed, and not changed back`,
    }
  },
}

export const sessionStateLeft: Rule = {
  id: 'session-state-left',
  title: 'Something is left behind in the session',
  severity: 'warning',
  why: 'Other tools run the next migration, or the next tenant, on the same connection and meet it there. tenantry keeps settings to their own transaction and resets sessions.',
  instead: 'SET LOCAL instead of SET, ON COMMIT DROP for temporary tables, transaction-level advisory locks.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: "SET work_mem = '64MB';\nSELECT 1;" }],
      good: [{ sql: "SET LOCAL work_mem = '64MB';\nSELECT 1;" }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE orders (id BIGINT PRIMARY KEY);',
      bad: [{ sql: 'SET foreign_key_checks = 0;\nDELETE FROM orders WHERE id = 1;' }],
      good: [{ sql: 'SET foreign_key_checks = 0;\nDELETE FROM orders WHERE id = 1;\nSET foreign_key_checks = 1;' }],
    },
  ],
  judgeFact(fact, context) {
    if (fact.kind === 'session-rest') return { message: `${fact.what} is left behind in the session` }
    if (fact.kind !== 'session-setting' || fact.local || isSetAgain(context, fact.setting)) return null
    if (fact.setting === 'search_path' || roles.has(fact.setting)) return null
    return { message: `${fact.setting} is set for the session, and not set back` }
  },
}
