import type { Client } from 'pg'
import type { CodeRequest, CodeSession } from '../../model/code.ts'
import type { Connection } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'

/** A session of ours as `pg` clients, for migrations that are code. */
export function openCodeSession(_connection: Connection, _client: Client, _request: CodeRequest): CodeSession {
  throw new TenantryError('INTERNAL', 'Code cannot run here yet.')
}
