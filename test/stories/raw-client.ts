/** The least of a connection, over a plain driver, for functions that only ask questions. */
import { Client } from 'pg'
import { readFailure } from '../../src/dialects/postgres/failure.ts'
import { type Connection, DatabaseError } from '../../src/model/dialect.ts'

export async function openClient(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return client
}

export function adaptClient(client: Client): Pick<Connection, 'query'> {
  return {
    async query(text, values = []) {
      try {
        return (await client.query(text, [...values])).rows as Record<string, unknown>[]
      } catch (error) {
        throw new DatabaseError(readFailure(error, true), error)
      }
    },
  }
}
