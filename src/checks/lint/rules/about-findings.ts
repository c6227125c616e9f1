import type { Rule } from '../rule.ts'

/** Rules that are not about statements: what judges them stands where the facts are (`ignores.ts`, `changed.ts`). */
export const ignoreWithoutReason: Rule = {
  id: 'ignore-without-reason',
  title: 'A rule is waived without a reason',
  severity: 'error',
  why: 'Whoever reads the file next cannot tell whether it is still right. The finding stays until there is a reason.',
  instead: '`-- tenantry:ignore <rule> because <reason>`',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, note text);',
      bad: [{ sql: '-- tenantry:ignore drop-column\nALTER TABLE orders DROP COLUMN note;' }],
      good: [
        {
          sql: '-- tenantry:ignore drop-column because no release has ever read it\nALTER TABLE orders DROP COLUMN note;',
        },
      ],
    },
  ],
}

export const ignoreUnknownRule: Rule = {
  id: 'ignore-unknown-rule',
  title: 'A rule is waived that does not exist',
  severity: 'warning',
  why: 'The name is misspelt, or the rule is gone: the comment waives nothing.',
  instead: 'Use the name that the finding shows.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, note text);',
      bad: [{ sql: '-- tenantry:ignore drop-colum because nobody reads it\nALTER TABLE orders DROP COLUMN note;' }],
      good: [{ sql: '-- tenantry:ignore drop-column because nobody reads it\nALTER TABLE orders DROP COLUMN note;' }],
    },
  ],
}

export const ignoreUnused: Rule = {
  id: 'ignore-unused',
  title: 'A rule is waived where it finds nothing',
  severity: 'warning',
  why: 'The statement has changed, or the comment stands in another place than it should: it might waive something else later.',
  instead: 'Remove the comment, or move it to the line above the statement.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY, note text);',
      bad: [
        { sql: '-- tenantry:ignore drop-column because nobody reads it\nALTER TABLE orders ADD COLUMN memo text;' },
      ],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN memo text;' }],
    },
  ],
}

export const changedAfterApplied: Rule = {
  id: 'changed-after-applied',
  title: 'A migration was edited after it had been applied',
  severity: 'error',
  why: 'Targets that have it keep what it was; targets that get it now get something else. Found only where histories are read, with `--fleet`.',
  instead: 'Put the file back as it was, and write a new migration for the rest.',
  examples: [],
}
