import type { StatementFact } from '../../../model/statement-facts.ts'
import { keyOf, type LintedFile, type Rule, show } from '../rule.ts'

const schemaKinds: ReadonlySet<StatementFact['kind']> = new Set([
  'create-table',
  'drop-table',
  'drop-column',
  'rename-table',
  'rename-column',
  'add-column',
  'set-not-null',
  'change-type',
  'rewrite-table',
  'create-index',
  'drop-index',
  'add-constraint',
])

function tablesMade({ facts }: LintedFile): Set<string> {
  const made = facts.statements.flatMap(({ facts: own }) =>
    own.flatMap((fact) => (fact.kind === 'create-table' ? [keyOf(fact.table)] : [])),
  )
  return new Set(made)
}

export const dataInSchemaChange: Rule = {
  id: 'data-in-schema-change',
  title: 'Rows are changed in a migration that changes the schema',
  severity: 'warning',
  why: 'The locks of the schema change are kept while the rows are changed, and a failure among the rows takes the schema change back with it (or, where schema changes commit by themselves, leaves half).',
  instead: 'A migration for the schema, and one for the rows: in batches where they are many.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint);',
      bad: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN cents bigint;\nUPDATE orders SET cents = amount * 100 WHERE amount > 0;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'scan' },
        },
      ],
      good: [
        {
          sql: 'ALTER TABLE orders ADD COLUMN cents bigint;',
          lock: { table: 'orders', mode: 'ACCESS EXCLUSIVE', work: 'moment' },
        },
        {
          sql: 'UPDATE orders SET cents = amount * 100 WHERE amount > 0;',
          lock: { table: 'orders', mode: 'ROW EXCLUSIVE', work: 'scan' },
        },
      ],
    },
  ],
  judgeFile(file) {
    const made = tablesMade(file)
    const all = file.facts.statements.flatMap((statement) => statement.facts.map((fact) => ({ statement, fact })))
    if (!all.some(({ fact }) => schemaKinds.has(fact.kind))) return []
    const first = all.find(({ fact }) => fact.kind === 'change-data' && !made.has(keyOf(fact.table)))
    if (first === undefined || first.fact.kind !== 'change-data') return []
    const { statement, fact } = first
    const { line, column } = statement
    const message = `${fact.verb} of rows in ${show(fact.table)} beside changes of the schema`
    return [{ message, statement: statement.index, at: { line, column } }]
  },
}

export const unbatchedChange: Rule = {
  id: 'unbatched-change',
  title: 'All rows of a table are changed by one statement',
  severity: 'warning',
  why: 'Every changed row stays locked until the commit, and all of the old versions stay on the disk until then.',
  instead: 'Change them in batches, each in a transaction of its own.',
  work: 'rewrite',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, state text);',
      bad: [{ sql: "UPDATE orders SET state = 'new';" }],
      good: [{ sql: "UPDATE orders SET state = 'new' WHERE id BETWEEN 1 AND 1000;" }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE orders (id BIGINT PRIMARY KEY, state VARCHAR(20));',
      bad: [{ sql: "UPDATE orders SET state = 'new';" }],
      good: [{ sql: "UPDATE orders SET state = 'new' WHERE id BETWEEN 1 AND 1000;" }],
    },
  ],
  judgeFact(fact, { created }) {
    if (fact.kind !== 'change-data' || fact.limited || created.has(keyOf(fact.table))) return null
    return {
      message: `${fact.verb} goes over all rows${fact.verb === 'INSERT' ? ' of a query' : ` of ${show(fact.table)}`}`,
    }
  },
}
