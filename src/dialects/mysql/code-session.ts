import type { CodeFailure, CodeRequest, CodeSession, HeldStatement } from '../../model/code.ts'
import type { Connection } from '../../model/dialect.ts'
import { CodeClient, sendText } from './code-client.ts'
import { CodeLine } from './code-line.ts'
import type { Client, ClientInside } from './driver.ts'

/** A session of ours as `mysql2` connections, for migrations that are code. */
export function openCodeSession(connection: Connection, client: Client, request: CodeRequest): CodeSession {
  return new MysqlCodeSession(connection, client, request)
}

class MysqlCodeSession implements CodeSession {
  readonly dialect = 'mysql'
  readonly serverVersion: string
  readonly schema: string | null
  readonly database: string
  readonly owner: object
  readonly transaction: boolean
  /** Nothing is held back here: each answer of this server tells whether its transaction is still open. */
  holdsOutermost = false
  readonly #client: Client
  readonly #line: CodeLine

  constructor(connection: Connection, client: Client, request: CodeRequest) {
    const { _handshakePacket: greeting } = client as unknown as ClientInside
    // MariaDB puts a version in front that old replicas of MySQL understand.
    this.serverVersion = (greeting?.serverVersion ?? '').replace(/^5\.5\.5-(?=.*mariadb)/i, '')
    this.schema = request.schema
    this.database = connection.database
    this.owner = connection
    this.transaction = request.transaction
    this.#client = client
    this.#line = new CodeLine(connection, (sql) => sendText(client, { sql }), request)
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
    return new CodeClient(this.#line, this.#client, this.database)
  }

  finish(): Promise<readonly HeldStatement[]> {
    return this.#line.finish()
  }

  close(): void {
    this.#line.close()
  }

  failureOf(error: unknown): CodeFailure | null {
    return this.#line.failures.find(error)
  }
}
