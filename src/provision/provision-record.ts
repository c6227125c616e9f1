import { randomBytes } from 'node:crypto'
import type { ErrorDocument } from '../model/errors.ts'
import { TenantryError } from '../model/errors.ts'
import { markPrefix } from '../model/places.ts'
import type { ProvisionStep } from '../model/provision.ts'
import type { RegistryDatabase } from '../model/registry.ts'
import { claimName, giveUpName, isGone } from '../registry/process-name.ts'
import type { Registry } from '../registry/registry.ts'

/** A provisioner that said nothing for so long has ended, or hangs: another one may go on. */
export const silentAfterMs = 15_000
const heartbeatMs = 3000

/** What is known of a tenant that is being made. */
export interface ProvisionFacts {
  /** Its role; null or absent: none. */
  role?: string | null
  /** The role of that name is ours. */
  roleMade?: boolean
  /** Its place was made; from then on migrations may change what it is marked with. */
  placed?: boolean
  /** Its place may be left for another one: the name was made, and nothing is in it. */
  renamable?: boolean
  /** A place without transactions is being filled: what is in it counts for nothing. */
  filling?: boolean
}

export interface ProvisionRow {
  token: string
  step: ProvisionStep
  attempts: number
  facts: ProvisionFacts
}

type Query = RegistryDatabase['query']

/** One tenant's row in the book of provisions, held by this process until `release`. */
export class ProvisionRecord {
  readonly tenantId: string
  readonly token: string
  readonly attempts: number
  readonly #registry: Registry
  readonly #owner: string
  readonly #timer: NodeJS.Timeout
  readonly #lost = new AbortController()
  #facts: ProvisionFacts
  #step: ProvisionStep = 'reserve'
  #stepWritten: ProvisionStep | null = null
  #written: Promise<unknown> = Promise.resolve()

  private constructor(registry: Registry, tenantId: string, owner: string, row: ProvisionRow) {
    this.#registry = registry
    this.tenantId = tenantId
    this.token = row.token
    this.attempts = row.attempts
    this.#owner = owner
    this.#facts = row.facts
    this.#timer = setInterval(() => void this.#beat(), heartbeatMs)
    this.#timer.unref()
  }

  /** null: another provisioner has it, and lives. `only`: not unless it is at this step. */
  static async claim(registry: Registry, tenantId: string, only?: ProvisionStep): Promise<ProvisionRecord | null> {
    const owner = claimName()
    const table = registry.table('provisions')
    const now = new Date().toISOString()
    try {
      const row = await registry.database.transaction(async (query) => {
        const found = await readRow(registry, query, tenantId)
        if (only !== undefined && found?.step !== only) return null
        if (found === null) {
          const token = randomBytes(12).toString('hex')
          await query(
            `INSERT INTO ${table} (tenant_id, token, step, owner, heartbeat_at, started_at, updated_at, attempts, facts)
             VALUES (?, ?, 'reserve', ?, ${registry.nowMs}, ?, ?, 1, '{}')`,
            [tenantId, token, owner, now, now],
          )
          return { token, step: 'reserve' as const, attempts: 1, facts: {} }
        }
        if (found.owner !== null && !isGone(found.owner) && found.silentMs < silentAfterMs) return null
        await query(
          `UPDATE ${table} SET owner = ?, heartbeat_at = ${registry.nowMs}, updated_at = ?, attempts = attempts + 1, error = NULL
            WHERE tenant_id = ?`,
          [owner, now, tenantId],
        )
        return { ...found, attempts: found.attempts + 1 }
      })
      if (row !== null) return new ProvisionRecord(registry, tenantId, owner, row)
    } catch (error) {
      giveUpName(owner)
      throw error
    }
    giveUpName(owner)
    return null
  }

  get facts(): ProvisionFacts {
    return this.#facts
  }

  /** Aborts when another process has taken over. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Throws PROVISION_FAILED. */
  refuseLost(): void {
    if (this.#lost.signal.aborted) throw takenOver()
  }

  /**
   * For people, and to be read by those that wait: every step can be done again, so nothing waits for this. What could
   * not be written is not written.
   */
  say(step: ProvisionStep): void {
    this.#step = step
    this.#queue(async () => {
      // Of steps that came while the last one was written, only the newest is.
      if (this.#step === this.#stepWritten) return
      this.#stepWritten = this.#step
      await this.#registry.database.query(
        `UPDATE ${this.#registry.table('provisions')} SET step = ?, updated_at = ? WHERE tenant_id = ? AND owner = ?`,
        [this.#step, new Date().toISOString(), this.tenantId, this.#owner],
      )
    })
  }

