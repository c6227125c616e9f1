import type { Rule } from '../rule.ts'

export const syntaxError: Rule = {
  id: 'syntax-error',
  title: 'SQL that does not parse',
  severity: 'error',
  why: 'No other rule has seen the file, and it fails in the first tenant (unless its servers are newer than the grammar here).',
  instead: 'Fix the place that is marked.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUM note text;' }],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;' }],
    },
  ],
  judgeFile({ facts, problems }, { settings }) {
    const { syntaxError: error } = facts
    if (error === null) return []
    const [problem] = problems
    const { line, column } = error
    const said = `${error.message} (${settings.grammar})`
    return [
      {
        message: problem === undefined ? said : `${problem.message}: ${said}`,
        rewrite: problem?.hint ?? null,
        at: { line, column },
        statement: null,
      },
    ]
  },
}

export const newerSyntax: Rule = {
  id: 'newer-syntax',
  title: 'Syntax that older servers do not know',
  severity: 'error',
  why: 'The statement parses here and fails on the servers of the fleet that are older.',
  instead:
    'Write it in words that all servers know, or set `lint.pgVersion` to the oldest server’s version when they are all new enough.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE customers (id bigint PRIMARY KEY, email text);',
      bad: [{ sql: 'CREATE UNIQUE INDEX CONCURRENTLY customers_email_idx ON customers (email) NULLS NOT DISTINCT;' }],
      good: [{ sql: 'CREATE UNIQUE INDEX CONCURRENTLY customers_email_idx ON customers (email);' }],
      settings: { pgVersion: 14 },
    },
  ],
  judgeFact(fact, { settings }) {
    if (fact.kind !== 'newer-syntax') return null
    const needs = `${fact.syntax} needs PostgreSQL ${fact.since}`
    if (settings.pgVersion === null) {
      return {
        message: `${needs}; which versions the servers have is not known (\`lint.pgVersion\`)`,
        severity: 'info',
      }
    }
    return settings.pgVersion < fact.since
      ? { message: `${needs}, and the oldest server has ${settings.pgVersion}` }
      : null
  },
}

export const cannotRun: Rule = {
  id: 'cannot-run',
  title: 'Something that cannot run as a migration here',
  severity: 'error',
  why: 'Every target that needs the migration fails before it is touched.',
  instead: 'The finding says what to write instead.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'COPY orders FROM STDIN;' }],
      good: [{ sql: 'INSERT INTO orders (id) VALUES (1);' }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE orders (id BIGINT PRIMARY KEY);',
      bad: [{ sql: 'USE other_tenant;\nDELETE FROM orders WHERE id = 1;' }],
      good: [{ sql: 'DELETE FROM orders WHERE id = 1;' }],
    },
  ],
  judgeFile({ facts, problems }) {
    // Said with the syntax error, of which they are the reason.
    if (facts.syntaxError !== null) return []
    // Another file that does not parse is told there.
    const own = problems.filter(({ rule }) => rule !== 'own-objects-unknown')
    return own.map(({ message, hint, line, column }) => ({
      message,
      rewrite: hint ?? null,
      statement: facts.statements.findLast((one) => one.line <= (line ?? 0))?.index ?? null,
      ...(line !== undefined && { at: { line, column: column ?? 1 } }),
    }))
  },
}
