import type { Rule } from '../rule.ts'

export const missingUndo: Rule = {
  id: 'missing-undo',
  title: 'There is no undo, or an empty one',
  severity: 'warning',
  why: '`tenantry down` refuses a migration without an undo, and an empty one would take it out of the history and leave what it made.',
  instead:
    'Write the undo (`tenantry prove` tries it out), or waive the rule with the reason why nothing can be undone.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;', undo: null }],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;', undo: 'ALTER TABLE orders DROP COLUMN note;' }],
    },
  ],
  judgeFile(file) {
    if (file.undo === 'absent') return [{ message: `${file.migration} has no undo` }]
    return file.undo === 'empty' ? [{ message: `the undo of ${file.migration} does nothing` }] : []
  },
}
