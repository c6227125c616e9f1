import { lintFleet } from './checks/lint/lint.ts'
import { lintWithFleet } from './checks/lint/lint-with-fleet.ts'
import { loadChanges } from './data/load-changes.ts'
import type { LintOptions, LintReport } from './model/lint.ts'
import type { Fleet } from './rollout/fleet.ts'

/** Lints with what data changes say of their phases: they are steps of a change as migrations are. */
export async function openLint(fleet: Fleet, options: LintOptions): Promise<LintReport> {
  const { dataChanges, root } = fleet.config
  const phases = (await loadChanges(dataChanges, root)).flatMap(({ phase }) => phase ?? [])
  return (options.fleet === true ? lintWithFleet : lintFleet)(fleet, options, { phases })
}
