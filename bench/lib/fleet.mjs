import pg from 'pg'

let made = 0

/**
 * Runs work in a fresh database with `count` empty schemas, and drops it afterwards. A checkpoint before and after, so
 * that no run pays for the writes of the one before it.
 * @param {object} server
 * @param {number} count
 * @param {(fleet: { database: string, schemas: string[] }) => Promise<T>} work
 * @returns {Promise<T>}
 * @template T
 */
export async function withSchemas(server, count, work) {
  const [database] = await createDatabases(server, 1)
  try {
    const schemas = await createSchemas(server, database, count)
    await server.query('CHECKPOINT')
    return await work({ database, schemas })
  } finally {
    await dropDatabases(server, [database])
  }
}

/** The same with a number of fresh databases. */
export async function withDatabases(server, count, work) {
  const databases = await createDatabases(server, count)
  try {
    await server.query('CHECKPOINT')
    return await work({ databases })
  } finally {
    await dropDatabases(server, databases)
  }
}

/** @returns {Promise<string[]>} names, made in one transaction per thousand */
export async function createSchemas(server, database, count) {
  await server.query(
    `DO $$ BEGIN FOR i IN 1..${count} LOOP
       EXECUTE format('CREATE SCHEMA %I', 't_' || lpad(i::text, 5, '0'));
       IF i % 1000 = 0 THEN COMMIT; END IF;
     END LOOP; END $$`,
    database,
  )
  return Array.from({ length: count }, (_, index) => `t_${String(index + 1).padStart(5, '0')}`)
}

export async function createDatabases(server, count) {
  const names = Array.from({ length: count }, () => `bench_${++made}`)
  await withClient(server.url('postgres'), async (client) => {
    for (const name of names) await client.query(`CREATE DATABASE ${name}`)
  })
  return names
}

export async function dropDatabases(server, names) {
  await withClient(server.url('postgres'), async (client) => {
    for (const name of names) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  })
}

/** One connection for as long as `work` takes. */
export async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url })
  // A session that the server ends also emits; the rejected query already says so.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
