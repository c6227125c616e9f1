import type { LintOptions, LintReport } from '../../model/lint.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { assumed } from './estimate.ts'
import { readFleetKnowledge } from './fleet-knowledge.ts'
import { type LintKnowledge, lintFleet } from './lint.ts'
import { rankFindings, tableOf } from './rank.ts'
import { readSizes } from './read-sizes.ts'

/**
 * Lints the files, knowing the fleet: its histories tell what is pending and what was edited, and the sizes of its tables
 * which findings matter most. What cannot be reached is in the report, and the rest is linted all the same. Throws what
 * {@link lintFleet} throws.
 */
export async function lintWithFleet(
  fleet: Fleet,
  options: LintOptions,
  known: LintKnowledge = {},
): Promise<LintReport> {
  const startedAt = performance.now()
  // What is wrong with the folders is said before any server is asked.
  await fleet.loadSets()
  const knowledge = await readFleetKnowledge(fleet, options.sets)
  const report = await lintFleet(fleet, options, { ...known, ...knowledge })
  const asked = report.findings.flatMap((finding) => {
    const table = tableOf(finding)
    return table === null ? [] : [{ table, targets: knowledge.lacking(finding.set, finding.migration) }]
  })
  const sizes = await readSizes(
    fleet,
    [...new Set(asked.flatMap(({ targets }) => targets))],
    asked.map(({ table }) => table),
  )
  const findings = rankFindings(report.findings, {
    lacking: ({ set, migration }) => knowledge.lacking(set, migration),
    sizeOf: sizes.sizeOf,
  })
  return {
    ...report,
    findings,
    notices: [...knowledge.notices, ...report.notices],
    fleet: {
      targets: knowledge.targets,
      failures: [...knowledge.failures, ...sizes.failures],
      leftOut: report.fleet?.leftOut ?? 0,
      assumed,
    },
    durationMs: Math.round(performance.now() - startedAt),
  }
}
