import type { VerifyFinding } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import type { ErrorDocument } from '../model/errors.ts'
import type { HealthQuestion } from '../model/health.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import { goneError, groupByDatabase, lookError } from './fingerprints.ts'

/** What the catalog says of a target; or why it could not be asked. */
export type Health = { findings: readonly VerifyFinding[] } | { error: ErrorDocument }

/** Asks the catalogs of all targets, a few messages per database, within the limits of fleet, server and database. */
export async function readHealth(
  fleet: Fleet,
  targets: readonly Target[],
  question: HealthQuestion,
  stop: () => boolean,
): Promise<Map<Target, Health>> {
  const { pool } = fleet
  const found = new Map<Target, Health>()
  await runBounded(
    groupByDatabase(targets),
    ({ server, database }) => ({ server, database }),
    fleet.limits,
    async ({ server, database, own }) => {
      try {
        const lease = await pool.lease(server, database)
        try {
          const asked = own.map(({ placement: { schema = null }, tenants }) => ({
            schema,
            shared: tenants.some(({ topology }) => topology === 'shared'),
          }))
          const readings = await pool.dialect(server).health(lease.connection, asked, question)
          for (const [i, target] of own.entries()) {
            const findings = readings[i] ?? null
            found.set(target, findings === null ? { error: goneError(target) } : { findings })
          }
        } finally {
          // A backend that has seen hundreds of schemas has grown; end it.
          await lease.release(own.length > 250)
        }
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        for (const target of own) found.set(target, { error: lookError(error, target) })
      }
    },
    stop,
  )
  return found
}
