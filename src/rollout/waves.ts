import type { Policy, WaveRule } from '../model/rollout.ts'

export interface Wave<T> {
  name: string
  items: T[]
}

/**
 * Deals items out to waves, in order: a wave takes `count` items, or its share of all (rounded up, at least one), or
 * the rest. What no wave takes goes to the last. Empty waves are left out.
 */
export function dealWaves<T>(items: readonly T[], rules: readonly WaveRule[]): Wave<T>[] {
  const waves: Wave<T>[] = []
  let next = 0
  rules.forEach((rule, i) => {
    const left = items.length - next
    const share =
      rule.count ?? (rule.percent === undefined ? left : Math.max(1, Math.ceil((items.length * rule.percent) / 100)))
    const take = i === rules.length - 1 ? left : Math.min(left, share)
    if (take > 0) waves.push({ name: rule.name, items: items.slice(next, next + take) })
    next += take
  })
  return waves
}

/** Whether this many failures stop a rollout of so many targets; gives the reason in words. */
export function stopReason(policy: Policy, failed: number, targets: number): string | null {
  const { maxFailures } = policy
  if (maxFailures === null || failed === 0) return null
  if ('count' in maxFailures) {
    return failed > maxFailures.count ? `${failed} failed, and at most ${maxFailures.count} may` : null
  }
  const most = (targets * maxFailures.percent) / 100
  return failed > most ? `${failed} of ${targets} failed, and at most ${maxFailures.percent}% may` : null
}
