/** A small API over shared tables: every query carries the tenant of the request. It never migrates anything. */
import { createServer } from 'node:http'
import pg from 'pg'

const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASS, PORT = '3000' } = process.env
const pool = new pg.Pool({ host: DB_HOST, port: Number(DB_PORT), database: DB_NAME, user: DB_USER, password: DB_PASS })

const routes = {
  'GET /users': async (tenant) =>
    (await pool.query('SELECT id, email, name FROM users WHERE tenant_id = $1 ORDER BY email', [tenant])).rows,
  'POST /users': async (tenant, { email, name }) => {
    const sql = 'INSERT INTO users (tenant_id, email, name) VALUES ($1, $2, $3) RETURNING id, email, name'
    return (await pool.query(sql, [tenant, email, name])).rows[0]
  },
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    const route = routes[`${request.method} ${request.url}`]
    if (route === undefined) return answer(404, { error: 'no such route' })
    const { rows } = await pool.query('SELECT id FROM tenants WHERE slug = $1', [request.headers['x-tenant'] ?? ''])
    if (rows[0] === undefined) return answer(401, { error: 'no such tenant' })
    let body = ''
    for await (const chunk of request) body += chunk
    answer(200, await route(rows[0].id, body === '' ? {} : JSON.parse(body)))
  } catch (error) {
    console.error(error.message)
    answer(500, { error: 'something went wrong' })
  }
})

server.listen(Number(PORT), '127.0.0.1', () => console.log(`Listening on port ${server.address().port}`))
