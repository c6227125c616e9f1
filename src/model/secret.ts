import { inspect } from 'node:util'

/**
 * A credential that cannot print itself: string conversion, JSON and `console.log` all give `[secret]`.
 * Only {@link Secret.reveal} gives the value, and only drivers should call it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
