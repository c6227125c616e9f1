import { describe } from 'vitest'
import type { ResolvedRegistry } from '../../src/config/resolved.ts'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import type { Dialect } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { openRegistry } from '../../src/registry/registry.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { describeRegistry, sampleServers } from './registry.ts'

function open(dialect: Dialect, place: Partial<ServerAddress>, database: string) {
  const server = {
    name: 'registry',
    dialect: dialect.name,
    host: '',
    port: 0,
    tls: null,
    maxConcurrency: 8,
    maxConcurrencyPerDatabase: 4,
    ...place,
  }
  const resolved: ResolvedRegistry = {
    server,
    database,
    isEmbedded: false,
    schema: null,
    poolMax: 3,
    sets: [],
    mapped: null,
  }
  return openRegistry(resolved, () => dialect, { connectTimeoutMs: 10_000, servers: sampleServers() })
}

function reach({ host, port, user, password }: { host: string; port: number; user: string; password: string }) {
  return { host, port, user, password: new Secret(password) }
}

describeRegistry({
  title: 'own tables on PostgreSQL',
  describe,
  isMapped: false,
  async fresh() {
    const database = await freshDatabase('registry')
    return { ...database, open: () => open(postgres, reach(sharedServer()), database.name) }
  },
})

describeRegistry({
  title: 'own tables on MariaDB',
  describe: withMariadb,
  isMapped: false,
  async fresh() {
    const database = await freshMariadb('registry')
    return { ...database, open: () => open(mysql, reach(sharedMariadb()), database.name) }
  },
})
