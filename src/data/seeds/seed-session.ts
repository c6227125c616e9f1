import { randomBytes } from 'node:crypto'
import type { Lease } from '../../engine/pool.ts'
import type { EngineSettings } from '../../engine/settings.ts'
import type { Connection, Dialect } from '../../model/dialect.ts'
import type { TransactionMark } from '../../model/phrases.ts'
import type { SeedWords } from '../../model/seed-words.ts'
import type { Target } from '../../model/tenant.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { send } from '../in-transaction.ts'

/**
 * The session of a run in one target. Each transaction takes the lock of the target's migrations: neither `up` nor another
 * run of seeds changes anything there meanwhile.
 */
export class SeedSession {
  readonly #fleet: Fleet
  readonly #target: Target
  readonly #dialect: Dialect
  readonly #settings: EngineSettings
  readonly #historySchema: string | null
  #lease: Lease | null = null
  #lockKey = ''

  constructor(fleet: Fleet, target: Target, settings: EngineSettings, historySchema: string | null) {
    this.#fleet = fleet
    this.#target = target
    this.#dialect = fleet.pool.dialect(target.placement.server)
    this.#settings = settings
    this.#historySchema = historySchema
  }

  get schema(): string | null {
    return this.#target.placement.schema ?? null
  }

  /** Connects where it is not connected. Throws `DatabaseError`. */
  async open(words: SeedWords): Promise<Connection> {
    if (this.#lease !== null && !this.#lease.connection.broken) return this.#lease.connection
    await this.discard()
    const { server, database } = this.#target.placement
    this.#lease = await this.#fleet.pool.lease(server, database)
    const { connection } = this.#lease
    const own = this.schema ?? this.#historySchema
    const [row] = own === null ? await connection.query(`SELECT ${words.home} AS home`) : []
    this.#lockKey = own ?? String(row?.home ?? 'public')
    return connection
  }

  /** Opens a transaction, under the target's lock. Throws `DatabaseError`. */
  async begin(connection: Connection): Promise<TransactionMark> {
    const mark = { lockKey: this.#lockKey, token: randomBytes(9).toString('base64url') }
    const { sharedSchema, lockTimeoutMs, statementTimeoutMs, idleInTransactionTimeoutMs } = this.#settings
    const settings = {
      schema: this.schema,
      sharedSchema,
      lockTimeoutMs,
      statementTimeoutMs,
      idleInTransactionTimeoutMs,
      session: [],
    }
    await send(connection, this.#dialect.phrases.begin(settings, mark, connection.version))
    return mark
  }

  /** Commits it, if it is still the one that was begun. Throws `DatabaseError`. */
  async commit(connection: Connection, mark: TransactionMark): Promise<void> {
    const { checked, commit } = this.#dialect.phrases
    await send(connection, [`SELECT ${checked(mark, 1)}`, commit])
  }

  async rollback(): Promise<void> {
    const connection = this.#lease?.connection
    if (connection !== undefined && !connection.broken)
      await connection.query(this.#dialect.phrases.rollback).catch(() => [])
  }

  /** Closes it in the middle of whatever runs there: the server undoes that. */
  async discard(): Promise<void> {
    const lease = this.#lease
    this.#lease = null
    await lease?.release(true)
  }

  /** Forgets what seeds may have left in the session, and gives it back. */
  async close(): Promise<void> {
    const lease = this.#lease
    this.#lease = null
    if (lease === null) return
    const { connection } = lease
    const clean = !connection.broken && (await connection.pipeline(this.#dialect.phrases.reset)).failure === null
    await lease.release(!clean)
  }
}
