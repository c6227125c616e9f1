import { type Connection, DatabaseError } from '../../model/dialect.ts'

/** Statements in one round trip. Throws `DatabaseError`. */
export async function runAll(connection: Connection, statements: readonly string[]): Promise<void> {
  const { failure } = await connection.pipeline(statements)
  if (failure !== null) throw new DatabaseError(failure)
}
