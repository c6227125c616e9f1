import type { Rule } from '../rule.ts'

export const publicNameMoves: Rule = {
  id: 'public-name-moves',
  title: 'A name with `public.` that means the tenant’s own object',
  severity: 'info',
  why: 'Where tenants live in schemas, tenantry moves such a name to the schema of the tenant. Other tools, and people who run the file by hand, change `public`.',
  instead: 'Write the name without a schema.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE orders (id bigint PRIMARY KEY);',
      bad: [{ sql: 'ALTER TABLE public.orders ADD COLUMN note text;' }],
      good: [{ sql: 'ALTER TABLE orders ADD COLUMN note text;' }],
      settings: { schemaTargets: true },
    },
  ],
  judgeFact(fact, { settings }) {
    if (fact.kind !== 'default-schema-name' || !fact.moves || !settings.schemaTargets) return null
    return { message: `${fact.name} is moved to the schema of each tenant` }
  },
}

export const publicNameStays: Rule = {
  id: 'public-name-stays',
  title: 'A name with `public.` that is shared by all tenants',
  severity: 'warning',
  why: 'No migration of this set makes the object, so every tenant reads and writes the same one. For extensions that is right; for a table it mixes tenants.',
  instead:
    'Write the name without a schema if it is the tenant’s own. If it is shared on purpose, say so with `-- tenantry:ignore public-name-stays because …`.',
  both: true,
  examples: [
    {
      dialect: 'postgres',
      setup: 'CREATE TABLE public.countries (code text PRIMARY KEY);',
      outside: 'CREATE TABLE public.nations (code text PRIMARY KEY);',
      bad: [{ sql: 'CREATE VIEW big_countries AS SELECT code FROM public.nations;' }],
      good: [{ sql: 'CREATE VIEW big_countries AS SELECT code FROM countries;' }],
      settings: { schemaTargets: true },
    },
  ],
  judgeFact(fact, { settings }) {
    if (fact.kind !== 'default-schema-name' || fact.moves || !settings.schemaTargets) return null
    const message = `${fact.name} stays in public, the same for every tenant`
    // As functions and types of extensions should.
    return fact.isTable ? { message } : { message, severity: 'info' }
  },
}
