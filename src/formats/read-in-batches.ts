import type { Findings } from './problems.ts'

/**
 * Runs `read` over all items, some at a time: folders may hold more files than a process may open. Results and
 * findings come in the order of the items, whichever is read first.
 */
export async function readInBatches<Item, Result>(
  items: readonly Item[],
  findings: Findings,
  read: (item: Item, findings: Findings) => Promise<Result | null>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < items.length; start += 32) {
    const batch = items.slice(start, start + 32).map(async (item) => {
      const own: Findings = { problems: [], notices: [] }
      return { result: await read(item, own), own }
    })
    for (const { result, own } of await Promise.all(batch)) {
      findings.problems.push(...own.problems)
      findings.notices.push(...own.notices)
      if (result !== null) results.push(result)
    }
  }
  return results
}
