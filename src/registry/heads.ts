import type { Actor, RegistryDatabase } from '../model/registry.ts'
import type { Registry } from './registry.ts'

type Query = RegistryDatabase['query']

/** What the last `up` of the whole fleet brought it to, of one set of migrations. */
export interface FleetHead {
  set: string
  /** Ids, in order. */
  migrations: readonly string[]
  rollout: string | null
  state: 'running' | 'done'
  /** Since its run last said that it lives. */
  silentMs: number
}

/** An `up` that said nothing for so long has ended. */
export const headSilentAfterMs = 15_000

export async function readHeads({ nowMs, table }: Registry, query: Query): Promise<Map<string, FleetHead>> {
  const rows = await query(
    `SELECT set_name, migrations, rollout, state, heartbeat_at, ${nowMs} AS now_ms FROM ${table('heads')} WHERE set_name <> ''`,
  )
  return new Map(
    rows.map((row) => [
      String(row.set_name),
      {
        set: String(row.set_name),
        migrations: JSON.parse(String(row.migrations)) as string[],
        rollout: row.rollout === null ? null : String(row.rollout),
        state: row.state === 'running' ? 'running' : 'done',
        silentMs: Number(row.now_ms) - Number(row.heartbeat_at ?? 0),
      },
    ]),
  )
}

/**
 * Within a transaction, first: it and others that call this come one after the other. Without it a tenant that becomes
 * active while the head is written could be seen by neither.
 */
export async function takeTurn(registry: Pick<Registry, 'orUpdate' | 'table'>, query: Query): Promise<void> {
  await query(
    `INSERT INTO ${registry.table('heads')} (set_name, migrations, state, updated_at) VALUES ('', '[]', 'done', ?) ${registry.orUpdate('set_name', ['updated_at'])}`,
    [new Date().toISOString()],
  )
}

export function isRunning({ state, silentMs }: FleetHead): boolean {
  return state === 'running' && silentMs < headSilentAfterMs
}

/** The fleet is being brought to these; gives what it was at before. */
export function beginHeads(
  registry: Registry,
  heads: readonly { set: string; migrations: (before: readonly string[]) => readonly string[] }[],
  rollout: string,
  actor: Actor,
): Promise<Map<string, FleetHead>> {
  const { nowMs, table } = registry
  const end = registry.orUpdate('set_name', ['migrations', 'rollout', 'state', 'heartbeat_at', 'actor', 'updated_at'])
  return registry.database.transaction(async (query) => {
    await takeTurn(registry, query)
    const before = await readHeads(registry, query)
    for (const { set, migrations } of heads) {
      await query(
        `INSERT INTO ${table('heads')} (set_name, migrations, rollout, state, heartbeat_at, actor, updated_at)
         VALUES (?, ?, ?, 'running', ${nowMs}, ?, ?) ${end}`,
        [
          set,
          JSON.stringify(migrations(before.get(set)?.migrations ?? [])),
          rollout,
          actor.name,
          new Date().toISOString(),
        ],
      )
    }
    return before
  })
}

export async function beatHeads({ database, nowMs, table }: Registry, rollout: string): Promise<void> {
  await database.query(`UPDATE ${table('heads')} SET heartbeat_at = ${nowMs} WHERE rollout = ? AND state = 'running'`, [
    rollout,
  ])
}

/**
 * The run is over. A head that another run has taken over since is left to that one. Within the transaction `mayEnd` is
 * asked first; false: nothing is written.
 */
export function endHeads(
  registry: Registry,
  rollout: string,
  correct: ReadonlyMap<string, readonly string[]>,
  mayEnd: (query: Query) => Promise<boolean> = async () => true,
): Promise<boolean> {
  const { table } = registry
  return registry.database.transaction(async (query) => {
    if (!(await mayEnd(query))) return false
    const now = new Date().toISOString()
    for (const [set, migrations] of correct) {
      await query(`UPDATE ${table('heads')} SET migrations = ?, updated_at = ? WHERE set_name = ? AND rollout = ?`, [
        JSON.stringify(migrations),
        now,
        set,
        rollout,
      ])
    }
    await query(`UPDATE ${table('heads')} SET state = 'done', updated_at = ? WHERE rollout = ?`, [now, rollout])
    return true
  })
}

/** Takes migrations out of the heads that were undone in the fleet. Where an `up` is under way, its head is its own. */
export function shortenHeads(registry: Registry, undone: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
  return registry.database.transaction(async (query) => {
    await takeTurn(registry, query)
    for (const head of (await readHeads(registry, query)).values()) {
      const { set, migrations } = head
      const gone = isRunning(head) ? undefined : undone.get(set)
      const left = migrations.filter((id) => gone?.has(id) !== true)
      if (left.length === migrations.length) continue
      await query(`UPDATE ${registry.table('heads')} SET migrations = ?, updated_at = ? WHERE set_name = ?`, [
        JSON.stringify(left),
        new Date().toISOString(),
        set,
      ])
    }
  })
}
