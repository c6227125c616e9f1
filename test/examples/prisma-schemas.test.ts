/** A schema per user and Prisma's folders: what the guide of this team says, done. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { findProgram } from '../servers/programs.ts'
import { describeGuide } from './example.ts'
import { type Clicarity, guideSql, initial, openClicarity, preferences, requiredTables } from './prisma-schemas.ts'

const john = 'john_12345678'
const alice = 'alice_87654321'
const carol = 'carol_11112222'
const all = [alice, carol, john]

let app: Clicarity
let example: Clicarity['example']
/** What the guide's `add_user_preferences` became. */
let userPreferences = ''

beforeAll(async () => {
  app = await openClicarity('clicarity')
  example = app.example
  await app.addSchema('john', john, 2)
  await app.addSchema('alice', alice, 1)
  await app.addSchema('carol', carol, 1)
  await app.query(
    `INSERT INTO "${john}".team_member (us_id, name) SELECT id, username FROM users WHERE username = 'john'`,
  )
})
afterAll(() => app?.close())

const inEach = async <T>(ask: (schema: string) => Promise<T>) =>
  Object.fromEntries(await Promise.all(all.map(async (schema) => [schema, await ask(schema)] as const)))
const same = <T>(value: T) => Object.fromEntries(all.map((schema) => [schema, value]))
/** What `npm run migration:rollback` runs. */
async function rollback(words: string, code = 0) {
  const ended = await example.run(`node scripts/rollback-migration.js ${words}`)
  expect(`${ended.code}${ended.code === code ? '' : ended.stdout + ended.stderr}`).toBe(String(code))
  return ended
}

