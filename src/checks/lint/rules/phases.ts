import type { Rule } from '../rule.ts'

export const contractAlone: Rule = {
  id: 'contract-without-earlier-step',
  title: 'A contract step of a change that has no earlier step',
  severity: 'warning',
  why: '`up` holds a contract step back until every tenant is past the earlier steps of its change. Where there are none (often the name of the change is misspelt), it holds nothing back.',
  instead:
    'Mark the migrations that prepared the change `-- tenantry:phase expand of <change>` and `migrate of <change>`, with the same word; they may lie releases back.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE customers (id bigint PRIMARY KEY, fullname text NOT NULL);',
      bad: [
        {
          sql: '-- tenantry:phase contract of customer-names\nALTER TABLE customers ALTER COLUMN fullname DROP NOT NULL;',
        },
      ],
      good: [
        { sql: '-- tenantry:phase expand of customer-name\nALTER TABLE customers ADD COLUMN name text;' },
        {
          sql: '-- tenantry:phase contract of customer-name\nALTER TABLE customers ALTER COLUMN fullname DROP NOT NULL;',
        },
      ],
    },
  ],
  judgeFile({ phase, migration }, { phases }) {
    if (phase?.kind !== 'contract') return []
    if (phases.some(({ kind, change }) => kind !== 'contract' && change === phase.change)) return []
    return [
      { message: `${migration} is marked contract of ${phase.change}, which has no expand or migrate step before it` },
    ]
  },
}
