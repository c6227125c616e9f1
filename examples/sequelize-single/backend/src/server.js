/** A small API on Sequelize models. It never migrates: `npm start` does that before it. */
const { createServer } = require('node:http')
const { DataTypes, Sequelize } = require('sequelize')
const settings = require('../config/sequelize.config.js')[process.env.NODE_ENV ?? 'development']

const sequelize = new Sequelize(settings)
const options = { underscored: true, createdAt: 'created_at', updatedAt: 'updated_at' }
const Organization = sequelize.define(
  'organization',
  {
    id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
    name: DataTypes.STRING,
    slug: DataTypes.STRING,
    status: DataTypes.STRING,
  },
  // Rows with a deleted_at are gone for the application.
  { ...options, paranoid: true, deletedAt: 'deleted_at' },
)
const Role = sequelize.define('role', { name: DataTypes.STRING, description: DataTypes.STRING }, options)

const routes = {
  '/organizations': () => Organization.findAll({ attributes: ['name', 'slug'], order: ['slug'], raw: true }),
  '/roles': () => Role.findAll({ attributes: ['name'], order: ['name'], raw: true }),
}

const server = createServer(async (request, response) => {
  const route = routes[request.url]
  try {
    const body = route === undefined ? { error: 'no such route' } : await route()
    response.writeHead(route === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  } catch (error) {
    console.error(error.message)
    response.writeHead(500).end()
  }
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Listening on port ${server.address().port}`)
})