describeGuide('prisma-schemas', [
  {
    command: [
      'npm run migration:status',
      'npm run migration:status <schema_name>',
      'npm run migration:status <schema>',
      'npm run migration:status john_12345678',
    ],
    shows: 'applied and pending, required tables and health, of all schemas or of one; nothing is changed',
    async check() {
      const before = await app.snapshot()
      const fleet = await example.ok('npm run migration:status')
      expect(fleet.stdout).toContain('1 up-to-date · 2 pending')
      expect(fleet.stdout).toMatch(new RegExp(`2 targets:.*${alice}.*\\s+1 pending: ${preferences}`))
      expect(fleet.stdout).toContain('1 healthy · ✖ 2 need attention')
      const one = await example.ok(`npm run migration:status ${john}`)
      expect(one.stdout).toMatch(
        new RegExp(
          `Applied: 2\\s+✔ ${initial}\\s+✔ ${preferences}\\s+Pending: 0\\s+Required tables(\\s+✔ \\w+){4}\\s+✔ healthy`,
        ),
      )
      expect(one.stdout).not.toContain(alice)
      expect(await app.snapshot()).toEqual(before)
    },
  },
  {
    command: [
      'npm run migration:deploy <schema_name>',
      'npm run migration:deploy <schema>',
      'npm run migration:deploy alice_87654321',
    ],
    shows: 'what is pending is applied to this schema, and to no other',
    async check() {
      await example.ok(`npm run migration:deploy ${alice}`)
      expect(await inEach(app.history)).toEqual({
        [alice]: [initial, preferences],
        [carol]: [initial],
        [john]: [initial, preferences],
      })
      expect(await app.columns(alice, 'team_member')).toContain('timezone')
      expect(await app.columns(carol, 'team_member')).not.toContain('timezone')
      // Left out by mistake, the name does not mean everybody.
      const nameless = await example.run('npm run migration:deploy')
      expect([nameless.code, await app.history(carol)]).toEqual([2, [initial]])
    },
  },
  {
    command: [
      'npm run migration:create <migration_name>',
      'npm run migration:create <name>',
      'npm run migration:create add_user_preferences',
    ],
    shows: 'a folder with a time stamp, migration.sql and rollback.sql in it; without Prisma it is empty, and says so',
    async check() {
      const { stdout } = await example.ok('npm run migration:create add_user_preferences')
      userPreferences = app.folders().at(-1) ?? ''
      expect(userPreferences).toMatch(/^20\d{12}_add_user_preferences$/)
      expect(stdout).toContain('Prisma is not installed in this project, so migration.sql is empty')
      const [up, undo] = ['migration.sql', 'rollback.sql'].map((file) => `prisma/migrations/${userPreferences}/${file}`)
      expect([example.read(up as string), example.read(undo as string)]).toEqual([
        expect.stringMatching(/^(--.*\n)+\n$/),
        expect.stringMatching(/^(--.*\n)+\n$/),
      ])
      // What Prisma would have written, and the guide's own undo.
      example.write({
        [up as string]: guideSql('CREATE TABLE "public"."user_preferences"'),
        [undo as string]: guideSql('DROP TABLE IF EXISTS "user_preferences"'),
      })
    },
  },
  {
    command: 'npm run migration:deploy-all',
    shows:
      'public becomes the schema of each tenant, all of them get what they lack, and a second run finds nothing to do',
    async check() {
      const { stdout } = await example.ok('npm run migration:deploy-all')
      expect(stdout).toContain('3 applied · 0 failed')
      expect(await inEach(app.history)).toEqual(same([initial, preferences, userPreferences]))
      expect(await app.tables('public')).not.toContain('user_preferences')
      // The guide's own adaptation makes the same table.
      const describeTable = `SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS value
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = '"${john}".user_preferences'::regclass AND a.attnum > 0 ORDER BY a.attnum`
      const made = await app.query(describeTable)
      await app.query(`ALTER TABLE "${john}".user_preferences RENAME TO ours`)
      const theirs = guideSql('CREATE TABLE "john_12345678"."user_preferences"')
      await app.query(theirs.replace('"id" UUID PRIMARY KEY', '"id" UUID'))
      expect(made).toEqual([
        { ...(await app.query(describeTable))[0], attnotnull: true },
        ...(await app.query(describeTable)).slice(1),
      ])
      await app.query(`DROP TABLE "${john}".user_preferences; ALTER TABLE "${john}".ours RENAME TO user_preferences`)
      // The file under its old name does the same.
      expect((await example.ok('node scripts/migrate-tenants.js')).stdout).toContain('3 up-to-date')
    },
  },
  {
    command: 'npm run migration:verify',
    shows: 'says which schemas are healthy, and which need attention',
    async check() {
      const { stdout } = await example.ok('npm run migration:verify')
      expect(stdout).toContain('all 3 targets are healthy')
      await app.query(`INSERT INTO "${carol}".vendor (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'Acme');
        INSERT INTO "${carol}".contact (vendor_id, name) SELECT id, 'Ann' FROM "${carol}".vendor;
        DROP TABLE "${carol}".vendor CASCADE`)
      const found = await example.run('npm run migration:verify')
      expect([found.code, found.stdout]).toEqual([3, expect.stringContaining('1 of 3 targets needs attention')])
      expect(found.stdout).toMatch(new RegExp(`missing-table vendor\\s.*${carol}`))
      expect(found.stdout).not.toContain(john)
      expect((await example.ok(`node scripts/migration-status.js ${carol}`)).stdout).toContain('vendor is missing')
    },
  },
  {
    command: 'npm run migration:backfill',
    shows: 'a required table that is missing is made anew, and nothing else is touched',
    async check() {
      const before = await inEach(app.history)
      // What was left of the vendor's rows would break its key: that is said, and no row is thrown away.
      const refused = await example.run('node scripts/backfill-schemas.js')
      expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('contact_vendor_id_fkey')])
      await app.query(`DELETE FROM "${carol}".contact`)
      await example.ok('npm run migration:backfill')
      expect(await app.tables(carol)).toEqual([...requiredTables, 'user_preferences'].sort())
      const keys = await app.query(`SELECT conname FROM pg_constraint WHERE contype IN ('f', 'p')
        AND (conrelid = '"${carol}".vendor'::regclass OR confrelid = '"${carol}".vendor'::regclass) ORDER BY 1`)
      expect(keys.map(({ conname }) => conname)).toEqual([
        'contact_vendor_id_fkey',
        'reminders_vendor_id_fkey',
        'vendor_pkey',
      ])
      expect(await inEach(app.history)).toEqual(before)
      expect((await app.use((tenantry) => tenantry.verify())).ok).toBe(true)
    },
  },
  {
    command: [
      'npm run migration:rollback 20241220_add_preferences john_12345678',
      'npm run migration:rollback <migration_version> <schema_name>',
      'npm run migration:rollback <version> <schema_name>',
      'npm run migration:rollback <version> <schema>',
    ],
    shows: 'one migration is undone in one schema, by its rollback.sql',
    async check() {
      await example.ok(`npm run migration:rollback ${preferences} ${john}`)
      expect(await inEach(app.history)).toEqual({
        ...same([initial, preferences, userPreferences]),
        [john]: [initial, userPreferences],
      })
      expect(await app.columns(john, 'team_member')).not.toContain('timezone')
      expect(await app.columns(alice, 'team_member')).toContain('timezone')
      expect((await app.use((tenantry) => tenantry.up())).summary).toMatchObject({ applied: 1, upToDate: 2 })
      expect(await app.columns(john, 'team_member')).toContain('timezone')
    },
  },
  {
    command: [
      'npm run migration:rollback <version>',
      'npm run migration:rollback <migration_version>',
      'npm run migration:rollback 20241218_initial_schema',
    ],
    shows: 'one migration is undone in all schemas; what others need, and what holds rows, is not taken away unasked',
    async check() {
      const depended = await rollback(initial, 2)
      expect(depended.stderr).toContain(`${preferences} names table team_member of ${initial}`)
      await example.ok(`npm run migration:rollback ${preferences}`)
      expect(await inEach(app.history)).toEqual(same([initial, userPreferences]))
      const lossy = await rollback(initial, 2)
      expect(lossy.stderr).toMatch(new RegExp(`${john}: ${initial} drops table team_member \\(1 row\\)`))
      expect(await inEach(app.tables)).toEqual(same([...requiredTables, 'user_preferences'].sort()))
      await example.ok(`npm run migration:rollback ${initial} -- --allow-data-loss`)
      expect(await inEach(app.tables)).toEqual(same(['user_preferences']))
      expect(await inEach(app.history)).toEqual(same([userPreferences]))
      // Nothing is undone where it is not said what.
      expect((await rollback('', 2)).stderr).toContain('Which migration?')
      expect((await app.use((tenantry) => tenantry.up())).summary).toMatchObject({ applied: 3 })
      expect(await inEach(app.history)).toEqual(same([userPreferences, initial, preferences]))
    },
  },
  {
    command: 'npm run migration:create fix_issue',
    shows: 'a fix goes forward from what is there',
    async check() {
      const issue = app.add('wrong_length', 'ALTER TABLE "public"."vendor" ADD COLUMN "code" VARCHAR(2);\n')
      await app.use((tenantry) => tenantry.up())
      await example.ok('npm run migration:create fix_issue')
      const fix = app.folders().at(-1) ?? ''
      example.write({
        [`prisma/migrations/${fix}/migration.sql`]:
          'ALTER TABLE "public"."vendor" ALTER COLUMN "code" TYPE VARCHAR(20);\n',
      })
      await example.ok('npm run migration:deploy-all')
      expect(await inEach(async (schema) => (await app.history(schema)).slice(-2))).toEqual(same([issue, fix]))
      const lengths = await app.query(
        `SELECT DISTINCT character_maximum_length AS n FROM information_schema.columns WHERE column_name = 'code'
         AND table_name = 'vendor'`,
      )
      expect(lengths).toEqual([{ n: 20 }])
      // None of the two has an undo: that is said before anything is touched.
      const { stderr } = await rollback(`${fix} ${john}`, 2)
      expect(stderr).toContain('rollback.sql')
      for (const folder of [issue, fix]) expect(await app.history(john)).toContain(folder)
    },
  },
  {
    command: 'psql -d clicarity -c "SELECT * FROM <schema_name>.schema_migrations;"',
    shows: 'the table can be read by hand, and says what status says',
    async check() {
      const applied = await app.history(john)
      const sql = `SELECT * FROM ${john}.schema_migrations;`
      const env = {
        PGHOST: app.database.server.host,
        PGPORT: String(app.database.server.port),
        PGUSER: app.database.server.user,
        PGPASSWORD: app.database.server.password,
      }
      const shown =
        findProgram('psql') === undefined
          ? JSON.stringify(await app.query(sql))
          : (await example.ok(`psql -d ${app.database.name} -c "${sql}"`, env)).stdout
      for (const version of applied) expect(shown).toContain(version)
      expect(applied).toHaveLength(app.folders().length)
    },
  },
  {
    command: 'pg_dump -h localhost -U postgres -d clicarity > backup_$(date +%Y%m%d).sql',
    shows: 'a backup by hand, where pg_dump is as new as the server; and one of each schema, by the deploy itself',
    async check() {
      const { host, port, user, password } = app.database.server
      if (findProgram('pg_dump') !== undefined) {
        const line = `pg_dump -h ${host} -p ${port} -U ${user} -d ${app.database.name} > backup_$(date +%Y%m%d).sql`
        const dump = await example.run(line, { PGPASSWORD: password })
        if (dump.code === 0) expect((await example.ok('cat backup_*.sql')).stdout).toContain(`CREATE SCHEMA ${john}`)
        else expect(dump.stderr).toContain('server version mismatch')
      }
      const drop = app.add('drop_code', 'ALTER TABLE "public"."vendor" DROP COLUMN "code";\n')
      // A backup that fails leaves its schema alone.
      const failed = await example.run(`npm run migration:deploy-all -- --backup '[ "$TENANTRY_SCHEMA" != ${alice} ]'`)
      expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('BACKUP_FAILED')])
      expect(await inEach(async (schema) => (await app.history(schema)).includes(drop))).toEqual({
        ...same(true),
        [alice]: false,
      })
      await example.ok(`npm run migration:deploy-all -- --backup 'echo "$PGDATABASE $TENANTRY_SCHEMA" >> backups.txt'`)
      expect(example.read('backups.txt')).toBe(`${app.database.name} ${alice}\n`)
      expect(await app.columns(alice, 'vendor')).not.toContain('code')
      rmSync(join(example.dir, 'backups.txt'))
    },
  },
])
