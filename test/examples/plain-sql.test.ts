/** Shared tables and SQL files: what the guide of this team says, done. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { describeGuide, type Example, openExample, serve } from './example.ts'

let example: Example
let databases: Record<'dev' | 'staging' | 'prod', TestDatabase>

beforeAll(async () => {
  const [dev, staging, prod] = await Promise.all(
    ['dev', 'staging', 'prod'].map((name) => freshDatabase(`plain_${name}`)),
  )
  databases = { dev, staging, prod } as typeof databases
  const { host, port, user, password } = databases.dev.server
  example = openExample('plain-sql', {
    DB_HOST: host,
    DB_PORT: String(port),
    DB_USER: user,
    DB_PASS: password,
    DB_NAME: databases.dev.name,
  })
})

afterAll(async () => {
  example?.remove()
  await Promise.all(Object.values(databases ?? {}).map((database) => database.drop()))
})

const tablesIn = async (database: TestDatabase) =>
  (await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).map(
    ({ tablename }) => tablename,
  )
const initial = ['audit_logs', 'subscriptions', 'tenants', 'users']
const ours = ['schema_migrations', 'tenantry_ledger']

const secondMigration = `-- Migration: 002_add_new_table
-- Created at: 2025-01-01
-- Description: Add new_table for feature X

BEGIN;

CREATE TABLE new_table (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id UUID NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  name VARCHAR(255) NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_new_table_tenant_id ON new_table(tenant_id);

COMMIT;
`
const secondRollback = `-- Rollback for: 002_add_new_table
BEGIN;

DROP TABLE IF EXISTS new_table;

COMMIT;
`

describeGuide('plain-sql', [
  {
    command: 'npm run migrate:dev',
    shows: 'the tables of 001_init, and its row in schema_migrations',
    async check() {
      await example.ok('npm run migrate:dev')
      expect(await tablesIn(databases.dev)).toEqual([...initial, ...ours].sort())
      // The guide's own question.
      const rows = await databases.dev.query('SELECT * FROM schema_migrations ORDER BY id DESC LIMIT 10')
      expect(rows).toMatchObject([
        { version: '001_init', description: 'Initial schema (tenants, users, subscriptions, audit_logs)' },
      ])
    },
  },
  {
    command: 'DB_HOST=staging-db.example.com npm run migrate:staging',
    shows: 'the host of the variable is what is migrated, and nothing else',
    async check() {
      await example.ok(`DB_NAME=${databases.staging.name} npm run migrate:staging`)
      expect(await tablesIn(databases.staging)).toEqual([...initial, ...ours].sort())
      expect(await tablesIn(databases.prod)).toEqual([])
      // Taken as it stands, it asks the host it names: no other database is migrated instead.
      const { code, stderr, stdout } = await example.run('DB_HOST=staging-db.invalid npm run migrate:staging')
      expect(code).toBe(1)
      expect(stdout + stderr).toContain('staging-db.invalid')
    },
  },
  {
    command: 'DB_HOST=prod-db.example.com npm run migrate:prod',
    shows: 'production has the tables, too',
    async check() {
      await example.ok(`DB_NAME=${databases.prod.name} npm run migrate:prod`)
      expect(await tablesIn(databases.prod)).toEqual([...initial, ...ours].sort())
    },
  },
  {
    command: [
      'touch db/migrations/002_add_new_table.sql',
      'touch db/migrations/rollbacks/002_add_new_table.sql',
      'npm run migrate:status',
    ],
    shows: 'a new file with its undo is pending, then applied',
    async check() {
      await example.ok('touch db/migrations/002_add_new_table.sql')
      await example.ok('touch db/migrations/rollbacks/002_add_new_table.sql')
      example.write({
        'db/migrations/002_add_new_table.sql': secondMigration,
        'db/migrations/rollbacks/002_add_new_table.sql': secondRollback,
      })
      const { stdout } = await example.ok('npm run migrate:status')
      expect(stdout).toContain('002_add_new_table')
      expect(await tablesIn(databases.dev)).not.toContain('new_table')
      await example.ok('npm run migrate:dev')
      expect(await tablesIn(databases.dev)).toContain('new_table')
      expect(await databases.dev.query("SELECT indexname FROM pg_indexes WHERE tablename = 'new_table'")).toHaveLength(
        2,
      )
    },
  },
  {
    command: 'npm run migrate:rollback',
    shows: 'the last migration is undone by its file in rollbacks/, and it alone',
    async check() {
      await example.ok('npm run migrate:rollback')
      expect(await tablesIn(databases.dev)).toEqual([...initial, ...ours].sort())
      expect(await databases.dev.query('SELECT version FROM schema_migrations')).toEqual([{ version: '001_init' }])
    },
  },
  {
    command: 'DB_MIGRATION_VERSION=001 npm run migrate:rollback',
    shows: 'all after 001 is undone, the newest first',
    async check() {
      example.write({
        'db/migrations/003_more.sql': 'ALTER TABLE new_table ADD COLUMN note TEXT;\n',
        'db/migrations/rollbacks/003_more.sql': 'ALTER TABLE new_table DROP COLUMN note;\n',
      })
      await example.ok('npm run migrate:dev')
      expect(await databases.dev.query('SELECT version FROM schema_migrations ORDER BY id')).toHaveLength(3)
      await example.ok('DB_MIGRATION_VERSION=001 npm run migrate:rollback')
      expect(await databases.dev.query('SELECT version FROM schema_migrations')).toEqual([{ version: '001_init' }])
      expect(await tablesIn(databases.dev)).toEqual([...initial, ...ours].sort())
    },
  },
])

describe('what the guide of plain-sql promises besides', () => {
  test('a failed migration is detected by migrate:status, leaves nothing behind, and is gone on from', async () => {
    example.write({
      'db/migrations/004_broken.sql': 'BEGIN;\nCREATE TABLE half (id INT);\nSELECT 1 / 0;\nCOMMIT;\n',
      'db/migrations/003_more.sql': 'ALTER TABLE users ADD COLUMN note TEXT;\n',
      'db/migrations/rollbacks/003_more.sql': 'ALTER TABLE users DROP COLUMN note;\n',
    })
    const up = await example.run('npm run migrate:dev')
    expect(up.code).toBe(1)
    expect(up.stdout).toContain('004_broken.sql:3')
    expect(await tablesIn(databases.dev)).not.toContain('half')
    const applied = await databases.dev.query('SELECT version FROM schema_migrations ORDER BY id')
    expect(applied.map(({ version }) => version)).toEqual(['001_init', '002_add_new_table', '003_more'])
    const status = await example.ok('npm run migrate:status')
    expect(status.stdout).toContain('004_broken')
    example.write({ 'db/migrations/004_broken.sql': 'BEGIN;\nCREATE TABLE half (id INT);\nCOMMIT;\n' })
    await example.ok('npm run migrate:dev')
    expect(await tablesIn(databases.dev)).toContain('half')
  })

  test('data of one tenant is changed in shared tables, and of no other', async () => {
    await databases.dev.query(`INSERT INTO tenants (id, slug, name) VALUES
      ('00000000-0000-4000-8000-000000000001', 'acme', 'Acme'), ('00000000-0000-4000-8000-000000000002', 'globex', 'Globex');
      INSERT INTO users (tenant_id, email) SELECT id, slug || '@example.com' FROM tenants`)
    example.write({
      'db/migrations/005_feature_flag.sql': `-- Add column to existing table
ALTER TABLE users ADD COLUMN feature_flag BOOLEAN DEFAULT false;

-- Update specific tenant data
UPDATE users SET feature_flag = true WHERE tenant_id = '00000000-0000-4000-8000-000000000001';
`,
    })
    await example.ok('npm run migrate:dev')
    expect(await databases.dev.query('SELECT email, feature_flag FROM users ORDER BY email')).toEqual([
      { email: 'acme@example.com', feature_flag: true },
      { email: 'globex@example.com', feature_flag: false },
    ])
  })

  test('the API serves each tenant its own rows, and its start migrates nothing', async () => {
    const before = await databases.dev.query('SELECT version FROM schema_migrations ORDER BY id')
    example.write({ 'db/migrations/006_later.sql': 'CREATE TABLE later (id INT);\n' })
    const server = await serve(example, 'npm start')
    const users = await fetch(`${server.url}/users`, { headers: { 'x-tenant': 'acme' } })
    expect(await users.json()).toMatchObject([{ email: 'acme@example.com' }])
    expect((await fetch(`${server.url}/users`, { headers: { 'x-tenant': 'nobody' } })).status).toBe(401)
    await server.stop()
    expect(await databases.dev.query('SELECT version FROM schema_migrations ORDER BY id')).toEqual(before)
  })

  test('every undo in rollbacks/ is proved away from the tenants, and one that does not undo is found', async () => {
    const before = await tablesIn(databases.dev)
    const { stdout } = await example.run('npm run --silent migrate:prove -- --json')
    const { migrations } = JSON.parse(stdout)
    const verdicts = Object.fromEntries(
      migrations.map(({ migration, verdict }: Record<string, string>) => [migration, verdict]),
    )
    expect(verdicts).toMatchObject({
      '001_init': 'reversible',
      '002_add_new_table': 'reversible',
      '004_broken': 'one-way',
    })
    example.write({ 'db/migrations/rollbacks/004_broken.sql': 'SELECT 1;\n' })
    expect((await example.run('npm run migrate:prove')).code).toBe(3)
    example.write({ 'db/migrations/rollbacks/004_broken.sql': 'DROP TABLE half;\n' })
    expect(await tablesIn(databases.dev)).toEqual(before)
  })

  test('a backup of each target is made before what takes something away', async () => {
    example.write({
      'db/migrations/006_later.sql': 'ALTER TABLE users DROP COLUMN note;\n',
      'db/migrations/rollbacks/006_later.sql': 'ALTER TABLE users ADD COLUMN note TEXT;\n',
    })
    const failed = await example.run('npm run migrate:dev -- --backup "exit 3"')
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('BACKUP_FAILED')])
    const columns = () =>
      databases.dev.query("SELECT 1 FROM pg_attribute WHERE attname = 'note' AND attnum > 0 AND NOT attisdropped")
    expect(await columns()).toHaveLength(1)
    await example.ok(`npm run migrate:dev -- --backup 'echo "$PGDATABASE" >> backups.txt'`)
    expect(example.read('backups.txt')).toBe(`${databases.dev.name}\n`)
    expect(await columns()).toEqual([])
  })

  test('an index is built beside the work on its table', async () => {
    example.write({
      'db/migrations/008_index.sql':
        '-- Description: Users by name\nCREATE INDEX CONCURRENTLY idx_users_name ON users(name);\n',
    })
    await example.ok('npm run migrate:dev')
    expect(
      await databases.dev.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_users_name'::regclass"),
    ).toEqual([{ indisvalid: true }])
  })

  test('two deploys at once apply each migration once', async () => {
    example.write({ 'db/migrations/007_slow.sql': 'SELECT pg_sleep(0.5);\nCREATE TABLE slow (id INT);\n' })
    const ends = await Promise.all([example.run('npm run migrate:dev'), example.run('npm run migrate:dev')])
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    const rows = await databases.dev.query(
      "SELECT count(*)::int AS n FROM schema_migrations WHERE version = '007_slow'",
    )
    expect(rows).toEqual([{ n: 1 }])
  })
})
