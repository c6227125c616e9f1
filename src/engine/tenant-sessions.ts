import type { AppPool } from '../model/app.ts'
import type { Connection } from '../model/dialect.ts'

type Row = Record<string, unknown>

interface Idle {
  connection: Connection
  timer: NodeJS.Timeout | null
}

/** Sessions of one tenant: opened when they are needed, at most `max`, closed after they have been idle. */
export class TenantSessions {
  readonly #open: () => Promise<Connection>
  readonly #pool: AppPool
  readonly #idle: Idle[] = []
  readonly #waiting: (() => void)[] = []
  #count = 0
  #closed = false

  constructor(open: () => Promise<Connection>, pool: AppPool) {
    this.#open = open
    this.#pool = pool
  }

  /** Lends a session; one that an error may have left in a transaction is closed. */
  async lend<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    while (this.#count >= this.#pool.max && this.#idle.length === 0)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const connection = this.#takeIdle() ?? (await this.#connect())
    let isClean = false
    try {
      const result = await work(connection)
      isClean = true
      return result
    } finally {
      await this.#giveBack(connection, isClean)
    }
  }

  /** A statement that fails by itself leaves its session as it was. */
  query(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.lend(async (connection) => {
      let failure: unknown
      const rows = await connection.query(sql, values).catch((error: unknown) => {
        failure = error ?? new Error('The statement failed.')
        return []
      })
      return { rows, failure }
    }).then(({ rows, failure }) => {
      if (failure !== undefined) throw failure
      return rows
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { connection, timer } of this.#idle.splice(0)) {
      if (timer !== null) clearTimeout(timer)
      await this.#end(connection)
    }
  }

  #takeIdle(): Connection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.timer !== null) clearTimeout(idle.timer)
      if (!idle.connection.broken) return idle.connection
      this.#count--
    }
    return undefined
  }

  async #connect(): Promise<Connection> {
    this.#count++
    try {
      return await this.#open()
    } catch (error) {
      this.#count--
      this.#waiting.shift()?.()
      throw error
    }
  }

  async #giveBack(connection: Connection, isClean: boolean): Promise<void> {
    if (connection.broken || !isClean || this.#closed) await this.#end(connection)
    else {
      const idle: Idle = { connection, timer: null }
      if (this.#count > this.#pool.min) {
        idle.timer = setTimeout(() => this.#drop(idle), this.#pool.idleMs)
        idle.timer.unref()
      }
      this.#idle.push(idle)
    }
    this.#waiting.shift()?.()
  }

  #drop(idle: Idle): void {
    const at = this.#idle.indexOf(idle)
    if (at < 0 || this.#count <= this.#pool.min) return
    this.#idle.splice(at, 1)
    void this.#end(idle.connection)
  }

  async #end(connection: Connection): Promise<void> {
    this.#count--
    // What a connection says while it closes changes nothing for anybody.
    await connection.close().catch(() => {})
  }
}
