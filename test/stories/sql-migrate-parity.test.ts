/** sql-migrate and tenantry on the same databases. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { findProgram, needs } from '../servers/need.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { describeNativeParity, type NativeTool, statements } from './native-parity.ts'
import type { NativePlace } from './native-places.ts'

/** `dialect` and `datasource` as sql-migrate wants them. */
function configOf({ kind, url, schema }: NativePlace): { dialect: string; datasource: string } {
  if (kind === 'sqlite') return { dialect: 'sqlite3', datasource: url }
  const { hostname, port, username, password, pathname } = new URL(url)
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)]
  const database = pathname.slice(1)
  if (kind === 'mariadb') {
    return { dialect: 'mysql', datasource: `${user}:${secret}@tcp(${hostname}:${port})/${database}?parseTime=true` }
  }
  const path = schema === null ? '' : ` search_path=${schema}`
  const datasource = `host=${hostname} port=${port} user=${user} password='${secret}' dbname=${database} sslmode=disable${path}`
  return { dialect: 'postgres', datasource }
}

function run(place: NativePlace, dir: string, ...args: string[]): string {
  const config = join(dir, '..', 'dbconfig.json')
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ development: { ...configOf(place), dir } }))
  const [command = '', ...more] = args
  const result = spawnSync(findProgram('sql-migrate') ?? '', [command, `-config=${config}`, ...more], {
    encoding: 'utf8',
  })
  expect(`${result.status} ${result.stderr}`).toBe('0 ')
  return result.stdout
}

const sqlMigrate: NativeTool = {
  name: 'sql-migrate',
  missing: null,
  history: { table: 'gorp_migrations', key: 'id' },
  up: (place, dir) => run(place, dir, 'up'),
  down: (place, dir) => run(place, dir, 'down'),
  // When something was applied differs, of course.
  status: (place, dir) =>
    run(place, dir, 'status')
      .replaceAll(/\d{4}-\d\d-\d\d [^|]*/g, 'then ')
      .replaceAll(/[\s+-]+/g, ' '),
  files(kind) {
    const { concurrently, onTable, grant, trigger, dropTrigger } = statements[kind]
    return {
      '2_customers.sql': `Customers come first.
-- +migrate Up
CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);
INSERT INTO customers VALUES (1, 'Ada'), (2, 'a;b');

-- +migrate Down
DROP TABLE customers;
`,
      '010-index.sql': `-- +migrate Down notransaction
DROP INDEX ${concurrently} customers_name ${onTable};
-- +migrate Up notransaction
CREATE INDEX ${concurrently} customers_name ON customers (name);
`,
      // The tool cannot read a table with a column more.
      '20_own_history.sql': `-- +migrate Up
CREATE TABLE seen (versions int NOT NULL);
INSERT INTO seen SELECT count(*) FROM gorp_migrations;
CREATE INDEX by_time ON gorp_migrations (applied_at);
${grant('gorp_migrations')}

-- +migrate Down
DROP INDEX by_time ${onTable.replace('customers', 'gorp_migrations')};
DROP TABLE seen;
`,
      'trigger.sql': `-- +migrate Up
-- +migrate StatementBegin
${trigger
  .replace(/CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW EXECUTE[^;]*;/, '')
  .trim()
  .replace(/;$/, '')}
-- +migrate StatementEnd
${kind === 'postgres' || kind === 'schema' ? 'CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION tidy();' : ''}
INSERT INTO customers
  VALUES (3, '  Grace ');

-- +migrate Down
${dropTrigger}
DELETE FROM customers WHERE id = 3;
`,
    }
  },
}

needs('sql-migrate')('by turns', () => {
  describeNativeParity(sqlMigrate, 'postgres')
  describeNativeParity(sqlMigrate, 'schema')
  describeNativeParity(sqlMigrate, 'sqlite')
  withMariadb('MariaDB', () => describeNativeParity(sqlMigrate, 'mariadb'))
})
