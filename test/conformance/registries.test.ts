import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import type { ResolvedRegistry } from '../../src/config/resolved.ts'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { Dialect } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { openRegistry } from '../../src/registry/registry.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { bareTenants, prismaTenants, sequelizeTenants, type TeamTable } from './mapped-tables.ts'
import { describeRegistry, type RegistrySample, sampleServers } from './registry.ts'

/** A database that nothing was made in yet, on some kind of server. */
interface Place {
  server: ServerAddress
  database: string
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

interface Kind {
  name: string
  dialect: Dialect
  describe: RegistrySample['describe']
  fresh(): Promise<Place>
  tables: Readonly<Record<string, TeamTable>>
}

function addressOf(dialect: Dialect, place: Partial<ServerAddress>): ServerAddress {
  const bounds = { tls: null, maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  return { name: 'registry', dialect: dialect.family, host: '', port: 0, ...bounds, ...place }
}

function reach({ host, port, user, password }: { host: string; port: number; user: string; password: string }) {
  return { host, port, user, password: new Secret(password) }
}

const kinds: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    dialect: postgres,
    describe,
    async fresh() {
      const database = await freshDatabase('registry')
      return { ...database, database: database.name, server: addressOf(postgres, reach(sharedServer())) }
    },
    tables: {
      'the Sequelize table': sequelizeTenants({ uuid: 'uuid', time: 'timestamptz' }),
      'the Prisma table': prismaTenants((name) => `"${name}"`, { time: 'timestamp(3)' }),
      'a bare table': bareTenants('bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'),
    },
  },
  {
    name: 'MariaDB',
    dialect: mysql,
    describe: withMariadb,
    async fresh() {
      const database = await freshMariadb('registry')
      return { ...database, database: database.name, server: addressOf(mysql, reach(sharedMariadb())) }
    },
    tables: {
      'the Sequelize table': sequelizeTenants({
        uuid: 'char(36) CHARACTER SET ascii COLLATE ascii_bin',
        time: 'datetime',
      }),
      'the Prisma table': prismaTenants((name) => `\`${name}\``, { time: 'datetime(3)' }),
      'a bare table': bareTenants('bigint NOT NULL AUTO_INCREMENT PRIMARY KEY'),
    },
  },
  {
    name: 'SQLite',
    dialect: sqlite,
    describe,
    async fresh() {
      const directory = mkdtempSync(join(tmpdir(), 'tenantry-registry-'))
      closeSync(openSync(join(directory, 'registry.db'), 'wx'))
      const server = addressOf(sqlite, { directory })
      const query = async (sql: string) => {
        const connection = await sqlite.connect(server, 'registry.db', {
          connectTimeoutMs: 5000,
          applicationName: 'test',
        })
        try {
          return await connection.query(sql)
        } finally {
          await connection.close()
        }
      }
      const drop = async () => rmSync(directory, { recursive: true, force: true })
      return { server, database: 'registry.db', query, drop }
    },
    tables: {
      'the Sequelize table': sequelizeTenants({ uuid: 'uuid', time: 'datetime' }),
      'the Prisma table': prismaTenants((name) => `"${name}"`, { time: 'datetime' }),
      'a bare table': bareTenants('INTEGER PRIMARY KEY AUTOINCREMENT'),
    },
  },
]

function describeOver(kind: Kind, table: string | null) {
  const team = table === null ? undefined : kind.tables[table]
  describeRegistry({
    title: `${table ?? 'own tables'} on ${kind.name}`,
    describe: kind.describe,
    countsIds: table === 'a bare table',
    async fresh() {
      const place = await kind.fresh()
      for (const sql of team?.create ?? []) await place.query(sql)
      const { server, database } = place
      const resolved: ResolvedRegistry = {
        server,
        database,
        isEmbedded: false,
        schema: null,
        poolMax: 3,
        sets: [],
        mapped: team?.mapped ?? null,
      }
      const options = { connectTimeoutMs: 10_000, servers: sampleServers() }
      return { ...place, open: () => openRegistry(resolved, () => kind.dialect, options) }
    },
  })
}

for (const kind of kinds) for (const table of [null, ...Object.keys(kind.tables)]) describeOver(kind, table)
