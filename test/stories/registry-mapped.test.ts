/** Teams' own tables of tenants, as they are: nothing of them is altered, and what does not fit is told at once. */
import { createCipheriv, randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

const cbcKey = 'exactly-32-characters-of-a-key!!'

/** As the teams' own applications store passwords: `iv:ciphertext` in hex. */
function encrypt(text: string): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(cbcKey), iv)
  return `${iv.toString('hex')}:${Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('hex')}`
}

const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`

/** A password that breaks every place where it is not quoted. */
const oddPassword = 'p@:/%\'"`#?&=+ w'

describe("Sequelize's table on PostgreSQL", () => {
  let project: Project
  let registry: TestDatabase
  const tenants: TestDatabase[] = []
  const roles: string[] = []

  beforeEach(async () => {
    project = makeProject()
    registry = await freshDatabase('registry')
    await registry.query(`CREATE TABLE tenants (
      id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, company_name text, mode text NOT NULL, status text NOT NULL,
      db_host text, db_port integer, db_name text, db_user text, db_password_encrypted text,
      created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())`)
    project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
  })

  afterEach(async () => {
    project.remove()
    await registry.drop()
    for (const tenant of tenants.splice(0)) await tenant.drop()
    for (const role of roles.splice(0)) await sharedServer().query(`DROP ROLE IF EXISTS ${role}`)
  })

  async function addTenant(slug: string, mode: string, status: string, password = oddPassword) {
    const database = await freshDatabase(slug)
    tenants.push(database)
    const role = `r_${randomBytes(5).toString('hex')}`
    roles.push(role)
    const { host, port } = sharedServer()
    await sharedServer().query(`CREATE ROLE ${role} LOGIN PASSWORD ${quoteText(oddPassword)}`)
    await sharedServer().query(`ALTER DATABASE "${database.name}" OWNER TO ${role}`)
    const place = [host, String(port), database.name, role, encrypt(password)]
    const values = [randomUUID(), slug, `${slug} Ltd`, mode, status, ...place]
    await registry.query(
      `INSERT INTO tenants (id, slug, company_name, mode, status, db_host, db_port, db_name, db_user, db_password_encrypted)
       VALUES (${values.map(quoteText).join(', ')})`,
    )
    return { database, role }
  }

  const columns = {
    id: 'id',
    slug: 'slug',
    name: 'company_name',
    topology: 'mode',
    state: 'status',
    host: 'db_host',
    port: 'db_port',
    database: 'db_name',
    user: 'db_user',
    password: 'db_password_encrypted',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  }
  const configure = (more: Record<string, unknown> = {}) =>
    project.configure({
      // On a host of its own, so that nothing of it is lent to the tenants' servers.
      servers: { main: { url: 'postgres://somebody:pw@127.0.0.2:1/none' } },
      tenants: { from: 'registry' },
      registry: {
        url: registry.url,
        tenants: {
          columns,
          values: {
            topology: { shared: 'database', dedicated: null },
            state: { active: 'active', suspended: 'suspended' },
          },
          ...more,
        },
      },
    })
  const env = { DB_ENCRYPTION_KEY: cbcKey, PATH: process.env.PATH }

  it('is migrated with the credentials in it, before a table of ours is there', async () => {
    const acme = await addTenant('acme', 'shared', 'active')
    await addTenant('globex', 'shared', 'suspended')
    await addTenant('big', 'dedicated', 'whatever')
    configure()
    const up = await project.run(['up', '--json'], env)
    const report = JSON.parse(up.stdout)
    expect([up.code, report.error]).toEqual([0, null])
    const { host, port } = sharedServer()
    expect(report.targets).toMatchObject([
      { target: `${host}:${port}/${acme.database.name}`, tenants: ['acme'], result: 'applied' },
    ])
    // Whose table it is tells who logged in.
    const [owner] = await acme.database.query("SELECT tableowner FROM pg_tables WHERE tablename = 'a'")
    expect(owner).toEqual({ tableowner: acme.role })
    expect(await registry.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'tenantry%'")).toEqual([])
    for (const text of [up.stdout, up.stderr]) expect(text).not.toContain(oddPassword)
  })

  it('needs no config: the variable is enough, and what was taken for what is said', async () => {
    const acme = await addTenant('acme', 'shared', 'active')
    await addTenant('big', 'dedicated', 'active')
    const bare = makeProject()
    try {
      bare.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
      const variables = { ...env, TENANT_REGISTRY_DB_URL: registry.url }
      const up = await bare.run(['up', '--json'], variables)
      expect(JSON.parse(up.stdout)).toMatchObject({ ok: true, summary: { targets: 1, applied: 1 } })
      expect(up.stderr).toContain('Tenants are read from the table "tenants" of the registry')
      expect(up.stderr).toContain('database = db_name')
      // The registry's own role is a superuser here; it is not lent.
      const [made] = await acme.database.query("SELECT tableowner FROM pg_tables WHERE tablename = 'a'")
      expect(made).toEqual({ tableowner: acme.role })
      // Our empty tables beside it do not make the fleet vanish.
      expect((await bare.run(['registry', 'migrate'], variables)).code).toBe(0)
      const status = await bare.run(['status', '--json'], variables)
      expect(JSON.parse(status.stdout)).toMatchObject({ summary: { targets: 1, upToDate: 1 } })
    } finally {
      bare.remove()
    }
  })

  it('is left as it was by a change of state, save for the word', async () => {
    await addTenant('acme', 'shared', 'active')
    configure()
    const shape =
      "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'tenants' ORDER BY ordinal_position"
    const before = { shape: await registry.query(shape), row: (await registry.query('SELECT * FROM tenants'))[0] }
    await project.use(async (tenantry) => {
      await expect(tenantry.tenants.suspend('acme')).rejects.toMatchObject({ code: 'REGISTRY_MISSING' })
      await tenantry.registry.migrate()
      await tenantry.tenants.suspend('acme')
    })
    const [row] = await registry.query('SELECT * FROM tenants')
    expect(await registry.query(shape)).toEqual(before.shape)
    expect(row).toEqual({ ...before.row, status: 'suspended', updated_at: expect.anything() })
    await project.use((tenantry) => tenantry.tenants.archive('acme'))
    // They have no word for it: it stays the word that keeps their application away, and we know better.
    expect(await registry.query('SELECT status FROM tenants')).toEqual([{ status: 'suspended' }])
    const shown = () => project.use(async (tenantry) => (await tenantry.tenants.show('acme')).tenant.state)
    expect(await shown()).toBe('archived')
    // Their application writes: that is newer.
    await registry.query("UPDATE tenants SET status = 'active'")
    expect(await shown()).toBe('active')
  })

  it('every column that is missing is named at once, with those that are there', async () => {
    configure({ columns: { ...columns, host: 'dbHost', password: 'db_password_enc', state: 'state' } })
    const { code, stdout } = await project.run(['status', '--json'], env)
    const { error } = JSON.parse(stdout)
    expect([code, error.code]).toEqual([2, 'CONFIG_INVALID'])
    expect(error.message).toContain('3 columns')
    for (const name of ['"dbHost"', '"db_password_enc"', '"state"']) expect(error.message).toContain(name)
    expect(error.message).toContain('did you mean `db_host`')
    expect(error.hint).toContain('db_host, db_port, db_name')
  })

  it('rows with words that nobody knows are named at once, and no target is touched', async () => {
    const acme = await addTenant('acme', 'shared', 'active')
    await addTenant('b', 'sharded', 'active')
    await addTenant('c', 'shared', 'WEIRD')
    await addTenant('d', 'shared', 'WEIRD')
    await registry.query("UPDATE tenants SET db_name = NULL WHERE slug = 'd'")
    configure()
    const { code, stdout } = await project.run(['up', '--json'], env)
    const { error } = JSON.parse(stdout)
    expect([code, error.code]).toEqual([2, 'CONFIG_INVALID'])
    for (const word of ['"sharded"', '"WEIRD"', 'names no database', 'rows']) expect(error.message).toContain(word)
    for (const { id } of await registry.query("SELECT id FROM tenants WHERE slug IN ('b', 'c', 'd')"))
      expect(error.message).toContain(String(id))
    expect(await acme.database.query("SELECT 1 FROM pg_tables WHERE tablename = 'a'")).toEqual([])
  })

  it('takes no new tenant where a column of theirs would have no value', async () => {
    await registry.query('ALTER TABLE tenants ADD COLUMN plan text NOT NULL, ADD COLUMN region text NOT NULL')
    configure()
    const refusal = await project.use(async (tenantry) => {
      await tenantry.registry.migrate()
      return tenantry.tenants
        .add('acme', { server: 'main', database: 'x', state: 'active' })
        .catch((error: unknown) => error)
    })
    expect(refusal).toMatchObject({ code: 'TENANT_INVALID' })
    expect(String(refusal)).toContain('2 columns must have a value that nobody gives: plan, region')
    expect(await registry.query('SELECT slug FROM tenants')).toEqual([])
  })

  it('of a million rows is read page by page, in flat memory', async () => {
    const { host, port } = sharedServer()
    await registry.query(
      `INSERT INTO tenants SELECT gen_random_uuid(), 't' || i, 'Company ' || i, 'shared', 'active', '${host}', ${port}, 'db_' || i, 'u', 'x'
       FROM generate_series(1, 1000000) i`,
    )
    configure()
    // A process of its own: what this one holds is not the question.
    project.write({
      'read.mjs': `
        import { openTenantry } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
        const tenantry = await openTenantry()
        let count = 0
        let peakMb = 0
        for await (const tenant of tenantry.tenants.list()) {
          if (count === 0) console.error('first')
          if (++count % 5000 === 0) peakMb = Math.max(peakMb, process.memoryUsage().rss / 2 ** 20)
        }
        console.log(JSON.stringify({ count, peakMb }))
        await tenantry.close()
      `,
    })
    const { execFile } = await import('node:child_process')
    const { promisify } = await import('node:util')
    const read = await promisify(execFile)(process.execPath, ['read.mjs'], { cwd: project.dir, env })
    const { count, peakMb } = JSON.parse(read.stdout)
    expect(count).toBe(1_000_000)
    expect(peakMb).toBeLessThan(250)
  }, 240_000)
})

withMariadb("Prisma's table on MariaDB", () => {
  it('is migrated with the credentials in it: camelCase columns, words in capitals', async () => {
    const project = makeProject()
    const registry = await freshMariadb('registry')
    const acme = await freshMariadb('acme')
    const user = `u_${randomBytes(5).toString('hex')}`
    const { host, port } = sharedMariadb()
    try {
      await sharedMariadb().query(`CREATE USER ${user}@'%' IDENTIFIED BY ${quoteText(oddPassword)}`)
      await sharedMariadb().query(`GRANT ALL ON \`${acme.name}\`.* TO ${user}@'%'`)
      await registry.query(`CREATE TABLE tenants (id varchar(191) PRIMARY KEY, slug varchar(191) NOT NULL, name varchar(191) NOT NULL,
        status enum('PENDING','ACTIVE','SUSPENDED') NOT NULL DEFAULT 'PENDING', dbHost varchar(191) NOT NULL, dbPort int NOT NULL,
        dbName varchar(191) NOT NULL, dbUser varchar(191) NOT NULL, dbPasswordEncrypted text NOT NULL,
        createdAt datetime(3) NOT NULL DEFAULT current_timestamp(3), updatedAt datetime(3) NOT NULL)`)
      for (const [id, slug, status, database] of [
        ['ck1', 'acme', 'ACTIVE', acme.name],
        ['ck2', 'later', 'PENDING', 'nowhere'],
      ] as const)
        await registry.query(
          `INSERT INTO tenants VALUES ('${id}', '${slug}', 'A', '${status}', '${host}', ${port}, '${database}', '${user}', '${encrypt(oddPassword)}', now(), now())`,
        )
      project.configure({
        tenants: { from: 'registry' },
        registry: {
          url: registry.url,
          tenants: {
            columns: {
              id: 'id',
              slug: 'slug',
              name: 'name',
              state: 'status',
              host: 'dbHost',
              port: 'dbPort',
              database: 'dbName',
              user: 'dbUser',
              password: 'dbPasswordEncrypted',
              updatedAt: 'updatedAt',
            },
            values: { state: { ACTIVE: 'active', PENDING: 'provisioning', SUSPENDED: 'suspended' } },
          },
        },
      })
      project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id integer);' })
      const up = await project.run(['up', '--json'], { DB_ENCRYPTION_KEY: cbcKey })
      const report = JSON.parse(up.stdout)
      expect([up.code, report.error]).toEqual([0, null])
      expect(report.targets).toMatchObject([{ target: `${host}:${port}/${acme.name}`, result: 'applied' }])
      expect(await registry.query("SHOW TABLES LIKE 'tenantry%'")).toEqual([])
      const bare = await project.run(['tenants', 'list', '--json'], { DB_ENCRYPTION_KEY: cbcKey })
      expect(JSON.parse(bare.stdout).tenants.map(({ slug, state }: Record<string, string>) => [slug, state])).toEqual([
        ['acme', 'active'],
        ['later', 'provisioning'],
      ])
    } finally {
      project.remove()
      await sharedMariadb().query(`DROP USER IF EXISTS ${user}@'%'`)
      await acme.drop()
      await registry.drop()
    }
  })
})
