/**
 * A small API: in shared mode each request says whose it is (`x-tenant`), in dedicated mode there is one customer. The
 * pools are tenantry's, sized by DB_POOL_MAX, DB_POOL_MIN and REGISTRY_DB_POOL_MAX. It never migrates anything.
 */
const { createServer } = require('node:http')

const isShared = Boolean(process.env.TENANT_REGISTRY_DB_URL)

const routes = {
  // What the web's sidebar shows to a SuperAdmin.
  'GET /sidebar': (connection) =>
    connection.query(`SELECT m.code, m.name FROM modules m
      JOIN role_modules l ON l.module_id = m.id JOIN roles r ON r.id = l.role_id
      WHERE r.name = 'SuperAdmin' AND l.can_view ORDER BY m.position`),
  'GET /clients': (connection) => connection.query('SELECT id, name FROM clients ORDER BY id'),
  'POST /clients': async (connection, { name }) => {
    const [row] = await connection.query('INSERT INTO clients (name) VALUES ($1) RETURNING id, name', [name])
    return row
  },
}
const refusals = { TENANT_UNKNOWN: 401, TENANT_STATE: 403 }

async function main() {
  const { openTenantry } = await import('tenantry')
  const tenantry = await openTenantry()

  const server = createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    try {
      const route = routes[`${request.method} ${request.url}`]
      if (route === undefined) return answer(404, { error: 'no such route' })
      const connection = await tenantry.connectionFor(isShared ? (request.headers['x-tenant'] ?? '') : 'app')
      let body = ''
      for await (const chunk of request) body += chunk
      answer(200, await route(connection, body === '' ? {} : JSON.parse(body)))
    } catch (error) {
      const status = refusals[error.code] ?? 500
      if (status === 500) console.error(error.message)
      answer(status, { error: status === 500 ? 'something went wrong' : error.message })
    }
  })

  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => tenantry.close()))
  server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`Listening on port ${server.address().port}`)
  })
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
