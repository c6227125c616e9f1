import { createHash } from 'node:crypto'
import { CodeFault, type CodeRequest } from '../model/code.ts'

/** Where a tally stood, to go back to when a transaction of the code is rolled back. */
export interface TallyMark extends Count {
  /** Where the count itself was: further, where something had been rolled back just before. */
  at: Count
  /** Statements that had failed. */
  failures: number
}

interface Count {
  done: number
  chain: string
}

/** Written anew by each run (`new Date()` as a value, or put into the text by a tool): another time is no other way. */
export const moments =
  /'\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?'|"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g

/** Counts the statements of a code migration that change something, with a hash chained over their texts and values. */
export class CodeTally {
  readonly #resume: CodeRequest['resume']
  #done = 0
  #chain = ''
  /**
   * Where it stands as long as nothing has followed what was rolled back. The count itself goes on: whoever repeats the
   * code meets what was rolled back again, and rolls it back again.
   */
  #kept: Count | null = null
  readonly #failures: { readonly count: number }
  /** Once what an earlier run did has been gone through: never go back behind it. */
  #floor: TallyMark | null = null
  #mustRun: ((text: string) => Promise<boolean>) | null

  /** @param failures statements that were refused so far */
  constructor(resume: CodeRequest['resume'], failures: { readonly count: number } = { count: 0 }) {
    this.#failures = failures
    this.#resume = resume !== null && resume.done > 0 ? resume : null
    this.#mustRun = resume?.mustRun ?? null
  }

  get done(): number {
    return this.mark().done
  }

  /** As wide as the ledger keeps it. */
  get prefix(): string {
    return this.mark().chain.slice(0, 16)
  }

  /**
   * Did an earlier run carry it out? Then it is counted and need not be sent. Throws {@link CodeFault} `diverged` at the
   * last of them, where the code took another way than that run.
   */
  wasDone(text: string, values: unknown): boolean {
    if (this.#resume === null || this.#floor !== null) return false
    this.count(text, values)
    if (this.#done === this.#resume.done) {
      if (this.prefix !== this.#resume.prefix.slice(0, 16)) throw this.#diverged()
      this.#floor = this.mark()
    }
    return true
  }

  /**
   * The first statement after those that are done was perhaps carried out, too.
   * @param atomic it is recorded in one transaction with its effect, so that it was not
   */
  async mustRun(text: string, atomic: boolean): Promise<boolean> {
    const ask = this.#mustRun
    this.#mustRun = null
    return ask === null || atomic || ask(text)
  }

  count(text: string, values: unknown): void {
    const plain = `${text}\0${describeValues(values)}`.replace(moments, "'time'")
    this.#chain = createHash('sha256').update(`${this.#chain}\0${plain}`).digest('hex')
    this.#done++
    this.#kept = null
  }

  mark(): TallyMark {
    const at = { done: this.#done, chain: this.#chain }
    const { done, chain } = this.#kept ?? at
    return { done, chain, at, failures: this.#failures.count }
  }

  /**
   * Called when what followed the mark is rolled back. What an earlier run committed stays counted. Whoever rolls back
   * because of a failure may not meet it again: then what was counted since is forgotten.
   */
  restore(mark: TallyMark): void {
    const to = this.#floor !== null && mark.done < this.#floor.done ? this.#floor : mark
    if (this.#failures.count !== mark.failures) {
      this.#done = to.at.done
      this.#chain = to.at.chain
    }
    this.#kept = { done: to.done, chain: to.chain }
  }

  /** Throws {@link CodeFault} `diverged` when the code ended before it came to where the earlier run was. */
  finish(): void {
    if (this.#resume !== null && this.#floor === null) throw this.#diverged()
  }

  #diverged(): CodeFault {
    return new CodeFault(
      'diverged',
      `an earlier run carried out ${this.#resume?.done} statements of it, and now it sends others: it cannot go on from there`,
    )
  }
}

function describeValues(values: unknown): string {
  if (!Array.isArray(values) || values.length === 0) return ''
  try {
    return JSON.stringify(values, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  } catch {
    return `${values.length} values`
  }
}
