/** Sessions of the dialect on a MariaDB of the tests. */
import { mysql } from '../../src/dialects/mysql/index.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { MariadbClient } from '../servers/mariadb.ts'

export function openMysql(
  { host, port, user, password }: Pick<MariadbClient, 'host' | 'port' | 'user' | 'password'>,
  database: string,
): Promise<Connection> {
  const server = {
    name: 'main',
    dialect: 'mysql' as const,
    host,
    port,
    user,
    password: new Secret(password),
    tls: null,
  }
  const limits = { maxConcurrency: 10, maxConcurrencyPerDatabase: 10 }
  return mysql.connect({ ...server, ...limits }, database, { connectTimeoutMs: 5000, applicationName: 'tenantry' })
}
