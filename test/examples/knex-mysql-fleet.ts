/** The tenants of the example knex-mysql as its team has them: databases, users and rows made before tenantry came. */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { freshMariadb, type MariadbDatabase, sharedMariadb } from '../servers/shared-mariadb.ts'
import { withNative } from '../stories/knex-native.ts'
import { type Example, openExample } from './example.ts'

export const encryptionKey = 'your-32-character-secret-key!!32'

/** A password that breaks every place where it is not quoted. */
const oddPassword = 'p@:/%\'"`#?&=+ w'

export interface KnexTenant {
  id: string
  slug: string
  user: string
  password: string
  database: MariadbDatabase
}

export interface KnexFleet {
  example: Example
  central: MariadbDatabase
  /** The database of the knexfile. */
  main: MariadbDatabase
  /** With what the API makes tenants, and undos are proved. */
  admin: Record<string, string>
  /** Five that are active. */
  active: KnexTenant[]
  suspended: KnexTenant
  tenant(slug: string): KnexTenant
  remove(): Promise<void>
}

const slugs = ['acme-corp', 'techstart', 'test-tenant', 'staging-company', 'globex']

/** Every tenant was migrated by Knex, and its password encrypted by the team's own code. */
export async function openKnexFleet(): Promise<KnexFleet> {
  const server = sharedMariadb()
  const [central, main] = await Promise.all([freshMariadb('central'), freshMariadb('knex_default')])
  const example = openExample('knex-mysql', {
    DB_HOST: server.host,
    DB_PORT: String(server.port),
    DB_USER: server.user,
    DB_PASS: server.password,
    DB_NAME: main.name,
    CENTRAL_DATABASE_URL: central.url,
    DB_ENCRYPTION_KEY: encryptionKey,
  })
  await example.ok('npm run central:migrate')
  const tenants = await Promise.all([...slugs, 'old-customer'].map((slug) => makeTenant(example, slug)))
  for (const { id, slug, user, stored, database } of tenants) {
    const name = slug.replaceAll(/(^|-)(.)/g, (_, dash, letter) => `${dash === '' ? '' : ' '}${letter.toUpperCase()}`)
    const status = slug === 'old-customer' ? 'SUSPENDED' : 'ACTIVE'
    await central.query(
      'INSERT INTO tenants (id, slug, name, status, dbHost, dbPort, dbName, dbUser, dbPasswordEncrypted, updatedAt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, now(3))',
      [id, slug, name, status, server.host, server.port, database.name, user, stored],
    )
  }
  const tenant = (slug: string) => {
    const found = tenants.find((one) => one.slug === slug)
    if (found === undefined) throw new Error(`There is no tenant ${slug}.`)
    return found
  }
  return {
    example,
    central,
    main,
    admin: { DB_ADMIN_URL: server.url('mysql') },
    active: slugs.map(tenant),
    suspended: tenant('old-customer'),
    tenant,
    async remove() {
      const rows = await central.query('SELECT dbName, dbUser FROM tenants')
      for (const { dbName, dbUser } of rows)
        await server.query(`DROP DATABASE IF EXISTS \`${dbName}\`; DROP USER IF EXISTS \`${dbUser}\`@'%'`)
      example.remove()
      await Promise.all([central.drop(), main.drop()])
    },
  }
}

async function makeTenant(example: Example, slug: string): Promise<KnexTenant & { stored: string }> {
  const server = sharedMariadb()
  const database = await freshMariadb(slug)
  const user = `u_${randomBytes(5).toString('hex')}`
  await server.query(`CREATE USER ${user}@'%' IDENTIFIED BY '${oddPassword.replaceAll("'", "''")}';
    GRANT ALL ON \`${database.name.replaceAll('_', '\\_')}\`.* TO ${user}@'%'`)
  await runKnex(example, database)
  const stored = await encrypt(example, oddPassword)
  return { id: randomUUID(), slug, user, password: oddPassword, database, stored }
}

/** `migrate.latest` of Knex itself; what it ran. */
export async function runKnex(example: Example, { url }: Pick<MariadbDatabase, 'url'>): Promise<string[]> {
  const [, names] = await withNative({ client: 'mysql2', url }, (knex) => knex.migrate.latest(), {
    migrations: { directory: join(example.dir, 'migrations/tenant') },
  })
  return names
}

/** What the backend's own script makes of a password. */
export async function encrypt(example: Example, password: string): Promise<string> {
  const { stdout } = await example.ok('printf %s "$PASSWORD" | node scripts/encrypt-password.js', {
    PASSWORD: password,
  })
  return stdout.trim()
}

/** What Knex has recorded in a database, in its order. */
export async function knexRows(database: Pick<MariadbDatabase, 'query'>): Promise<unknown[]> {
  return (await database.query('SELECT name FROM knex_migrations ORDER BY id')).map(({ name }) => name)
}

/** The columns of a table; empty: there is none. */
export async function columnsOf({ name, query }: Pick<MariadbDatabase, 'name' | 'query'>, table: string) {
  const rows = await query(
    'SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION',
    [name, table],
  )
  return rows.map((row) => String(row.name))
}

export const initial = [
  '20250101090000_create_users_and_roles.js',
  '20250108090000_create_apps.js',
  '20250115090000_create_tasks.js',
]
