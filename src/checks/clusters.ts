import type { DriftCluster } from '../model/check-report.ts'
import type { Difference } from '../model/picture.ts'

/** Targets whose schemas are equal, and how they differ from what they should be. */
export interface FoundGroup {
  set: string
  names: readonly string[]
  differences: readonly Difference[]
  /** With `between`: others are compared with these. */
  reference: boolean
}

const mostSamples = 10

/**
 * One cluster for all targets that differ in the same way, whatever their hashes and whichever migration they are at.
 * The reference's first, then the largest.
 */
export function foldClusters(groups: Iterable<FoundGroup>): DriftCluster[] {
  const folded = new Map<string, Omit<FoundGroup, 'names'> & { names: string[] }>()
  for (const { set, names, differences, reference } of groups) {
    const key = JSON.stringify([set, reference, differences])
    const cluster = folded.get(key) ?? { set, names: [], differences, reference }
    for (const name of names) cluster.names.push(name)
    folded.set(key, cluster)
  }
  return [...folded.values()]
    .map(({ set, names, differences, reference }) => {
      const sorted = names.sort(inOrder)
      return {
        set,
        targets: sorted.length,
        reference,
        sample: sorted.slice(0, mostSamples),
        names: sorted,
        differences,
      }
    })
    .sort(
      (a, b) => Number(b.reference) - Number(a.reference) || b.targets - a.targets || inOrder(a.sample[0], b.sample[0]),
    )
}

const collator = new Intl.Collator('en', { numeric: true })

/** `t_2` before `t_10`. */
function inOrder(a = '', b = ''): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}
