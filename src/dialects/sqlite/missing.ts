import { DatabaseError } from '../../model/dialect.ts'

/** There is no such database. */
export function missing(message: string): DatabaseError {
  return new DatabaseError({ kind: 'database-missing', message, detail: null, sqlstate: null, position: null })
}
