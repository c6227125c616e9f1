/**
 * Histories of Flyway: tables as `getRawCreateScript` of its databases makes them, rows and checksums as Flyway 6.5.7, built
 * from its published source (flyway/flyway, tag flyway-6.5.7), wrote them for these very files on PostgreSQL, MariaDB and
 * SQLite. `TENANTRY_TEST_FLYWAY` names a command that takes the arguments of Flyway's own command line: with it the tool
 * itself and tenantry work by turns.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockOfTable } from '../../src/formats/flyway/shape.ts'
import type { FleetReport } from '../../src/model/report.ts'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { statements } from './native-parity.ts'
import { makePair, type NativePair, type NativePlace, type PlaceKind } from './native-places.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const command = process.env.TENANTRY_TEST_FLYWAY

const postgresTable = `CREATE TABLE "flyway_schema_history" (
    "installed_rank" INT NOT NULL,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INTEGER,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
    "execution_time" INTEGER NOT NULL,
    "success" BOOLEAN NOT NULL
);
ALTER TABLE "flyway_schema_history" ADD CONSTRAINT "flyway_schema_history_pk" PRIMARY KEY ("installed_rank");
CREATE INDEX "flyway_schema_history_s_idx" ON "flyway_schema_history" ("success");`

const tables: Record<PlaceKind, string> = {
  postgres: postgresTable,
  schema: postgresTable,
  mariadb: `CREATE TABLE \`flyway_schema_history\` (
    \`installed_rank\` INT NOT NULL,
    \`version\` VARCHAR(50),
    \`description\` VARCHAR(200) NOT NULL,
    \`type\` VARCHAR(20) NOT NULL,
    \`script\` VARCHAR(1000) NOT NULL,
    \`checksum\` INT,
    \`installed_by\` VARCHAR(100) NOT NULL,
    \`installed_on\` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    \`execution_time\` INT NOT NULL,
    \`success\` BOOL NOT NULL,
    CONSTRAINT \`flyway_schema_history_pk\` PRIMARY KEY (\`installed_rank\`)
) ENGINE=InnoDB;
CREATE INDEX \`flyway_schema_history_s_idx\` ON \`flyway_schema_history\` (\`success\`);`,
  sqlite: `CREATE TABLE "flyway_schema_history" (
    "installed_rank" INT NOT NULL PRIMARY KEY,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INT,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),
    "execution_time" INT NOT NULL,
    "success" BOOLEAN NOT NULL
);
CREATE INDEX "flyway_schema_history_s_idx" ON "flyway_schema_history" ("success");`,
}

const first = 'CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL);\n'
const second = "\uFEFFINSERT INTO customers VALUES (1, 'Ada');\r\nINSERT INTO customers VALUES (2, 'Grace');\r\n"
// biome-ignore lint/suspicious/noTemplateCurlyInString: Flyway's own sign.
const view = "CREATE VIEW people AS SELECT id, '${greeting}' AS greeting FROM customers;\n"
const ids = ['V1__customers', 'V1_1__two_rows', 'V2__own_history', 'V20240104000000__trigger', 'R__a_view']

function filesOf(kind: PlaceKind): Record<string, string> {
  const { grant, trigger, dropTrigger } = statements[kind]
  const delimited = kind === 'mariadb' ? `DELIMITER //\n${trigger.replace(/;$/, '')} //\nDELIMITER ;\n` : `${trigger}\n`
  return {
    'db/migration/V1__customers.sql': first,
    'db/migration/U1__customers.sql': 'DROP VIEW IF EXISTS people;\nDROP TABLE customers;\n',
    'db/migration/later/V1_1__two_rows.sql': second,
    'db/migration/later/U1.1__two_rows.sql': 'DELETE FROM customers WHERE id < 3;\n',
    'db/migration/V2__own_history.sql': `CREATE TABLE seen (versions int NOT NULL);
INSERT INTO seen SELECT count(*) FROM flyway_schema_history WHERE success;
${grant('flyway_schema_history')}
`,
    'db/migration/U2__own_history.sql': 'DROP TABLE seen;\n',
    'db/migration/V20240104000000__trigger.sql': delimited,
    'db/migration/U20240104000000__trigger.sql': `${dropTrigger}\n`,
    'db/migration/R__a_view.sql': `DROP VIEW IF EXISTS people;\n${view}`,
    'flyway.conf': 'flyway.url=jdbc:none\nflyway.placeholders.greeting=hello\n',
  }
}

/** Type and checksum by version or description, as Flyway itself worked them out. */
const written = [
  '1|1|customers|SQL|V1__customers.sql|-1761657159',
  '2|1.1|two rows|SQL|later/V1_1__two_rows.sql|-726910053',
]

