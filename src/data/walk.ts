import { randomBytes } from 'node:crypto'
import type { Retries } from '../engine/retries.ts'
import type { EngineSettings } from '../engine/settings.ts'
import type { Batches, WalkedTable } from '../model/batches.ts'
import type { Connection, Dialect } from '../model/dialect.ts'
import type { Emit } from '../model/events.ts'
import type { TransactionMark, TransactionSettings } from '../model/phrases.ts'
import type { RunSignals } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import type { ChangeRows } from './change-rows.ts'
import type { CompiledChange } from './compile-change.ts'
import type { DataChange } from './data-change.ts'
import type { TargetSession } from './target-session.ts'

/** One run over the fleet. */
export interface Run {
  id: string
  /** By `performance.now()`: pauses asked for later than this are obeyed. */
  startedAt: number
  settings: EngineSettings
  restart: boolean
  allowChanged: boolean
  signal: RunSignals
  healthQuery: string | null
  maxReplicaLagMs: number
  emit: Emit
}

/** One change in one target; in tables that tenants share, for one tenant. */
export interface Walk {
  run: Run
  target: Target
  change: DataChange
  dialect: Dialect
  batches: Batches
  session: TargetSession
  table: WalkedTable
  /** null: the change is code. */
  compiled: CompiledChange | null
  rows: ChangeRows
  /** Whose rows; null: those of all who are in the target. */
  tenant: { id: string; slug: string } | null
  /** Only rows whose tenant column says so; null: all. */
  tenantColumn: string | null
  /** Name of the setting that row-level policies read. */
  setting: string
  retries: Retries
  /** Asks something over a session beside ours. */
  look<T>(ask: (side: Connection) => Promise<T>): Promise<T>
}

/** The tenant's key in our table: only where tenants have cursors of their own. */
export function slugOf(walk: Walk): string | null {
  return walk.tenantColumn === null ? null : (walk.tenant?.slug ?? null)
}

export function schemaOfWalk({ target }: Walk): string | null {
  return target.placement.schema ?? null
}

export interface Opening {
  /** No statement may take longer, and no lock may be waited for longer than half of that; null: what the config says. */
  limitMs: number | null
  /** Its commit waits for the disk. */
  durable: boolean
}

export function walkSettings(walk: Walk, { limitMs, durable }: Opening): TransactionSettings {
  const { settings } = walk.run
  const lockTimeoutMs = settings.lockTimeoutMs === 0 ? Number.POSITIVE_INFINITY : settings.lockTimeoutMs
  return {
    schema: schemaOfWalk(walk),
    sharedSchema: settings.sharedSchema,
    // While a batch waits for one row it holds those before it.
    lockTimeoutMs: limitMs === null ? settings.lockTimeoutMs : Math.min(lockTimeoutMs, Math.ceil(limitMs / 2)),
    statementTimeoutMs: limitMs ?? settings.statementTimeoutMs,
    idleInTransactionTimeoutMs: settings.idleInTransactionTimeoutMs,
    session: [],
    ...(durable ? {} : { durable }),
  }
}

/** Opens a transaction as the walk's tenant. Gives the mark by which it is told that it is still ours. */
export function openingOf(
  walk: Walk,
  version: number,
  opening: Opening,
): { mark: TransactionMark; statements: string[] } {
  const mark = { lockKey: walk.session.lockKey, token: randomBytes(9).toString('base64url') }
  return {
    mark,
    statements: [
      ...walk.dialect.phrases.begin(walkSettings(walk, opening), mark, version),
      ...walk.batches.actAs(walk.setting, walk.tenant?.id ?? null),
    ],
  }
}

/** Condition for the rows of the walk, from a key on; empty: all. */
export function conditionOf(
  { dialect, batches, table, tenant, tenantColumn }: Walk,
  cursor: readonly string[] | null,
): string {
  const parts = [
    ...(tenantColumn === null || tenant === null
      ? []
      : [`${dialect.quoteIdentifier(tenantColumn)} = ${dialect.quoteLiteral(tenant.id)}`]),
    ...(cursor === null ? [] : [`(${batches.after(table.key, cursor)})`]),
  ]
  return parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`
}
