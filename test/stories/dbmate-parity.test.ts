/** dbmate and tenantry on the same databases. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { describeNativeParity, type NativeTool, statements } from './native-parity.ts'
import type { NativePlace } from './native-places.ts'

const home = process.env.TENANTRY_TEST_DBMATE ?? join(process.cwd(), 'test/dbmate')
const program = join(home, 'node_modules/@dbmate/linux-x64/bin/dbmate')

function urlOf({ kind, url, schema }: NativePlace): string {
  if (kind === 'sqlite') return `sqlite:${url}`
  const parsed = new URL(url)
  if (kind === 'mariadb') return parsed.href.replace(/^mariadb:/, 'mysql:')
  parsed.searchParams.set('sslmode', 'disable')
  if (schema !== null) parsed.searchParams.set('search_path', schema)
  return parsed.href
}

function run(place: NativePlace, dir: string, command: string): string {
  const env = { PATH: process.env.PATH, DATABASE_URL: urlOf(place) }
  const { status, stdout, stderr } = spawnSync(program, ['--no-dump-schema', '-d', dir, command], {
    env,
    encoding: 'utf8',
  })
  expect(`${status} ${stderr}`).toBe('0 ')
  return stdout
}

const dbmate: NativeTool = {
  name: 'dbmate',
  missing: existsSync(program) ? null : `there is no ${program}: npm ci in test/dbmate`,
  history: { table: 'schema_migrations', key: 'version' },
  up: (place, dir) => run(place, dir, 'up'),
  down: (place, dir) => run(place, dir, 'rollback'),
  status: (place, dir) => run(place, dir, 'status'),
  files(kind) {
    const { concurrently, onTable, grant, trigger, dropTrigger } = statements[kind]
    return {
      '20240101000000_customers.sql': `-- Customers come first.
-- migrate:up
CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);
INSERT INTO customers VALUES (1, 'Ada'), (2, '-- migrate:down');

-- migrate:down
DROP TABLE customers;
`,
      '20240102000000_index.sql': `-- migrate:up transaction:false
CREATE INDEX ${concurrently} customers_name ON customers (name);

-- migrate:down transaction:false
DROP INDEX ${concurrently} customers_name ${onTable};
`,
      // On the tool's own table: what it holds at that moment, a right on it, a column more.
      '20240103000000_own_history.sql': `-- migrate:up
CREATE TABLE seen (versions int NOT NULL);
INSERT INTO seen SELECT count(*) FROM schema_migrations;
ALTER TABLE schema_migrations ADD COLUMN note varchar(20);
${grant('schema_migrations')}

-- migrate:down
ALTER TABLE schema_migrations DROP COLUMN note;
DROP TABLE seen;
`,
      '20240104000000_trigger.sql': `-- migrate:up
${trigger}
INSERT INTO customers VALUES (3, '  Grace ')

-- migrate:down
${dropTrigger}
DELETE FROM customers WHERE id = 3;
`,
    }
  },
}

describeNativeParity(dbmate, 'postgres')
describeNativeParity(dbmate, 'schema')
describeNativeParity(dbmate, 'sqlite')
withMariadb('MariaDB', () => describeNativeParity(dbmate, 'mariadb'))

test.skipIf(dbmate.missing === null || process.env.CI === undefined)('dbmate is installed', () => {
  throw new Error(dbmate.missing ?? '')
})
