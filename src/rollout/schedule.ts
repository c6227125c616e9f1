/** Where a piece of work runs. */
export interface Place {
  server: string
  database: string
}

export interface ScheduleLimits {
  /** At once, in all. */
  fleet: number
  perServer: (server: string) => number
  perDatabase: (server: string) => number
}

/** Work of one database, in order. */
interface Queue<T> {
  place: Place
  items: T[]
  next: number
  running: number
}

/** Databases of one server that can take more work, in turn. */
interface ServerQueue<T> {
  running: number
  ready: Queue<T>[]
}

/**
 * Runs work within limits per fleet, server and database. Whoever is free takes the next piece that may run, from any
 * database: one slow target holds nobody up but itself. After `stop()` says true, or `run` threw, nothing new is
 * started and what runs is waited for; the first error is thrown then. `onDatabaseDone` is called when a database has
 * nothing left.
 */
export async function runBounded<T>(
  items: Iterable<T>,
  placeOf: (item: T) => Place,
  limits: ScheduleLimits,
  run: (item: T) => Promise<void>,
  stop: () => boolean = () => false,
  onDatabaseDone: (place: Place) => void = () => {},
): Promise<void> {
  const servers = new Map<string, ServerQueue<T>>()
  const queues = new Map<string, Queue<T>>()
  for (const item of items) {
    const place = placeOf(item)
    const key = `${place.server}\0${place.database}`
    let queue = queues.get(key)
    if (queue === undefined) {
      queue = { place, items: [], next: 0, running: 0 }
      queues.set(key, queue)
      const server = servers.get(place.server) ?? { running: 0, ready: [] }
      server.ready.push(queue)
      servers.set(place.server, server)
    }
    queue.items.push(item)
  }
  const order = [...servers]
  let turn = 0
  let running = 0

  /** The next piece that may run now. A database goes to the end of its server's line each time it is served. */
  const take = (): { queue: Queue<T>; server: ServerQueue<T>; item: T } | null => {
    for (let tried = 0; tried < order.length; tried++) {
      const [name, server] = order[turn++ % order.length] as [string, ServerQueue<T>]
      if (server.running >= Math.max(1, limits.perServer(name))) continue
      const queue = server.ready.shift()
      if (queue === undefined) continue
      const item = queue.items[queue.next++] as T
      queue.running++
      server.running++
      if (isReady(queue)) server.ready.push(queue)
      return { queue, server, item }
    }
    return null
  }
  const isReady = (queue: Queue<T>) =>
    queue.next < queue.items.length && queue.running < Math.max(1, limits.perDatabase(queue.place.server))

  let failure: { error: unknown } | null = null
  await new Promise<void>((resolve, reject) => {
    const fill = () => {
      while (failure === null && running < Math.max(1, limits.fleet) && !stop()) {
        const taken = take()
        if (taken === null) break
        running++
        void start(taken)
      }
      if (running > 0) return
      if (failure === null) resolve()
      else reject(failure.error)
    }
    const start = async ({ queue, server, item }: { queue: Queue<T>; server: ServerQueue<T>; item: T }) => {
      try {
        await run(item)
      } catch (error) {
        failure ??= { error }
      } finally {
        const wasReady = isReady(queue)
        queue.running--
        server.running--
        running--
        if (!wasReady && isReady(queue)) server.ready.push(queue)
        if (queue.running === 0 && queue.next >= queue.items.length) onDatabaseDone(queue.place)
        fill()
      }
    }
    fill()
  })
}
