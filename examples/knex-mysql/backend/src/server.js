/** A small API. Tenants are made through it; each request for one is answered from that tenant's own database. */
const { createServer } = require('node:http')
const mysql = require('mysql2/promise')
const { decryptPassword } = require('./crypto.js')
const { TenantProvisioningService } = require('./tenant/tenant-provisioning.service.js')

const { CENTRAL_DATABASE_URL, PORT = '3000' } = process.env
const central = mysql.createPool({ uri: CENTRAL_DATABASE_URL, connectionLimit: 5 })
const provisioning = new TenantProvisioningService()

async function findTenant(slug) {
  const [[tenant]] = await central.query('SELECT * FROM tenants WHERE slug = ?', [slug])
  return tenant
}

async function withTenant(slug, work) {
  const tenant = await findTenant(slug)
  if (tenant?.status !== 'ACTIVE') return [404, { error: 'no such tenant' }]
  const database = await mysql.createConnection({
    host: tenant.dbHost,
    port: tenant.dbPort,
    user: tenant.dbUser,
    password: decryptPassword(tenant.dbPasswordEncrypted),
    database: tenant.dbName,
  })
  try {
    return [200, await work(database)]
  } finally {
    await database.end()
  }
}

async function createTenant(email, { slug, name }) {
  const [[user]] = await central.query('SELECT id FROM users WHERE email = ?', [email ?? ''])
  if (user === undefined) return [401, { error: 'no such user' }]
  try {
    const { id } = await provisioning.provisionTenant({ slug, name })
    const { status } = await findTenant(slug)
    return [201, { id, slug, status }]
  } catch (error) {
    console.error(`${error.code}: ${error.message}`)
    return error.code === 'TENANT_INVALID' ? [400, { error: error.message }] : [500, { error: error.code }]
  }
}

async function answer({ method, url, headers }, body) {
  if (method === 'POST' && url === '/tenants') return createTenant(headers['x-user'], body)
  const [, slug] = /^\/tenants\/([^/]+)\/tasks$/.exec(url) ?? []
  if (slug === undefined) return [404, { error: 'no such route' }]
  return withTenant(slug, async (database) => {
    if (method === 'POST') await database.query('INSERT INTO tasks (title) VALUES (?)', [body.title])
    const [tasks] = await database.query('SELECT id, title FROM tasks ORDER BY id')
    return tasks
  })
}

const server = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const [status, body] = await answer(request, text === '' ? {} : JSON.parse(text)).catch((error) => {
    console.error(error.message)
    return [500, { error: 'something went wrong' }]
  })
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
})

server.listen(Number(PORT), '127.0.0.1', () => console.log(`Listening on port ${server.address().port}`))

process.once('SIGTERM', () => {
  server.close(async () => {
    await provisioning.close()
    await central.end()
  })
})
