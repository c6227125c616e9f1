import { type Rule, show } from '../rule.ts'

/** Words that say nothing about a change, with or without numbers. */
const empty =
  /^(?:(?:migrations?|mig|updates?|changes?|fix(?:es)?|new|tests?|te?mp|untitled|misc|stuff|wip|todo|patch|alter|modify|script|sql|db|database|schema|tables?|foo|bar|baz|asdf|final|latest|v)[-_ ]*\d*[-_ ]*)+$/i

export const unclearName: Rule = {
  id: 'unclear-name',
  title: 'A name that does not say what changes',
  severity: 'info',
  why: 'Histories, plans and failures name migrations; `migration1` tells nobody what it was.',
  instead:
    'Name what it does: `0042_add_order_currency`. Rename it before it is applied anywhere (later, `baseline --rename` follows it).',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;', name: '002_migration1' }],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;', name: '002_add_order_note' }],
    },
  ],
  judgeFile({ migration }) {
    const name = migration.replace(/^(?:V|U|R)?\d[\d._-]*(?:__)?/i, '')
    if (!/[a-z]/i.test(migration)) return [{ message: `${migration} is only a number` }]
    return name === '' || empty.test(name) ? [{ message: `${migration} does not say what it changes` }] : []
  },
}

export const missingIfNotExists: Rule = {
  id: 'missing-if-not-exists',
  title: 'IF NOT EXISTS is left out',
  severity: 'info',
  why: 'A tenant that has the object already (made by hand, or by half a run of another tool) fails there. tenantry itself knows what is applied; the words help where others run the file.',
  instead: 'Add IF NOT EXISTS, knowing that it also passes over an object of that name that is another one.',
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;' }],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text;' }],
    },
    {
      dialect: 'mysql',
      setup: 'CREATE TABLE orders (id BIGINT PRIMARY KEY);',
      bad: [{ sql: 'CREATE TABLE notes (id BIGINT PRIMARY KEY);' }],
      good: [{ sql: 'CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY);' }],
    },
  ],
  judgeFact(fact) {
    switch (fact.kind) {
      case 'create-table':
        if (fact.guard !== 'missing' || fact.temporary) return null
        return { message: `table ${show(fact.table)} is created without IF NOT EXISTS`, cost: null }
      case 'create-index':
        if (fact.guard !== 'missing') return null
        return { message: `index ${fact.index ?? ''} is created without IF NOT EXISTS`, cost: null, rewrite: null }
      case 'add-column':
        if (fact.guard !== 'missing') return null
        return {
          message: `column ${show(fact.table)}.${fact.column.name} is added without IF NOT EXISTS`,
          cost: null,
          rewrite: null,
        }
      default:
        return null
    }
  },
}
