/**
 * Does something with every item, a bounded number at a time; whoever is free takes the next. The first error stops it.
 * @template T
 * @param {readonly T[]} items
 * @param {number} concurrency
 * @param {(item: T, lane: number) => Promise<void>} work
 */
export async function runAll(items, concurrency, work) {
  let next = 0
  async function drain(lane) {
    while (next < items.length) {
      const item = items[next++]
      try {
        await work(item, lane)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, (_, lane) => drain(lane)))
}
