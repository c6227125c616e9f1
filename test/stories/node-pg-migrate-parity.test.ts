/** node-pg-migrate's own runner and tenantry on the same databases. */

import { runner } from 'node-pg-migrate'
import { expect } from 'vitest'
import { describeNativeParity, type NativeTool, statements } from './native-parity.ts'
import type { NativePlace } from './native-places.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** What it did, or with `dryRun` would do: names in their order. */
async function run(place: NativePlace, dir: string, direction: 'up' | 'down', dryRun = false): Promise<string> {
  const done = await runner({
    databaseUrl: place.url,
    dir,
    direction,
    dryRun,
    migrationsTable: 'pgmigrations',
    ...(place.schema === null ? {} : { schema: place.schema, migrationsSchema: place.schema }),
    ...(direction === 'up' ? { count: Number.POSITIVE_INFINITY } : {}),
    singleTransaction: true,
    checkOrder: true,
    logger: silent,
  })
  return done.map(({ name }) => name).join('\n')
}

const nodePgMigrate: NativeTool = {
  name: 'node-pg-migrate',
  missing: null,
  history: { table: 'pgmigrations', key: 'name' },
  async up(place, dir) {
    await run(place, dir, 'up')
  },
  async down(place, dir) {
    expect(await run(place, dir, 'down')).not.toBe('')
  },
  // Its order is checked with it.
  status: (place, dir) => run(place, dir, 'up', true),
  files(kind) {
    const { grant } = statements[kind]
    return {
      '1700000000000_customers.sql': `-- Customers come first.
-- Up Migration
CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);
INSERT INTO customers VALUES (1, 'Ada'), (2, '-- down');

-- Down Migration
DROP TABLE customers;
`,
      // 17 digits; no \`down\`: it is inferred.
      '20240102000000000_index.js': `exports.shorthands = { label: { type: 'varchar(20)', notNull: true } }
exports.up = (pgm) => {
  pgm.noTransaction()
  pgm.createIndex('customers', 'name', { name: 'customers_name', concurrently: true })
}
`,
      // It asks the database, and works on the tool's own table.
      '1704290000000_own_history.js': `export const up = async (pgm) => {
  const [{ n }] = await pgm.db.select('SELECT count(*)::int AS n FROM pgmigrations')
  pgm.createTable('seen', { versions: { type: 'int', notNull: true } })
  pgm.sql('INSERT INTO seen VALUES ({n})', { n })
  pgm.addColumn('pgmigrations', { note: 'varchar(20)' })
  pgm.sql('${grant('pgmigrations')}')
}
export const down = (pgm) => {
  pgm.dropColumn('pgmigrations', 'note')
  pgm.dropTable('seen')
}
`,
      // A short name of another file; a callback at the end.
      '1704300000000_trigger.ts': `import type { MigrationBuilder } from 'node-pg-migrate'
export function up(pgm: MigrationBuilder, run: () => void): void {
  pgm.addColumns('customers', { tier: { type: 'label', default: 'none' } })
  pgm.createFunction('tidy', [], { returns: 'trigger', language: 'plpgsql' }, \`
BEGIN
  NEW.name := trim(NEW.name); -- nothing; really
  RETURN NEW;
END \`)
  pgm.createTrigger('customers', 'tidied', { when: 'BEFORE', operation: 'INSERT', level: 'ROW', function: 'tidy' })
  pgm.sql("INSERT INTO customers VALUES (3, '  Grace ') -- she")
  pgm.sql('CREATE VIEW names AS SELECT name FROM customers')
  setImmediate(run)
}
export async function down(pgm: MigrationBuilder): Promise<void> {
  pgm.dropView('names')
  pgm.dropTrigger('customers', 'tidied')
  pgm.dropFunction('tidy', [])
  pgm.dropColumns('customers', ['tier'])
  pgm.sql('DELETE FROM customers WHERE id = 3')
}
`,
    }
  },
}

describeNativeParity(nodePgMigrate, 'postgres')
describeNativeParity(nodePgMigrate, 'schema')
