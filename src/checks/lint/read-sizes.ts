import { DatabaseError } from '../../model/dialect.ts'
import type { ErrorDocument } from '../../model/errors.ts'
import type { TableQuestion, TableSize } from '../../model/table-sizes.ts'
import type { Target } from '../../model/tenant.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { runBounded } from '../../rollout/schedule.ts'
import { lookError } from '../fingerprints.ts'

/** Sizes of tables, by target and table; and what could not be asked. */
export interface ReadSizes {
  sizeOf(target: Target, table: TableQuestion): TableSize | null
  failures: { target: string; error: ErrorDocument }[]
}

const keyOf = ({ schema, name }: TableQuestion) => `${schema ?? ''}\0${name}`

/** Asks each database once, for all of its targets and all of these tables. */
export async function readSizes(
  fleet: Fleet,
  targets: readonly Target[],
  tables: readonly TableQuestion[],
): Promise<ReadSizes> {
  const { pool, config } = fleet
  const questions = [...new Map(tables.map((table) => [keyOf(table), table])).values()]
  const places = new Map(questions.map((table, i) => [keyOf(table), i]))
  const sizes = new Map<string, readonly (TableSize | null)[]>()
  const failures: ReadSizes['failures'] = []
  const databases = questions.length === 0 ? [] : groupTargets(targets)
  await runBounded(
    databases,
    (one) => one,
    fleet.limits,
    async ({ server, database, own }) => {
      try {
        const lease = await pool.lease(server, database)
        try {
          const schemas = own.map(({ placement }) => placement.schema ?? null)
          const read = await pool.dialect(server).tableSizes(lease.connection, schemas, questions, config.lockTimeoutMs)
          for (const [i, { name }] of own.entries()) sizes.set(name, read[i] ?? [])
        } finally {
          // A backend that has opened the tables of hundreds of schemas has grown; end it.
          await lease.release(own.length > 250)
        }
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        for (const target of own) failures.push({ target: target.name, error: lookError(error, target) })
      }
    },
  )
  return {
    sizeOf: ({ name }, table) => sizes.get(name)?.[places.get(keyOf(table)) ?? -1] ?? null,
    failures,
  }
}

function groupTargets(targets: readonly Target[]): { server: string; database: string; own: Target[] }[] {
  const groups = new Map<string, { server: string; database: string; own: Target[] }>()
  for (const target of new Map(targets.map((one) => [one.name, one])).values()) {
    const { server, database } = target.placement
    const key = `${server}\0${database}`
    const group = groups.get(key) ?? { server, database, own: [] }
    groups.set(key, group)
    group.own.push(target)
  }
  return [...groups.values()]
}
