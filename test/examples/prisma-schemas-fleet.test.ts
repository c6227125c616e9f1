/** A schema per user and Prisma's folders: failures, best practices and answers of the guide, each tried out. */
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Clicarity, initial, openClicarity, preferences } from './prisma-schemas.ts'

const john = 'john_12345678'
const alice = 'alice_87654321'
const carol = 'carol_11112222'
const all = [alice, carol, john]

let app: Clicarity
let example: Clicarity['example']

beforeAll(async () => {
  app = await openClicarity('clicarity_fleet')
  example = app.example
  for (const schema of all) await app.addSchema(schema.split('_')[0] as string, schema, 2)
})
afterAll(() => app?.close())
// Each test begins where the deploy of the one before has ended.
afterEach(async () => {
  expect((await app.use((tenantry) => tenantry.up())).ok).toBe(true)
})

const up = () => app.use((tenantry) => tenantry.up())
const path = (version: string, file = 'migration.sql') => `prisma/migrations/${version}/${file}`
const inEach = async <T>(ask: (schema: string) => Promise<T>) =>
  Object.fromEntries(await Promise.all(all.map(async (schema) => [schema, await ask(schema)] as const)))
const same = <T>(value: T) => Object.fromEntries(all.map((schema) => [schema, value]))
const last = async (schema: string) => (await app.history(schema)).at(-1)

