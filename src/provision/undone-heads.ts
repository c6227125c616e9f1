import { DatabaseError } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Selectors } from '../model/report.ts'
import type { TargetResult } from '../model/rollout.ts'
import { shortenHeads } from '../registry/heads.ts'
import { isWholeFleet } from './head-run.ts'
import type { Provisioning } from './making.ts'

/**
 * After an undo in the whole fleet: what no target has any more is no part of the fleet's head, so that a new tenant does
 * not wait for it. Where one target still has it, the head stays. A registry that cannot be written to is told, since the
 * undo itself is done.
 */
export async function takeBackHeads(
  about: Provisioning | null,
  selectors: Selectors | undefined,
  results: readonly TargetResult[],
): Promise<void> {
  if (about === null || about.fleet.config.tenants.from !== 'registry' || !isWholeFleet(selectors)) return
  const gone = goneEverywhere(results)
  if (gone.size === 0) return
  const { registry, fleet } = about
  try {
    if ((await registry.status()).version !== null) await shortenHeads(registry, gone)
  } catch (error) {
    if (!isTenantryError(error) && !(error instanceof DatabaseError)) throw error
    fleet.emit({
      type: 'notice',
      notice: {
        rule: 'head-not-written',
        message: `New tenants go on waiting for what was undone: the registry could not be told: ${error.message}.`,
        hint: 'the next `tenantry up` of the whole fleet writes it anew',
      },
    })
  }
}

/** By set: undone somewhere, and in no target now. */
export function goneEverywhere(results: readonly TargetResult[]): Map<string, ReadonlySet<string>> {
  const gone = new Map<string, ReadonlySet<string>>()
  for (const set of new Set(results.map((one) => one.set))) {
    const own = results.filter((one) => one.set === set)
    // `pending` is what a target did not have when it was read.
    const lacking = own.map(({ undone, pending }) => new Set([...undone, ...pending]))
    const ids = new Set(own.flatMap(({ undone }) => undone).filter((id) => lacking.every((one) => one.has(id))))
    if (ids.size > 0) gone.set(set, ids)
  }
  return gone
}
