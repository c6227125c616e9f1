import { CodeFault, type CodeFaultKind } from '../model/code.ts'

/** What code did that it may not: thrown at once, at everything after it, and at the end. */
export class CodeFaults {
  #first: { kind: CodeFaultKind; message: string } | null = null

  get isSet(): boolean {
    return this.#first !== null
  }

  /** Keeps it, unless there is one already, and gives it to be thrown. */
  set(kind: CodeFaultKind, message: string): CodeFault {
    this.#first ??= { kind, message }
    return new CodeFault(this.#first.kind, this.#first.message)
  }

  /** A new one each time: tools write into what they are thrown. */
  throwIfSet(): void {
    if (this.#first !== null) throw new CodeFault(this.#first.kind, this.#first.message)
  }

  /** Runs it, and keeps the fault that it throws. */
  keep<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      if (error instanceof CodeFault) throw this.set(error.kind, error.message)
      throw error
    }
  }

  endedOurs(): CodeFault {
    return this.set('ended-ours', 'it tried to end the transaction it runs in, which is not its own')
  }

  overlapping(): CodeFault {
    return this.set('overlapping', 'it ended a transaction while another one, begun later, was still open')
  }

  leftOpen(): CodeFault {
    return this.set('left-open', 'it began a transaction and did not end it')
  }
}

export function late(): CodeFault {
  return new CodeFault('late', 'it went on after it had returned; is an await missing?')
}