  /** Not waited for: what it says can be found out otherwise. */
  mention(facts: ProvisionFacts): void {
    this.#facts = { ...this.#facts, ...facts }
    const text = JSON.stringify(this.#facts)
    this.#queue(async () => {
      await this.#registry.database.query(
        `UPDATE ${this.#registry.table('provisions')} SET facts = ? WHERE tenant_id = ? AND owner = ?`,
        [text, this.tenantId, this.#owner],
      )
    })
  }

  /** Waited for: what follows relies on it. Throws PROVISION_FAILED where another process has taken over. */
  async note(facts: ProvisionFacts): Promise<void> {
    await this.#written
    const next = { ...this.#facts, ...facts }
    await this.#registry.database.transaction(async (query) => {
      await this.hold(query)
      await query(`UPDATE ${this.#registry.table('provisions')} SET facts = ? WHERE tenant_id = ?`, [
        JSON.stringify(next),
        this.tenantId,
      ])
    })
    this.#facts = next
  }

  /** Within a transaction: it is still ours. Throws PROVISION_FAILED. */
  async hold(query: Query): Promise<void> {
    const row = await readRow(this.#registry, query, this.tenantId)
    if (row?.owner === this.#owner) return
    this.#lost.abort()
    throw takenOver()
  }

  /** Within the transaction that makes the tenant active. */
  async finish(query: Query): Promise<void> {
    await this.hold(query)
    await query(
      `UPDATE ${this.#registry.table('provisions')} SET step = 'active', owner = NULL, error = NULL, updated_at = ? WHERE tenant_id = ?`,
      [new Date().toISOString(), this.tenantId],
    )
  }

  /** Gives it back, at this step and with what was in the way; another one may go on from there. */
  async release(step: ProvisionStep | null, error: ErrorDocument | null): Promise<void> {
    this.close()
    await this.#written
    const table = this.#registry.table('provisions')
    const now = new Date().toISOString()
    const text = error === null ? null : JSON.stringify(error)
    const at = step === null ? '' : 'step = ?, '
    const values = [...(step === null ? [] : [step]), text, now, this.tenantId, this.#owner]
    await this.#registry.database
      .query(
        `UPDATE ${table} SET ${at}owner = NULL, error = ?, updated_at = ? WHERE tenant_id = ? AND owner = ?`,
        values,
      )
      .catch(() => [])
  }

  close(): void {
    clearInterval(this.#timer)
    giveUpName(this.#owner)
  }

  /** Everything said so far is written. */
  settled(): Promise<unknown> {
    return this.#written
  }

  #queue(work: () => Promise<unknown>): void {
    this.#written = this.#written.then(work).catch(() => {})
  }

  /** A registry that cannot be reached for a moment is no reason to stop: the next heartbeat tells. */
  #beat(): void {
    const { database, nowMs, table } = this.#registry
    this.#queue(async () => {
      await database.query(
        `UPDATE ${table('provisions')} SET heartbeat_at = ${nowMs} WHERE tenant_id = ? AND owner = ?`,
        [this.tenantId, this.#owner],
      )
      const row = await readRow(this.#registry, database.query.bind(database), this.tenantId)
      if (row?.owner !== this.#owner) this.#lost.abort()
    })
  }
}

/** What another process does for a tenant, and how long ago it last said so. null: nobody ever made it. */
export async function readRow(
  { nowMs, table }: Pick<Registry, 'nowMs' | 'table'>,
  query: Query,
  tenantId: string,
): Promise<(ProvisionRow & { owner: string | null; silentMs: number; error: ErrorDocument | null }) | null> {
  const [row] = await query(
    `SELECT token, step, owner, attempts, facts, error, heartbeat_at, ${nowMs} AS now_ms FROM ${table('provisions')} WHERE tenant_id = ?`,
    [tenantId],
  )
  if (row === undefined) return null
  return {
    token: String(row.token),
    step: String(row.step) as ProvisionStep,
    owner: row.owner === null ? null : String(row.owner),
    attempts: Number(row.attempts),
    facts: row.facts == null ? {} : (JSON.parse(String(row.facts)) as ProvisionFacts),
    error: row.error == null ? null : (JSON.parse(String(row.error)) as ErrorDocument),
    silentMs: Number(row.now_ms) - Number(row.heartbeat_at ?? 0),
  }
}

function takenOver(): TenantryError {
  return new TenantryError('PROVISION_FAILED', 'Another process has taken over the making of this tenant.', {
    hint: 'This one was silent for too long. Call it again: it waits for the other one.',
  })
}

/** What marks its role and its place. */
export function markOf(tenantId: string, token: string): string {
  return `${markPrefix}${tenantId} ${token}`
}
