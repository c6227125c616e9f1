import type { Making } from './making.ts'
import { storedUser, tenantPassword } from './tenant-credential.ts'

/** Runs the config's hook with the tenant's own connection: it can do no more than the tenant's application. */
export async function writeFirstRows(making: Making): Promise<void> {
  const { about, tenant, record } = making
  const { firstRows } = about.fleet.config.provision
  if (firstRows === null) return
  const { pool, config } = about.fleet
  const { server, database, schema } = tenant.placement
  const role = record.facts.role ?? null
  const address = pool.server(server)
  const own =
    role === null
      ? address
      : {
          ...address,
          user: (await storedUser(about, tenant.id)) ?? role,
          password: await tenantPassword(about, tenant, role),
        }
  const dialect = pool.dialect(server)
  const options = { connectTimeoutMs: config.connectTimeoutMs, applicationName: 'tenantry' }
  const connection = await dialect.connect(own, database, options)
  try {
    const settings = {
      schema: schema ?? null,
      sharedSchema: config.sharedSchema,
      lockTimeoutMs: config.lockTimeoutMs,
      statementTimeoutMs: config.statementTimeoutMs,
      idleInTransactionTimeoutMs: config.idleInTransactionTimeoutMs,
      session: [],
    }
    for (const statement of dialect.sessionSettings(settings, connection.version)) await connection.run(statement)
    const given = { ...tenant, state: 'provisioning' as const }
    await firstRows({ tenant: given, query: (sql, values = []) => connection.query(sql, values) })
  } finally {
    await connection.close()
  }
}
