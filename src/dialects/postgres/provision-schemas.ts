import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { Dropped, Made, Places } from '../../model/places.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

async function readMark(connection: Connection, name: string): Promise<string | null | undefined> {
  const [row] = await connection.query(
    `SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') AS mark FROM pg_catalog.pg_namespace n
      WHERE n.nspname OPERATOR(pg_catalog.=) $1::name`,
    [name],
  )
  return row === undefined ? undefined : (row.mark as string | null)
}

export const makeSchema: Places['makeSchema'] = async (connection, name, mark): Promise<Made> => {
  const schema = quoteIdentifier(name)
  const { failure } = await connection.pipeline([
    'BEGIN',
    'SET LOCAL synchronous_commit = off',
    `CREATE SCHEMA ${schema}`,
    `COMMENT ON SCHEMA ${schema} IS ${quoteLiteral(mark)}`,
    'COMMIT',
  ])
  if (failure === null) return 'made'
  const found = await readMark(connection, name)
  if (found === undefined) throw new DatabaseError(failure)
  return found === mark ? 'there' : 'taken'
}

export const dropSchema: Places['dropSchema'] = async (connection, name, mark): Promise<Dropped> => {
  const found = await readMark(connection, name)
  if (found === undefined) return 'gone'
  if (mark !== null && found !== mark) return 'taken'
  await connection.query(`DROP SCHEMA ${quoteIdentifier(name)} CASCADE`)
  return 'dropped'
}