describe('what the guide of prisma-schemas promises besides', () => {
  test('schemas and histories of the system before are taken as they are: nothing is run again', async () => {
    const rows = () => app.query(`SELECT * FROM "${john}".schema_migrations ORDER BY id`)
    const before = await rows()
    const { summary } = await up()
    expect(summary).toMatchObject({ targets: 3, upToDate: 3 })
    expect(await rows()).toEqual(before)
  })

  test('a migration that fails midway in one schema leaves nothing there, migrates the others, and is gone on from', async () => {
    await app.query(`INSERT INTO "${carol}".vendor (name) VALUES ('Acme'), ('Acme')`)
    const added = app.add(
      'unique_vendors',
      'CREATE TABLE "public"."vendor_alias" ("name" TEXT);\nCREATE UNIQUE INDEX "vendor_name_key" ON "public"."vendor"("name");\n',
      'DROP INDEX "vendor_name_key";\nDROP TABLE "vendor_alias";\n',
    )
    const failed = await example.run('npm run migration:deploy-all')
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('2 applied · ✖ 1 failed')])
    // Which schema, which file, which line, and why.
    expect(failed.stdout).toMatch(new RegExp(`${carol}[\\s\\S]*${path(added)}:2[\\s\\S]*vendor_name_key`))
    expect(await inEach(last)).toEqual({ ...same(added), [carol]: preferences })
    expect(await app.tables(carol)).not.toContain('vendor_alias')
    expect(await app.tables(john)).toContain('vendor_alias')
    const ids = await app.query(`SELECT id, applied_at FROM "${john}".schema_migrations`)
    await app.query(`DELETE FROM "${carol}".vendor`)
    const again = await example.ok('npm run migration:deploy-all')
    expect(again.stdout).toContain('1 applied · 0 failed · 2 up-to-date')
    expect(await inEach(last)).toEqual(same(added))
    expect(await app.query(`SELECT id, applied_at FROM "${john}".schema_migrations`)).toEqual(ids)
  })

  test('a file that was changed after it had been applied is reported, and stops the deploy', async () => {
    const text = example.read(path(preferences))
    example.write({ [path(preferences)]: text.replace('timezone', 'time_zone') })
    const status = await example.ok('npm run migration:status')
    expect(status.stdout).toContain(`1 changed: ${preferences}`)
    const verify = await example.run('npm run migration:verify')
    expect([verify.code, verify.stdout]).toEqual([3, expect.stringContaining(`changed ${preferences}`)])
    const later = app.add('later', 'CREATE TABLE "public"."later" ("id" UUID);\n')
    const report = await up()
    expect(report.targets.map(({ error }) => error?.code)).toEqual(all.map(() => 'MIGRATION_CHANGED'))
    expect(await inEach(app.tables)).not.toMatchObject({ [john]: expect.arrayContaining(['later']) })
    rmSync(join(example.dir, 'prisma/migrations', later), { recursive: true })
    example.write({ [path(preferences)]: text })
  })

  test('a folder that was deleted is reported, and its row stays', async () => {
    const folder = join(example.dir, 'prisma/migrations', preferences)
    renameSync(folder, `${example.dir}/aside`)
    const status = await example.ok('npm run migration:status')
    expect(status.stdout).toContain(`1 missing: ${preferences}`)
    const report = await app.use((tenantry) => tenantry.verify())
    expect(report.targets.map(({ findings }) => findings.map(({ rule }) => rule))).toEqual(
      all.map(() => ['missing-file']),
    )
    expect(await app.history(john)).toContain(preferences)
    renameSync(`${example.dir}/aside`, folder)
  })

  test('a migration that comes late, between others, is applied and told to be out of order', async () => {
    const late = '20241219_vendor_phone_index'
    example.write({ [path(late)]: 'CREATE INDEX "vendor_phone_idx" ON "public"."vendor"("phone");\n' })
    const report = await app.use((tenantry) => tenantry.status())
    expect(report.targets.map(({ outOfOrder }) => outOfOrder)).toEqual(all.map(() => [late]))
    expect((await up()).summary).toMatchObject({ applied: 3 })
    expect(await inEach(last)).toEqual(same(late))
    expect(await app.query("SELECT count(*)::int AS n FROM pg_class WHERE relname = 'vendor_phone_idx'")).toEqual([
      { n: 3 },
    ])
  })

  test('DO blocks carry data over, within each schema', async () => {
    for (const schema of all) await app.query(`INSERT INTO "${schema}".vendor (name, phone) VALUES ($1, '1')`, [schema])
    const added = app.add(
      'vendor_phones',
      `CREATE TABLE "vendor_phone" ("vendor_id" UUID NOT NULL, "phone" TEXT NOT NULL);

-- Migrate data
DO $$
BEGIN
  INSERT INTO "vendor_phone" ("vendor_id", "phone")
  SELECT "id", "phone" FROM "public"."vendor" WHERE "phone" IS NOT NULL;
END $$;
`,
    )
    expect((await up()).summary).toMatchObject({ applied: 3 })
    expect(await inEach(last)).toEqual(same(added))
    const carried = (schema: string) =>
      app.query(`SELECT v.name FROM "${schema}".vendor_phone p JOIN "${schema}".vendor v ON v.id = p.vendor_id`)
    for (const schema of all) expect(await carried(schema)).toEqual([{ name: schema }])
  })

  test('a breaking change in four steps, a migration each, lands in their order with the data in place', async () => {
    const steps = [
      app.add('vendor_mail', 'ALTER TABLE "public"."vendor" ADD COLUMN "mail" TEXT;\n'),
      app.add('fill_vendor_mail', `UPDATE "public"."vendor" SET "mail" = coalesce("email", 'unknown');\n`),
      app.add('require_vendor_mail', 'ALTER TABLE "public"."vendor" ALTER COLUMN "mail" SET NOT NULL;\n'),
      app.add('drop_vendor_email', 'ALTER TABLE "public"."vendor" DROP COLUMN "email";\n'),
    ]
    expect((await up()).summary).toMatchObject({ applied: 3 })
    expect(await inEach(async (schema) => (await app.history(schema)).slice(-4))).toEqual(same(steps))
    expect(await app.query(`SELECT mail FROM "${john}".vendor`)).toEqual([{ mail: 'unknown' }])
    expect(await app.columns(john, 'vendor')).not.toContain('email')
  })

  test('a migration that is recorded, and whose changes are not there, is found by verify and made by backfill', async () => {
    await app.query(`ALTER TABLE "${alice}".team_member DROP COLUMN "timezone"`)
    expect((await up()).summary).toMatchObject({ upToDate: 3 })
    const { ok, targets } = await app.use((tenantry) => tenantry.verify())
    expect(ok).toBe(false)
    const found = targets.flatMap(({ target, findings }) => findings.map((finding) => ({ target, ...finding })))
    expect(found).toMatchObject([
      { target: expect.stringContaining(alice), rule: 'claimed-and-missing', object: 'team_member.timezone' },
    ])
    await app.use((tenantry) => tenantry.backfill())
    expect(await app.columns(alice, 'team_member')).toContain('timezone')
    expect((await app.use((tenantry) => tenantry.verify())).ok).toBe(true)
  })

  test('an undo that does not undo is found before it is needed, and is not run in all schemas', async () => {
    const added = app.add('vendor_rank', 'ALTER TABLE "public"."vendor" ADD COLUMN "rank" INT;\n', 'SELECT 1;\n')
    await up()
    const { code, stdout, stderr } = await example.run(`npm run migration:rollback ${added}`)
    expect([code, stdout]).toEqual([2, expect.stringContaining(`${added}: broken`)])
    expect(stderr).toContain('UNPROVEN')
    expect(await inEach(last)).toEqual(same(added))
    example.write({ [path(added, 'rollback.sql')]: 'ALTER TABLE "vendor" DROP COLUMN "rank";\n' })
    await example.ok(`npm run migration:rollback ${added}`)
    expect(await inEach(async (schema) => (await app.columns(schema, 'vendor')).includes('rank'))).toEqual(same(false))
    expect(await app.history(john)).toContain(initial)
  })
})
