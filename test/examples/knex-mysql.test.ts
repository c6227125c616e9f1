/** A database for each tenant, Knex on MariaDB, passwords sealed by the team's own code: what the guide of this team says, done. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { withMariadb } from '../servers/shared-mariadb.ts'
import { describeGuide, serve } from './example.ts'
import { columnsOf, initial, type KnexFleet, knexRows, openKnexFleet } from './knex-mysql-fleet.ts'

withMariadb('knex-mysql', () => {
  let fleet: KnexFleet
  /** Name of the file that `migrate:make add_priority_to_tasks` wrote. */
  let priority: string

  beforeAll(async () => {
    fleet = await openKnexFleet()
  })
  afterAll(() => fleet?.remove())

  const files = () => readdirSync(join(fleet.example.dir, 'migrations/tenant')).sort()
  const hasPriority = async (slug: string) =>
    (await columnsOf(fleet.tenant(slug).database, 'tasks')).includes('priority')
  const withPriority = async () => {
    const found: string[] = []
    for (const { slug } of [...fleet.active, fleet.suspended]) if (await hasPriority(slug)) found.push(slug)
    return found
  }

  describeGuide('knex-mysql', [
    {
      command: [
        'npm run migrate:make',
        'npm run migrate:make add_your_feature_name',
        'npm run migrate:make add_priority_to_tasks',
      ],
      shows: "a new file in migrations/tenant, from Knex's own stub, with up and down in it",
      async check() {
        const { example } = fleet
        const unnamed = await example.run('npm run migrate:make')
        expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('tenantry make add_email_to_users')])
        expect(files()).toEqual(initial)
        await example.ok('npm run migrate:make add_your_feature_name')
        const [feature = ''] = files().filter((name) => !initial.includes(name))
        expect(feature).toMatch(/^20\d{12}_add_your_feature_name\.js$/)
        expect(example.read(`migrations/tenant/${feature}`)).toMatch(/exports\.up = [\s\S]*exports\.down = /)
        rmSync(join(example.dir, 'migrations/tenant', feature))
        await example.ok('npm run migrate:make add_priority_to_tasks')
        priority = files().find((name) => !initial.includes(name)) ?? ''
        expect(priority).toMatch(/^20\d{12}_add_priority_to_tasks\.js$/)
        example.write({
          [`migrations/tenant/${priority}`]: `exports.up = (knex) =>
  knex.schema.alterTable('tasks', (table) => table.string('priority', 20).notNullable().defaultTo('normal'))

exports.down = (knex) => knex.schema.alterTable('tasks', (table) => table.dropColumn('priority'))
`,
        })
      },
    },
    {
      command: [
        'npm run migrate:tenant',
        'npm run migrate:tenant acme-corp',
        'npm run migrate:tenant test-tenant',
        'npm run migrate:tenant staging-company',
      ],
      shows: 'the tenant that is named, by slug or id, and no other one; none without a name',
      async check() {
        const { example, tenant } = fleet
        const unnamed = await example.run('npm run migrate:tenant')
        expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('argument missing')])
        const unknown = await example.run('npm run migrate:tenant nobody')
        expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('There is no tenant "nobody"')])
        expect(await withPriority()).toEqual([])
        await example.ok('npm run migrate:tenant test-tenant')
        expect(await withPriority()).toEqual(['test-tenant'])
        await example.ok('npm run migrate:tenant staging-company')
        // "Verify it worked": its whole schema is what the migrations make.
        const verified = await example.ok('npx tenantry verify staging-company --env admin', fleet.admin)
        expect(verified.stdout).toMatch(/^✔ 1 target/m)
        await example.ok(`npm run migrate:tenant ${tenant('acme-corp').id}`)
        const again = await example.ok('npm run migrate:tenant acme-corp')
        expect(again.stdout).toContain('1 up-to-date')
        expect(await withPriority()).toEqual(['acme-corp', 'test-tenant', 'staging-company'])
        expect(await knexRows(tenant('acme-corp').database)).toEqual([...initial, priority])
      },
    },
    {
      command: 'npm run migrate:all-tenants',
      shows: 'every active tenant, and none that is not; a second time nothing is left to do',
      async check() {
        const { example, active, suspended } = fleet
        // What a Kubernetes job gets: the key and the central database, and nobody who may make databases.
        const job = { PATH: example.env.PATH, HOME: example.env.HOME, npm_config_update_notifier: 'false' }
        const { CENTRAL_DATABASE_URL, DB_ENCRYPTION_KEY } = example.env
        const ended = spawnSync('npm', ['run', 'migrate:all-tenants'], {
          cwd: example.dir,
          encoding: 'utf8',
          env: { ...job, CENTRAL_DATABASE_URL, DB_ENCRYPTION_KEY },
        })
        expect(`${ended.status}\n${ended.stderr}`).toMatch(/^0\n/)
        expect(ended.stdout).toMatch(/^Found 5 targets/m)
        expect(ended.stdout).toMatch(/^✔ 2 applied · 0 failed · 3 up-to-date/m)
        expect(ended.stdout).toContain(`: applied ${priority.replace('.js', '')}`)
        expect(await withPriority()).toEqual(active.map(({ slug }) => slug))
        for (const { database } of active) expect(await knexRows(database)).toEqual([...initial, priority])
        expect(await knexRows(suspended.database)).toEqual(initial)
        expect((await example.ok('npm run migrate:all-tenants')).stdout).toMatch(/^✔ 0 applied · 0 failed · 5 up-to-/m)
      },
    },
    {
      command: ['npm run migrate:latest', 'npm run migrate:rollback'],
      shows: 'the default database is migrated, its last migration undone, and no tenant touched',
      async check() {
        const { example, main } = fleet
        await example.ok('npm run migrate:latest')
        expect(await knexRows(main)).toEqual([...initial, priority])
        expect(await columnsOf(main, 'tasks')).toContain('priority')
        await example.ok('npm run migrate:rollback')
        expect(await knexRows(main)).toEqual(initial)
        expect(await columnsOf(main, 'tasks')).not.toContain('priority')
        expect(await withPriority()).toEqual(fleet.active.map(({ slug }) => slug))
        expect((await example.ok('npx knex migrate:latest')).stdout).toContain('1 migrations')
        expect((await example.ok('npm run migrate:latest')).stdout).toContain('1 up-to-date')
      },
    },
    {
      command: 'npx prisma generate --schema=prisma/schema-central.prisma',
      shows: 'it is not needed: nothing imports the generated client, and all goes on without Prisma and its schema',
      async check() {
        const { example } = fleet
        // Prisma is no dependency any more; without a registry at hand npx can only say that it has none.
        const prisma = await example.run('npx prisma generate --schema=prisma/schema-central.prisma', {
          npm_config_offline: 'true',
        })
        expect(prisma.code).not.toBe(0)
        expect(JSON.parse(example.read('package.json')).dependencies).not.toHaveProperty('@prisma/client')
        const sources = readdirSync(example.dir, { recursive: true, encoding: 'utf8' }).filter(
          (path) => /\.[cm]?[jt]s$/.test(path) && !path.includes('node_modules'),
        )
        expect(sources.length).toBeGreaterThan(5)
        for (const path of sources)
          expect(`${path}: ${readFileSync(join(example.dir, path), 'utf8')}`).not.toMatch(/generated-central|@prisma/)
        renameSync(join(example.dir, 'prisma'), join(example.dir, 'gone'))
        await example.ok('npm run migrate:all-tenants')
        renameSync(join(example.dir, 'gone'), join(example.dir, 'prisma'))
      },
    },
    {
      command: 'mysql -h -u -p -e "SELECT * FROM knex_migrations"',
      shows: "what is applied stands in Knex's own table, for the tenant's own user to read",
      async check() {
        const { example } = fleet
        const { user, password, database } = fleet.tenant('acme-corp')
        const { host, port } = database.server
        const client = 'command -v mysql > /dev/null || mysql() { mariadb "$@"; }'
        const { stdout } = await example.ok(
          `${client}; mysql -h ${host} -P ${port} -u ${user} ${database.name} -e "SELECT * FROM knex_migrations"`,
          { MYSQL_PWD: password },
        )
        const [head, ...rows] = stdout.trim().split('\n')
        expect(head).toBe('id\tname\tbatch\tmigration_time')
        // Knex ran the first three in one batch, tenantry the last one in its own.
        expect(rows.map((row) => row.split('\t').slice(0, 3))).toEqual(
          [...initial, priority].map((name, i) => [String(i + 1), name, i < 3 ? '1' : '2']),
        )
      },
    },
    {
      command: 'npm run start:prod',
      shows: 'the container migrates all tenants, then serves; it does not serve where one of them fails',
      async check() {
        const { example, tenant, suspended } = fleet
        const container = 'exec sh -c "npm run migrate:all-tenants && npm run start:prod"'
        const broken = 'migrations/tenant/20990101000000_broken.js'
        example.write({
          [broken]: 'exports.up = (knex) => knex("no_such_table").del()\nexports.down = async () => {}\n',
        })
        const failed = await example.run(container, { PORT: '0' })
        expect([failed.code, failed.stdout + failed.stderr]).toEqual([1, expect.stringContaining('no_such_table')])
        expect(failed.stdout).not.toContain('Listening')
        example.write({
          [broken]: `exports.up = (knex) => knex('tasks').insert({ title: knex.raw('CURRENT_USER()') })
exports.down = (knex) => knex('tasks').where('title', 'like', '%@%').del()\n`,
        })
        const served = await serve(example, container)
        const tasks = async (slug: string) => (await fetch(`${served.url}/tenants/${slug}/tasks`)).json()
        // Who migrated was the tenant's own user. The application opens the same password, and reads what was written.
        expect(await tasks('techstart')).toEqual([{ id: 1, title: `${tenant('techstart').user}@%` }])
        expect(await tasks(suspended.slug)).toEqual({ error: 'no such tenant' })
        await served.stop()
        expect(await knexRows(tenant('globex').database)).toEqual([...initial, priority, '20990101000000_broken.js'])
      },
    },
  ])
})
