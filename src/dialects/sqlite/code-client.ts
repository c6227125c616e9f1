import type { CodeLine } from './code-line.ts'
import type { CodeValues, SqliteAnswer, SqliteCodeClient } from './code-session.ts'

/** A connection as a tool's own driver is built on. It never connects and never closes. */
export class CodeClient implements SqliteCodeClient {
  readonly #line: CodeLine

  constructor(line: CodeLine) {
    this.#line = line
  }

  execute(text: string, values: CodeValues = []): Promise<SqliteAnswer> {
    return this.#line.run(this, text, values)
  }
}
