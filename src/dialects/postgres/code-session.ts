import type { Client } from 'pg'
import type { CodeFailure, CodeRequest, CodeSession, HeldStatement } from '../../model/code.ts'
import type { Connection } from '../../model/dialect.ts'
import { CodeClient } from './code-client.ts'
import { CodeLine } from './code-line.ts'

/** A session of ours as `pg` clients, for migrations that are code. */
export function openCodeSession(connection: Connection, client: Client, request: CodeRequest): CodeSession {
  return new PostgresCodeSession(connection, client, request)
}

class PostgresCodeSession implements CodeSession {
  readonly dialect = 'postgres'
  readonly serverVersion: string
  readonly schema: string | null
  readonly database: string
  readonly owner: object
  readonly transaction: boolean
  readonly #client: Client
  readonly #line: CodeLine

  constructor(connection: Connection, client: Client, request: CodeRequest) {
    const { version } = connection
    this.serverVersion = `${Math.floor(version / 10_000)}.${version % 10_000}`
    this.schema = request.schema
    this.database = connection.database
    this.owner = connection
    this.transaction = request.transaction
    this.#client = client
    this.#line = new CodeLine(connection, client, request)
  }

  get holdsOutermost(): boolean {
    return this.#line.holdsOutermost
  }

  set holdsOutermost(holds: boolean) {
    this.#line.holdsOutermost = holds
  }

  get done(): number {
    return this.#line.tally.done
  }

  get prefix(): string {
    return this.#line.tally.prefix
  }

  get collected(): readonly string[] {
    return this.#line.collected
  }

  acquire(): unknown {
    return new CodeClient(this.#line, this.#client)
  }

  finish(): Promise<readonly HeldStatement[]> {
    return this.#line.finish()
  }

  close(): void {
    this.#line.close()
  }

  failureOf(error: unknown): CodeFailure | null {
    return this.#line.failureOf(error)
  }
}
