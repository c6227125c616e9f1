/**
 * Lets many ordinary pieces of work run in a database at once, or one exclusive piece alone. A concurrent index build
 * waits for every statement that runs anywhere in its database, so it gets the database to itself. Those that wait
 * for exclusive entry go before ordinary ones that come later.
 */
export class Gate {
  #shared = 0
  #exclusive = false
  readonly #waitingShared: (() => void)[] = []
  readonly #waitingExclusive: (() => void)[] = []

  async runShared<T>(work: () => Promise<T>): Promise<T> {
    if (this.#exclusive || this.#waitingExclusive.length > 0) {
      await new Promise<void>((resolve) => this.#waitingShared.push(resolve))
    } else this.#shared++
    try {
      return await work()
    } finally {
      this.#shared--
      this.#wake()
    }
  }

  async runExclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#exclusive || this.#shared > 0) {
      await new Promise<void>((resolve) => this.#waitingExclusive.push(resolve))
    } else this.#exclusive = true
    try {
      return await work()
    } finally {
      this.#exclusive = false
      this.#wake()
    }
  }

  /** Whoever is woken finds its place taken for it already, so that nobody slips in between. */
  #wake(): void {
    if (this.#exclusive || this.#shared > 0) return
    const next = this.#waitingExclusive.shift()
    if (next !== undefined) {
      this.#exclusive = true
      next()
      return
    }
    this.#shared = this.#waitingShared.length
    for (const resume of this.#waitingShared.splice(0)) resume()
  }
}
