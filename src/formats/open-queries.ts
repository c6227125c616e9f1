/** Queries of a migration's code that have begun, and each of them that has not come back. */
export interface OpenQueries {
  begun: number
  open: Set<Promise<unknown>>
}

/** Carries a query out and counts it as open until it has come back, whether somebody awaits it or not. */
export async function countQuery<T>(queries: OpenQueries, carryOut: () => Promise<T>): Promise<T> {
  let end = () => {}
  const open = new Promise<void>((resolve) => {
    end = resolve
  })
  queries.begun++
  queries.open.add(open)
  try {
    return await carryOut()
  } finally {
    queries.open.delete(open)
    end()
  }
}

/** Waits for queries that nobody awaited, and for those that follow from them: they belong to this migration. */
export async function settleQueries(queries: OpenQueries): Promise<void> {
  for (let begun = -1; begun !== queries.begun || queries.open.size > 0; ) {
    begun = queries.begun
    await Promise.allSettled(queries.open)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
