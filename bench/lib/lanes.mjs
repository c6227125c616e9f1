import pg from 'pg'
import { runAll } from './run-all.mjs'

/**
 * Every schema by one of a few open connections, each with its own search path while it is worked on: the best way to
 * loop that a tool has which takes a connection.
 * @param {{ url: string, schemas: readonly string[], concurrency: number }} job
 * @param {(client: pg.Client, schema: string, lane: number) => Promise<void>} work
 */
export async function inLanes({ url, schemas, concurrency }, work) {
  const clients = await Promise.all(
    Array.from({ length: Math.min(concurrency, schemas.length) }, async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      return client
    }),
  )
  try {
    await runAll(schemas, concurrency, async (schema, lane) => {
      await clients[lane].query(`SET search_path TO "${schema}"`)
      await work(clients[lane], schema, lane)
    })
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}
