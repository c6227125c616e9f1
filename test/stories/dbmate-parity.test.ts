/** dbmate and tenantry on the same databases: whoever migrates, both agree on what is there, and it is the same. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions, FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const home = process.env.TENANTRY_TEST_DBMATE ?? join(process.cwd(), 'test/dbmate')
const program = join(home, 'node_modules/@dbmate/linux-x64/bin/dbmate')
const isThere = existsSync(program)

/** What the dialects do not share. */
const words: Record<
  PlaceKind,
  { concurrently: string; onTable: string; grant: string; trigger: string; drop: string }
> = {
  postgres: {
    concurrently: 'CONCURRENTLY',
    onTable: '',
    grant: 'GRANT SELECT ON schema_migrations TO PUBLIC;',
    trigger: `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.name := trim(NEW.name); -- migrate; nothing
  RETURN NEW;
END $$;
CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION tidy();`,
    drop: 'DROP TRIGGER tidied ON customers; DROP FUNCTION tidy();',
  },
  get schema() {
    return this.postgres
  },
  mariadb: {
    concurrently: '',
    onTable: 'ON customers',
    grant: '',
    trigger: `CREATE TRIGGER tidied BEFORE INSERT ON customers FOR EACH ROW BEGIN
  SET NEW.name = TRIM(NEW.name);
END;`,
    drop: 'DROP TRIGGER tidied;',
  },
  sqlite: {
    concurrently: '',
    onTable: '',
    grant: '',
    trigger: `CREATE TRIGGER tidied AFTER INSERT ON customers BEGIN
  UPDATE customers SET name = trim(name) WHERE id = NEW.id;
END;`,
    drop: 'DROP TRIGGER tidied;',
  },
}

const versions = ['20240101000000', '20240102000000', '20240103000000', '20240104000000']

function filesOf(kind: PlaceKind): Record<string, string> {
  const { concurrently, onTable, grant, trigger, drop } = words[kind]
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
${grant}

-- migrate:down
ALTER TABLE schema_migrations DROP COLUMN note;
DROP TABLE seen;
`,
    '20240104000000_trigger.sql': `-- migrate:up
${trigger}
INSERT INTO customers VALUES (3, '  Grace ')

-- migrate:down
${drop}
DELETE FROM customers WHERE id = 3;
`,
  }
}

let project: Project
let pair: NativePair
beforeEach(() => {
  project = makeProject()
})
afterEach(async () => {
  project.remove()
  await pair?.drop()
})

async function begin(kind: PlaceKind): Promise<void> {
  pair = await makePair(kind)
  const files = filesOf(kind)
  project.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`db/migrations/${name}`, text])))
  project.configure({ migrations: { dir: './db/migrations' }, ...pair.config })
}

function urlOf({ kind, url, schema }: NativePlace): string {
  if (kind === 'sqlite') return `sqlite:${url}`
  const parsed = new URL(url)
  if (kind === 'mariadb') return parsed.href.replace(/^mariadb:/, 'mysql:')
  parsed.searchParams.set('sslmode', 'disable')
  if (schema !== null) parsed.searchParams.set('search_path', schema)
  return parsed.href
}

/** Runs dbmate; `first`: over the first files only, as it was when there were no more. */
function native(place: NativePlace, command: string, first = versions.length): string {
  const dir = join(project.dir, 'native')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir)
  const names = readdirSync(join(project.dir, 'db/migrations')).sort().slice(0, first)
  const files = filesOf(place.kind)
  project.write(Object.fromEntries(names.map((name) => [`native/${name}`, files[name] as string])))
  const env = { PATH: process.env.PATH, DATABASE_URL: urlOf(place) }
  const args = ['--no-dump-schema', '-d', dir, command]
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' })
  expect(`${status} ${stderr}`).toBe('0 ')
  return stdout
}

const up = async (to?: string) =>
  mustSucceed(await project.use((tenantry) => tenantry.up(to === undefined ? {} : { to })))
const down = async (options: DownOptions = {}) =>
  mustSucceed(await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options })))
function mustSucceed(report: FleetReport): FleetReport {
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  return report
}

async function inspect(place: NativePlace) {
  const catalog = await place.catalog()
  const has = Object.values(catalog).some((texts) => texts.some((text) => /customers/.test(text)))
  return {
    catalog,
    status: native(place, 'status'),
    versions: (await place.query('SELECT version FROM schema_migrations ORDER BY version')).map((row) => row.version),
    customers: has ? await place.query('SELECT id, name FROM customers ORDER BY id') : null,
  }
}

async function expectTwins() {
  const [found, expected] = [await inspect(pair.ours), await inspect(pair.twin)]
  expect(found).toEqual(expected)
  return found
}

function describeParity(kind: PlaceKind): void {
  describe.skipIf(!isThere)(`dbmate, ${kind}`, () => {
    beforeEach(() => begin(kind))

    test('dbmate begins, tenantry goes on', async () => {
      native(pair.ours, 'up', 2)
      const report = await up()
      expect(resultOf(report, 'ours').applied).toHaveLength(2)
      native(pair.twin, 'up')
      const found = await expectTwins()
      expect(found.status).toContain('Pending: 0')
      expect(found.versions).toEqual(versions)
      expect(found.customers).toHaveLength(3)
      expect((await pair.ours.query('SELECT versions FROM seen')).map((row) => Number(row.versions))).toEqual([2])
      // And neither has anything left to do.
      expect(native(pair.ours, 'up')).toBe('')
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('tenantry begins, dbmate goes on', async () => {
      await up('20240102000000_index')
      native(pair.twin, 'up', 2)
      await expectTwins()
      native(pair.ours, 'up')
      native(pair.twin, 'up')
      await expectTwins()
      expect(resultOf(await up(), 'ours').result).toBe('up-to-date')
    })

    test('each undoes what the other did', async () => {
      await up()
      native(pair.twin, 'up')
      for (const [index] of versions.entries()) {
        if (index % 2 === 0) native(pair.ours, 'rollback')
        else await down()
        native(pair.twin, 'rollback')
        await expectTwins()
      }
      expect((await inspect(pair.ours)).versions).toEqual([])
      native(pair.ours, 'up', 3)
      await up()
      native(pair.twin, 'up')
      await expectTwins()
    })
  })
}

describeParity('postgres')
describeParity('schema')
describeParity('sqlite')
withMariadb('MariaDB', () => describeParity('mariadb'))

test.skipIf(isThere || process.env.CI === undefined)('dbmate is installed', () => {
  throw new Error(`There is no dbmate at ${program}: npm ci in test/dbmate.`)
})
