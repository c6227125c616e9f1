/** Registries of every kind, for stories about their tenants; the tenants' databases are PostgreSQL's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'

export interface RegistryPlace {
  url: string
  drop(): Promise<void>
}

/** Each kind of database that a registry may be in, with the `describe` for it. */
export const registryKinds: readonly {
  name: string
  describe: (title: string, define: () => void) => void
  fresh(): Promise<RegistryPlace>
}[] = [
  { name: 'PostgreSQL', describe, fresh: () => freshDatabase('registry') },
  { name: 'MariaDB', describe: withMariadb, fresh: () => freshMariadb('registry') },
  {
    name: 'SQLite',
    describe,
    async fresh() {
      const dir = mkdtempSync(join(tmpdir(), 'tenantry-registry-'))
      return { url: `sqlite:${join(dir, 'registry.db')}`, drop: async () => rmSync(dir, { recursive: true }) }
    },
  },
]

export const twoMigrations = {
  'migrations/001_users.sql': 'create table users (id int primary key, email text);\n',
  'migrations/002_notes.sql': 'create table notes (id int primary key, user_id int references users);\n',
}

/** Databases of the run's PostgreSQL server with this in their names. */
export async function databasesLike(part: string): Promise<string[]> {
  const rows = await sharedServer().query('select datname from pg_database order by 1')
  return rows.map(({ datname }) => String(datname)).filter((name) => name.includes(part))
}
