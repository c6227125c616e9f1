import { keyOf, type Rule, show } from '../rule.ts'

export const enumLabelUsedAtOnce: Rule = {
  id: 'enum-label-used-at-once',
  title: 'An enum label is used in the file that adds it',
  severity: 'warning',
  why: 'PostgreSQL refuses a label in the transaction that added it (55P04). tenantry commits in between, so that a failure later in the file leaves the label behind; other tools fail.',
  instead: 'Add the label in a migration of its own, and use it in the next one.',
  examples: [
    {
      dialect: 'postgres',
      setup:
        "CREATE TYPE order_state AS ENUM ('new', 'paid');\nCREATE TABLE orders (id bigint PRIMARY KEY, state order_state);",
      bad: [
        {
          sql: "ALTER TYPE order_state ADD VALUE 'sent';\nALTER TABLE orders ALTER COLUMN state SET DEFAULT 'sent';",
        },
      ],
      good: [
        { sql: "ALTER TYPE order_state ADD VALUE 'sent';" },
        { sql: "ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'sent';" },
      ],
    },
  ],
  judgeFact(fact) {
    if (fact.kind !== 'use-new-enum-label') return null
    return { message: `label '${fact.label}' is used here, and added by statement ${fact.addedAt} of the same file` }
  },
}

const removedWhy =
  'Rows and running releases that hold the label fail. PostgreSQL has no way to take one away at all, and a new type in its place writes every table again.'

export const enumLabelRemoved: Rule = {
  id: 'enum-label-removed',
  title: 'An enum loses a label, or is replaced',
  severity: 'error',
  why: removedWhy,
  instead:
    'Leave the label where it is and let a CHECK … NOT VALID keep new rows from using it, or use a table of allowed values.',
  examples: [
    {
      dialect: 'postgres',
      setup:
        "CREATE TYPE order_state AS ENUM ('new', 'paid', 'lost');\nCREATE TABLE orders (id bigint PRIMARY KEY, state order_state);",
      bad: [{ sql: 'DROP TYPE order_state CASCADE;' }],
      good: [{ sql: "ALTER TABLE orders ADD CONSTRAINT orders_state_check CHECK (state <> 'lost') NOT VALID;" }],
    },
    {
      dialect: 'mysql',
      setup: "CREATE TABLE orders (id BIGINT PRIMARY KEY, state ENUM('new', 'paid', 'lost'));",
      bad: [{ sql: "ALTER TABLE orders MODIFY state ENUM('new', 'paid');" }],
      good: [{ sql: "ALTER TABLE orders MODIFY state ENUM('new', 'paid', 'lost', 'sent'), ALGORITHM=INSTANT;" }],
    },
  ],
  judgeFact(fact, { known, created, file, phases }) {
    const announced =
      file.phase?.kind === 'contract' &&
      phases.some(({ kind, change }) => kind !== 'contract' && change === file.phase?.change)
    if (announced) return null
    switch (fact.kind) {
      case 'edit-enum-catalog':
        return { message: 'pg_enum is written to by hand: rows that hold the label can no longer be read' }
      case 'drop-object': {
        if (fact.object !== 'type' || !known.enums.has(fact.name.name.toLowerCase())) return null
        return { message: `enum ${show(fact.name)} is dropped` }
      }
      case 'set-enum-labels': {
        if (created.has(keyOf(fact.table))) return null
        const before = known.enums.get(`${keyOf(fact.table)}.${fact.column.toLowerCase()}`) ?? []
        const gone = before.filter((label) => !fact.labels.includes(label))
        const column = `${show(fact.table)}.${fact.column}`
        if (gone.length > 0) return { message: `enum ${column} loses ${gone.map((label) => `'${label}'`).join(', ')}` }
        const isReordered = before.some((label, i) => fact.labels[i] !== label)
        return isReordered
          ? { message: `the labels of ${column} change their order: every row is written again`, severity: 'warning' }
          : null
      }
      default:
        return null
    }
  },
}

export const enumLabelRenamed: Rule = {
  id: 'enum-label-renamed',
  title: 'An enum label is renamed',
  severity: 'error',
  why: 'Running releases go on writing the old label, which is refused from then on.',
  instead: 'Add the new label, let releases write it, change the rows in batches, and leave the old one unused.',
  examples: [
    {
      dialect: 'postgres',
      setup: "CREATE TYPE order_state AS ENUM ('new', 'payed');",
      bad: [{ sql: "ALTER TYPE order_state RENAME VALUE 'payed' TO 'paid';" }],
      good: [{ sql: "ALTER TYPE order_state ADD VALUE 'paid';" }],
    },
  ],
  judgeFact(fact) {
    if (fact.kind !== 'rename-enum-label') return null
    return { message: `label '${fact.label}' of ${fact.type} is renamed to '${fact.to}'` }
  },
}
