import type { Connection as Client } from 'mysql2'
import type { CodeRequest, CodeSession } from '../../model/code.ts'
import type { Connection } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'

/** A session of ours as `mysql2` connections, for migrations that are code. */
export function openCodeSession(_connection: Connection, _client: Client, _request: CodeRequest): CodeSession {
  throw new TenantryError('INTERNAL', 'Code cannot run here yet.')
}
