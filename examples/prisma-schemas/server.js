/** A small API over a schema per user. It makes schemas for new users; it migrates nobody else. */
import { createServer } from 'node:http'
import { isTenantryError } from 'tenantry'
import { createTenantSchema, openFleet } from './controllers/services/tenantService.js'

const tenantry = await openFleet((step) => console.log(step))

/** The user's own schema is on the search path of `query`. */
const routes = {
  'GET /team': (query) => query('SELECT name, email, role FROM team_member ORDER BY created_at'),
  'GET /vendors': (query) => query('SELECT id, name, email FROM vendor ORDER BY name'),
  'POST /vendors': (query, { name, email }) =>
    query('INSERT INTO vendor (name, email) VALUES ($1, $2) RETURNING id, name, email', [name, email]),
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    let text = ''
    for await (const chunk of request) text += chunk
    const body = text === '' ? {} : JSON.parse(text)
    const name = `${request.method} ${request.url}`
    if (name === 'POST /register') {
      const { schema, made } = await createTenantSchema(tenantry, String(body.username ?? ''), body.email)
      return made ? answer(201, { schema }) : answer(409, { error: 'there is such a user' })
    }
    const route = routes[name]
    if (route === undefined) return answer(404, { error: 'no such route' })
    const connection = await tenantry.connectionFor(request.headers['x-user'] ?? '')
    answer(200, await route((sql, values) => connection.query(sql, values), body))
  } catch (error) {
    console.error(error.message)
    const status = isTenantryError(error) ? { TENANT_INVALID: 400, TENANT_UNKNOWN: 401 }[error.code] : undefined
    answer(status ?? 500, { error: status === undefined ? 'something went wrong' : error.message })
  }
})

server.listen(Number(process.env.PORT ?? '3000'), '127.0.0.1', () => {
  console.log(`Listening on port ${server.address().port}`)
})
