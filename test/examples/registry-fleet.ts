/** The registry and the databases of the tenants that the guide of sequelize-registry speaks of. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { makeKey } from '../../src/registry/key-ring.ts'
import { seal } from '../../src/registry/seal.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { type Example, openExample } from './example.ts'

export interface RegistryTenant {
  id: string
  slug: string
  role: string
  password: string
  database: TestDatabase
}

export interface RegistryFleet {
  example: Example
  registry: TestDatabase
  /** Variables of shared mode. */
  shared: Record<string, string>
  /** Variables of dedicated mode, for a database. */
  dedicated(database: TestDatabase): Record<string, string>
  /** A row as the team's application writes it: the tenant owns its database, and its password is sealed. */
  addTenant(slug: string, row?: { mode?: string; status?: string }): Promise<RegistryTenant>
  /** An empty database that goes away with the fleet. */
  database(label: string): Promise<TestDatabase>
  /** Files of a folder with migrations, in the order of their names. */
  files(dir?: string): string[]
  remove(): Promise<void>
}

/** The names in SequelizeMeta; null: there is no such table. */
export async function historyOf(database: TestDatabase): Promise<string[] | null> {
  const [found] = await database.query(`SELECT to_regclass('public."SequelizeMeta"') IS NOT NULL AS there`)
  if (found?.there !== true) return null
  return (await database.query('SELECT name FROM "SequelizeMeta" ORDER BY name')).map(({ name }) => String(name))
}

export async function tablesIn(database: TestDatabase): Promise<string[]> {
  const rows = await database.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
  return rows.map(({ name }) => String(name))
}

/** With an empty registry: `npm run db:registry-migrate` makes its tables. */
export async function openFleet(): Promise<RegistryFleet> {
  const server = sharedServer()
  const registry = await freshDatabase('registry')
  const made: TestDatabase[] = [registry]
  const roles: string[] = []
  const keyText = randomBytes(16).toString('hex')
  const key = makeKey('current', Buffer.from(keyText), Buffer.from(keyText))
  const example = openExample('sequelize-registry')
  const database = async (label: string) => {
    const fresh = await freshDatabase(label)
    made.push(fresh)
    return fresh
  }
  return {
    example,
    registry,
    shared: { TENANT_REGISTRY_DB_URL: registry.url, MASTER_ENCRYPTION_KEY: keyText },
    dedicated: ({ name }) => ({
      DB_HOST: server.host,
      DB_PORT: String(server.port),
      DB_USER: server.user,
      DB_PASS: server.password,
      DB_NAME: name,
    }),
    database,
    async addTenant(slug, { mode = 'shared', status = 'active' } = {}) {
      const place = await database(slug)
      const [id, role, password] = [randomUUID(), `r_${randomBytes(5).toString('hex')}`, randomBytes(9).toString('hex')]
      await server.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
      roles.push(role)
      await server.query(`ALTER DATABASE "${place.name}" OWNER TO ${role}`)
      await registry.query(
        `INSERT INTO tenants (id, slug, company_name, mode, status, db_host, db_port, db_name, db_user, db_password_encrypted)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          ...[id, slug, `${slug} Ltd`, mode, status],
          ...[server.host, server.port, place.name, role, seal(key, id, new Secret(password))],
        ],
      )
      return { id, slug, role, password, database: place }
    },
    files: (dir = 'migrations') => readdirSync(join(example.dir, dir)).sort(),
    async remove() {
      example.remove()
      for (const { drop } of made) await drop()
      for (const role of roles) await server.query(`DROP ROLE IF EXISTS ${role}`)
    },
  }
}

/** A migration that does one thing. */
export function migration(up: string, down = 'return undefined'): string {
  return `'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    ${up}
  },
  down: async (queryInterface, Sequelize) => {
    ${down}
  },
}
`
}

/** sequelize-cli's own word: every file is applied. */
export async function expectToolToAgree(
  example: Example,
  env: Readonly<Record<string, string>>,
  files: readonly string[],
  options = '',
): Promise<void> {
  const { stdout } = await example.ok(`npx sequelize-cli db:migrate:status ${options}`, env)
  expect(stdout.match(/^(?:up|down) .*$/gm)).toEqual(files.map((file) => `up ${file}`))
}
