import type { VerifyFinding, VerifyOptions, VerifyReport } from '../model/check-report.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { findClaimed } from './claimed-objects.ts'
import { type FleetTarget, readFleetTargets } from './fleet-targets.ts'
import { findInHistory } from './history-findings.ts'
import { pictureScope } from './picture-scope.ts'
import { readHealth } from './read-health.ts'
import { References } from './reference.ts'
import { stateOf } from './target-states.ts'

/**
 * Looks each selected target over: its history against the files, what the history claims against the schema, and what
 * the catalog knows to be wrong. Changes nothing outside the scratch server. Pending migrations are no finding. Throws
 * INTERRUPTED.
 */
export async function verifyFleet(fleet: Fleet, stateDir: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const startedAt = performance.now()
  const { config } = fleet
  const { requiredTables, sharedTables, lockTimeoutMs } = config
  const drain = options.signal?.drain
  const stop = () => drain?.aborted === true
  const selectors = options.selectors ?? {}
  const { sets, chosen, targets } = await readFleetTargets(fleet, selectors, { whole: false, requiredTables })
  const errors = new Map<FleetTarget, ErrorDocument>()
  for (const entry of targets) {
    const failed = entry.parts.find(({ plan }) => plan.error !== null)
    if (failed?.plan.error != null) errors.set(entry, failed.plan.error)
  }
  const readable = targets.filter((entry) => !errors.has(entry))
  const scope = pictureScope(config, sets)
  const own = new Map<FleetTarget, Target>(
    readable.map((entry) => [entry, stateOf(fleet, sets, entry.target, entry.parts, true).target]),
  )
  const question = { exceptTables: scope.exceptTables, sharedTables, lockTimeoutMs }
  const health = await readHealth(fleet, [...own.values()], question, stop)
  const references = config.scratch === null ? null : new References(fleet, stateDir, drain)
  try {
    const claims = await findClaimed(fleet, sets, readable, scope, references, stop)
    refuseInterrupted(drain)
    const rows = targets.map((entry) => {
      const seen = health.get(own.get(entry) as Target)
      const error = errors.get(entry) ?? claims.failures.get(entry) ?? (seen && 'error' in seen ? seen.error : null)
      const parts = entry.parts.filter(({ set }) => chosen.has(set.config.name))
      const history = errors.has(entry) ? [] : parts.flatMap(({ set, plan }) => findInHistory(set, plan))
      const findings = [
        ...history,
        ...withoutRequired(claims.findings.get(entry) ?? [], history),
        ...(seen !== undefined && 'findings' in seen ? seen.findings : []),
      ]
      return {
        target: entry.target.name,
        set: parts.map(({ set }) => set.config.name).join(', '),
        tenants: entry.target.tenants.map(({ slug }) => slug),
        findings: onlyOnce(findings),
        error,
      }
    })
    const sick = rows.filter(({ findings, error }) => error !== null || findings.some(isError)).length
    return {
      command: 'verify',
      ok: sick === 0,
      healthy: rows.length - sick,
      needsAttention: sick,
      targets: rows,
      notices: [
        ...config.notices,
        ...sets.flatMap(({ notices }) => notices.filter(({ rule }) => rule !== 'numbering-gap')),
        ...claims.notices,
      ],
      durationMs: Math.round(performance.now() - startedAt),
    }
  } finally {
    await references?.close()
  }
}

const isError = ({ severity }: VerifyFinding) => severity === 'error'

/** A required table that is missing is said once. */
function withoutRequired(claims: readonly VerifyFinding[], history: readonly VerifyFinding[]): VerifyFinding[] {
  const required = new Set(history.filter(({ rule }) => rule === 'missing-table').map(({ object }) => object))
  return claims.filter(({ object }) => !required.has(object))
}

/** Sets that share their tables find the same. */
function onlyOnce(findings: readonly VerifyFinding[]): VerifyFinding[] {
  return [...new Map(findings.map((one) => [`${one.rule}\0${one.object}\0${one.message}`, one])).values()]
}

function refuseInterrupted(drain: AbortSignal | undefined): void {
  if (drain?.aborted !== true) return
  throw new TenantryError('INTERRUPTED', 'Interrupted. Nothing is left half-done.', {
    hint: 'The same command starts over.',
  })
}