function describeHistory(kind: PlaceKind): void {
  describe(`flyway, ${kind}`, () => {
    let project: Project
    let pair: NativePair
    beforeEach(async () => {
      project = makeProject()
      pair = await makePair(kind)
      project.write(filesOf(kind))
      project.configure({ migrations: { dir: './db/migration' }, ...pair.config })
    })
    afterEach(async () => {
      project.remove()
      await pair.drop()
    })
    const quote = (name: string) => (kind === 'mariadb' ? `\`${name}\`` : `"${name}"`)
    const rows = async (place: NativePlace = pair.ours) =>
      (
        await place.query(
          `SELECT installed_rank, version, description, type, script, checksum, success FROM flyway_schema_history ORDER BY installed_rank`,
        )
      ).map((row) =>
        [row.installed_rank, row.version, row.description, row.type, row.script, row.checksum]
          .map((value) => String(value))
          .concat([true, 1].includes(row.success as number) ? [] : ['failed'])
          .join('|'),
      )
    const kinds = async () => (await rows()).map((row) => row.split('|').slice(1, 4).join(' '))
    const insert = async (...values: (readonly [string | null, string, string, string, number | null, boolean])[]) => {
      let rank = Number((await rows()).at(-1)?.split('|')[0] ?? 0)
      for (const [version, description, type, script, checksum, success] of values) {
        rank++
        await pair.ours.query(
          `INSERT INTO flyway_schema_history (${['installed_rank', 'version', 'description', 'type', 'script', 'checksum', 'installed_by', 'execution_time', 'success'].map(quote).join(', ')})
           VALUES (${rank}, ${version === null ? 'NULL' : `'${version}'`}, '${description}', '${type}', '${script}', ${checksum}, 'me', 4, ${success})`,
        )
      }
    }
    const mustSucceed = (report: FleetReport) => {
      expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
      return resultOf(report, 'ours')
    }
    const up = async () => mustSucceed(await project.up())
    const status = async () => resultOf(await project.use((tenantry) => tenantry.status()), 'ours')
    const downReport = (options: object) =>
      project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true, ...options }))
    const down = async (options: object) => mustSucceed(await downReport(options))

    test('begins a history as Flyway does, undoes with rows of its own, repeats what has changed', async () => {
      expect((await up()).applied).toEqual(ids)
      const begun = await rows()
      expect(begun.slice(0, 2)).toEqual(written)
      expect(await kinds()).toEqual([
        '1 customers SQL',
        '1.1 two rows SQL',
        '2 own history SQL',
        '20240104000000 trigger SQL',
        'null a view SQL',
      ])
      expect((await pair.ours.query('SELECT greeting FROM people WHERE id = 1')).map((row) => row.greeting)).toEqual([
        'hello',
      ])
      expect((await pair.ours.query('SELECT versions FROM seen')).map((row) => Number(row.versions))).toEqual([2])
      for (const sql of tables[kind].split(/;\n/)) await pair.twin.query(sql)
      const history = async (place: NativePlace) =>
        Object.entries(await place.catalog()).map(([name, texts]) => [
          name,
          texts.filter((text) => text.includes('flyway') && !/grant|PUBLIC/i.test(text)),
        ])
      if (kind === 'sqlite') {
        const columns = (place: NativePlace) =>
          place.query('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(\'flyway_schema_history\')')
        expect(await columns(pair.ours)).toEqual(await columns(pair.twin))
      } else expect(await history(pair.ours)).toEqual(await history(pair.twin))
      expect((await up()).result).toBe('up-to-date')

      expect((await down({ steps: 2 })).undone).toEqual(['V20240104000000__trigger', 'V2__own_history'])
      expect(await kinds()).toEqual(['1 customers SQL', '1.1 two rows SQL', 'null a view SQL'])
      expect(await status()).toMatchObject({ pending: ids.slice(2, 4), changed: [], missing: [], outOfOrder: [] })
      expect((await up()).applied).toEqual(ids.slice(2, 4))
      // Where Flyway itself has undone something, ours are undone as it does: editions that cannot are not used there.
      await insert(
        ['0.1', 'old', 'SQL', 'V0_1__old.sql', 1, true],
        ['0.1', 'old', 'UNDO_SQL', 'U0_1__old.sql', 2, true],
      )
      expect((await down({ steps: 1 })).undone).toEqual(['V20240104000000__trigger'])
      expect((await rows()).at(-1)).toMatch(
        /^\d+\|20240104000000\|trigger\|UNDO_SQL\|U20240104000000__trigger\.sql\|-?\d+$/,
      )
      expect((await status()).pending).toEqual(['V20240104000000__trigger'])
      expect((await up()).applied).toEqual(['V20240104000000__trigger'])

      project.write({
        'db/migration/R__a_view.sql': `DROP VIEW IF EXISTS people;\n${view.replace('id,', 'id, name,')}`,
      })
      expect(await status()).toMatchObject({ pending: ['R__a_view'], changed: [], outOfOrder: [] })
      expect((await up()).applied).toEqual(['R__a_view'])
      expect((await kinds()).at(-1)).toBe('null a view SQL')
      expect((await up()).result).toBe('up-to-date')
      // What a placeholder stands for is part of what is run.
      project.write({ 'flyway.conf': 'flyway.placeholders.greeting = bye\n' })
      expect((await up()).applied).toEqual(['R__a_view'])
      expect((await pair.ours.query('SELECT greeting FROM people WHERE id = 1')).map((row) => row.greeting)).toEqual([
        'bye',
      ])

      const refused = resultOf(await downReport({ migration: 'R__a_view' }), 'ours')
      expect(refused.error).toMatchObject({ code: 'UNDO_MISSING', message: expect.stringContaining('is repeatable') })
      expect((await down({ to: 'V1__customers' })).undone).toEqual([ids[3], ids[2], ids[1]])
      expect(await status()).toMatchObject({ pending: ids.slice(1, 4), missing: [] })
      expect((await kinds()).filter((kind) => kind.endsWith('UNDO_SQL'))).toHaveLength(5)
    })

    test('goes on with a history that Flyway made, and knows its kinds of rows', async () => {
      for (const sql of [...tables[kind].split(/;\n/), first]) await pair.ours.query(sql)
      await insert(
        [null, '<< Flyway Schema Creation >>', 'SCHEMA', '"x"', null, true],
        ['1', 'customers', 'SQL', 'V1__customers.sql', -1761657159, true],
        ['1.1', 'two rows', 'SQL', 'later/V1_1__two_rows.sql', -726910053, true],
        ['1.1', 'two rows', 'UNDO_SQL', 'later/U1.1__two_rows.sql', 5, true],
        ['1.5', 'load', 'JDBC', 'db.migration.V1_5__load', null, true],
        ['2', 'own history', 'SQL', 'V2__own_history.sql', 7, true],
        ['2', 'own history', 'DELETE', 'V2__own_history.sql', 7, true],
        [null, 'a view', 'SQL', 'R__a_view.sql', 99, true],
      )
      const found = await status()
      expect(found).toMatchObject({ pending: ids.slice(1), changed: [], missing: [], unverified: [] })
      expect((await up()).applied).toEqual(ids.slice(1))
      expect((await kinds()).slice(8)).toEqual([
        '1.1 two rows SQL',
        '2 own history SQL',
        '20240104000000 trigger SQL',
        'null a view SQL',
      ])

      project.write({ 'db/migration/V1__customers.sql': `${first}-- and more\n` })
      expect((await status()).changed).toEqual(['V1__customers'])
      // As `flyway repair` corrects it: Flyway's own checksum then counts.
      await pair.ours.query("UPDATE flyway_schema_history SET checksum = -1 WHERE version = '1'")
      expect((await status()).changed).toEqual(['V1__customers'])
      project.write({ 'db/migration/V1__customers.sql': `${first.replace('\n', '\r\n')}` })
      await pair.ours.query("UPDATE flyway_schema_history SET checksum = -1761657159 WHERE version = '1'")
      expect((await status()).changed).toEqual([])
      // Only Flyway could undo what it did in Java.
      const refused = resultOf(await downReport({ steps: 4 }), 'ours')
      expect(refused.error).toMatchObject({ code: 'UNDO_MISSING', message: expect.stringContaining('1.5') })
    })

    test('a baseline, failed rows and migrations in Java', async () => {
      for (const sql of [
        ...tables[kind].split(/;\n/),
        first,
        second.replace('\uFEFF', '').split('\r\n')[0] as string,
      ]) {
        await pair.ours.query(sql)
      }
      await insert(
        ['1.1', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null, true],
        ['2', 'own history', 'SQL', 'V2__own_history.sql', 7, false],
      )
      expect(await status()).toMatchObject({ failed: ['V2__own_history'], pending: ids.slice(3), unverified: [] })
      const stopped = resultOf(await project.up(), 'ours')
      expect(stopped.error).toMatchObject({
        code: 'MIGRATION_HALF_APPLIED',
        message: expect.stringContaining('`Failed` in `flyway info`'),
        hint: expect.stringContaining('--rolled-back V2__own_history'),
      })
      const settle = (options: object) => project.use((tenantry) => tenantry.baseline(options))
      await pair.ours.query('CREATE TABLE seen (versions int NOT NULL)')
      expect(resultOf(await settle({ rolledBack: 'V2__own_history' }), 'ours').error).toMatchObject({
        code: 'BASELINE_UNPROVEN',
      })
      await pair.ours.query('DROP TABLE seen')
      expect(resultOf(await settle({ migration: 'V2__own_history' }), 'ours').error).toMatchObject({
        code: 'BASELINE_UNPROVEN',
      })
      expect(resultOf(await settle({ rolledBack: 'V2__own_history' }), 'ours').undone).toEqual(['V2__own_history'])
      expect((await kinds()).length).toBe(1)

      project.write({ 'db/migration/V3__Load.java': 'class V3__Load {}' })
      const before = resultOf(await project.up(), 'ours')
      expect(before.error).toMatchObject({ message: expect.stringContaining('is a migration in Java') })
      expect(before.applied).toEqual([])
      const part = await project.use((tenantry) => tenantry.up({ to: 'V2__own_history' }))
      expect(mustSucceed(part).applied).toEqual(['V2__own_history'])
      await insert(['3', 'Load', 'JDBC', 'db.migration.V3__Load', null, true])
      expect((await up()).applied).toEqual(ids.slice(3))
      const below = resultOf(await downReport({ migration: 'V1__customers' }), 'ours')
      expect(below.error).toMatchObject({ code: 'UNDO_MISSING', message: expect.stringContaining('baseline row') })
    })

    test('a failure in the middle, and Flyway at work meanwhile', async () => {
      const { concurrently, onTable } = statements[kind]
      project.write({
        'db/migration/V2_1__index.sql': `-- flyway:executeInTransaction=false\nCREATE INDEX ${concurrently} customers_name ON customers (name);\n`,
        'db/migration/U2_1__index.sql': `-- flyway:executeInTransaction=false\nDROP INDEX ${concurrently} customers_name ${onTable};\n`,
        'db/migration/V3__fails.sql': 'CREATE TABLE one (id int);\nINSERT INTO nowhere VALUES (1);\n',
      })
      const failed = resultOf(await project.up(), 'ours')
      expect(failed).toMatchObject({
        applied: [...ids.slice(0, 3), 'V2_1__index'],
        error: { code: 'MIGRATION_FAILED' },
      })
      expect(failed.error?.context).toMatchObject({ file: 'db/migration/V3__fails.sql', line: 2 })
      // Where it could not be taken back, the tool must keep off.
      expect((await rows()).filter((row) => row.endsWith('failed')).map((row) => row.split('|')[1])).toEqual(
        kind === 'mariadb' ? ['3'] : [],
      )
      project.write({ 'db/migration/V3__fails.sql': 'CREATE TABLE one (id int);\nINSERT INTO one VALUES (1);\n' })
      if (kind === 'postgres' || kind === 'schema') {
        const [where] = await pair.ours.query('SELECT current_schema() AS name')
        const { key } = lockOfTable(`"${where?.name}"."flyway_schema_history"`)
        const client = new pg.Client({ connectionString: pair.ours.url })
        await client.connect()
        await client.query(`SELECT pg_advisory_lock(${key})`)
        const locked = resultOf(await project.up(), 'ours')
        expect(locked.error).toMatchObject({ code: 'NATIVE_LOCKED' })
        await client.end()
      }
      expect((await up()).applied).toEqual(['V3__fails', ...ids.slice(3)])
      expect((await rows()).filter((row) => row.endsWith('failed'))).toEqual([])
      expect((await kinds()).filter((row) => row.startsWith('3 '))).toEqual(['3 fails SQL'])
      project.configure({ migrations: { dir: './db/migration' }, scratch: { server: 'main' }, ...pair.config })
      const proved = await project.use((tenantry) => tenantry.prove())
      const verdicts = Object.fromEntries(proved.migrations.map(({ migration, verdict }) => [migration, verdict]))
      expect(verdicts).toMatchObject({ V2_1__index: 'reversible', V2__own_history: 'reversible' })
      expect((await down({ migration: 'V2_1__index' })).undone).toEqual(['V2_1__index'])
      expect((await status()).pending).toEqual(['V2_1__index'])
    })

    describe.skipIf(command === undefined)('the tool itself', () => {
      const flyway = (place: NativePlace, action: string) => {
        const { protocol, host, pathname, username, password } = kind === 'sqlite' ? ({} as URL) : new URL(place.url)
        const url =
          kind === 'sqlite'
            ? `jdbc:sqlite:${place.url}`
            : `jdbc:${protocol === 'mysql:' ? 'mariadb' : 'postgresql'}://${host}${pathname}`
        return execFileSync(
          command as string,
          [
            `-url=${url}`,
            `-user=${decodeURIComponent(username ?? '')}`,
            `-password=${decodeURIComponent(password ?? '')}`,
            `-locations=filesystem:${join(project.dir, 'db/migration')}`,
            ...(place.schema === null ? [] : [`-schemas=${place.schema}`]),
            '-placeholders.greeting=hello',
            '-outOfOrder=true',
            action,
          ],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
        )
      }

      test('and tenantry by turns', async () => {
        flyway(pair.ours, 'migrate')
        flyway(pair.twin, 'migrate')
        expect((await up()).result).toBe('up-to-date')
        expect((await rows()).slice(0, 2)).toEqual(written)
        await down({ steps: 2 })
        expect(flyway(pair.ours, 'info')).toMatch(/null\|20240104000000\|trigger.*PENDING/)
        flyway(pair.ours, 'migrate')
        expect((await up()).result).toBe('up-to-date')
        expect(flyway(pair.ours, 'validate')).toContain('valid')
        expect((await pair.ours.catalog()).tables).toEqual((await pair.twin.catalog()).tables)
      })

      test('tenantry begins, Flyway has nothing left to do', async () => {
        await up()
        flyway(pair.twin, 'migrate')
        expect(await rows()).toEqual(await rows(pair.twin))
        expect(flyway(pair.ours, 'migrate')).toContain('applied 0')
        expect(flyway(pair.ours, 'validate')).toContain('valid')
      })
    })
  })
}

for (const kind of ['postgres', 'schema', 'sqlite'] as const) describeHistory(kind)
withMariadb('MariaDB', () => describeHistory('mariadb'))
