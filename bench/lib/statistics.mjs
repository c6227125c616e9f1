/** @param {readonly number[]} values */
export function findMedian(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The ratio of each pair, then their median: what slows the machine for a while slows both halves of a pair.
 * @param {readonly { a: number, b: number }[]} pairs
 */
export function summarizePairs(pairs) {
  const ratios = pairs.map(({ a, b }) => a / b)
  return {
    ratio: findMedian(ratios),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    a: findMedian(pairs.map((pair) => pair.a)),
    b: findMedian(pairs.map((pair) => pair.b)),
    pairs: pairs.length,
  }
}

/**
 * Measures ours against several others, interleaved: other, ours, other · other, ours, other · … Each other one is paired
 * with the run of ours right before or after it. Every second round goes backwards, so that nobody always comes first.
 * @param {{ rounds: number, ours: string, others: readonly string[], measure: (name: string) => Promise<number> }} options
 *   `measure` returns milliseconds
 * @returns {Promise<Map<string, { ours: number, other: number }[]>>}
 */
export async function measurePairs({ rounds, ours, others, measure }) {
  const pairs = new Map(others.map((name) => [name, []]))
  const groups = []
  for (let index = 0; index < others.length; index += 2)
    groups.push(others.slice(index, index + 2).toSpliced(1, 0, ours))
  const backwards = groups.toReversed().map((group) => group.toReversed())
  for (let round = 0; round < rounds; round++) {
    for (const group of round % 2 === 0 ? groups : backwards) {
      const ms = new Map()
      for (const name of group) ms.set(name, await measure(name))
      for (const name of group) {
        if (name !== ours) pairs.get(name).push({ ours: ms.get(ours), other: ms.get(name) })
      }
    }
  }
  return pairs
}

/** @returns {Promise<number>} milliseconds that `work` took */
export async function time(work) {
  // What earlier runs left behind is not collected on the time of this one (needs --expose-gc; harmless without).
  globalThis.gc?.()
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}
