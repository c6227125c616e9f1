import { createHash } from 'node:crypto'
import pg from 'pg'
import { runAll } from '../lib/run-all.mjs'

/**
 * The least that a tool can do with awaited messages: a bare driver, open connections that serve one schema after the
 * other, one simple-protocol message per migration. It reads no history, takes no lock, keeps no ledger and reports nothing.
 */
export const floor = {
  name: 'floor',
  historyTable: 'schema_migrations',

  async prepare({ sources }) {
    return sources.map(({ id, sql }) => ({ id, sql, checksum: createHash('sha256').update(sql).digest('hex') }))
  },

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    const clients = await connectAll(url, Math.min(concurrency, schemas.length))
    try {
      await runAll(schemas, concurrency, (schema, lane) => applyAll(clients[lane], schema, migrations))
    } finally {
      await Promise.all(clients.map((client) => client.end()))
    }
  },

  async migrateDatabases({ urls, concurrency, migrations }) {
    await runAll(urls, concurrency, async (url) => {
      const [client] = await connectAll(url, 1)
      try {
        await applyAll(client, 'public', migrations)
      } finally {
        await client.end()
      }
    })
  },
}

/** The table that a SQL folder's own runner keeps, and that tenantry takes over: the same end state, the same SQL. */
const historyTable = `CREATE TABLE schema_migrations (id SERIAL PRIMARY KEY, version VARCHAR(255) NOT NULL UNIQUE,
  description TEXT, applied_at TIMESTAMP DEFAULT now(), checksum VARCHAR(64));`

async function applyAll(client, schema, migrations) {
  for (const [index, { id, sql, checksum }] of migrations.entries()) {
    const first = index === 0 ? historyTable : ''
    const record = `INSERT INTO schema_migrations (version, applied_at, checksum) VALUES ('${id}', now(), '${checksum}')`
    await client.query(`BEGIN; SET LOCAL search_path TO "${schema}"; ${first}\n${sql}\n${record}; COMMIT`)
  }
}

function connectAll(url, count) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      return client
    }),
  )
}
