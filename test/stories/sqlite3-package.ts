/** What the `sqlite3` package offers, over `libsql`: that one is installed without compiling or downloading anything. */
import { createRequire } from 'node:module'

type Callback = (this: object, error: unknown, rows?: unknown) => void
interface Library {
  prepare(text: string): { reader: boolean; run(values: unknown): Told; all(values: unknown): unknown[] }
  exec(text: string): void
  close(): void
}
interface Told {
  changes: number
  lastInsertRowid: number
}

const Libsql = createRequire(import.meta.url)('libsql') as new (path: string) => Library

class Statement {
  lastID = 0
  changes = 0
}

class Database {
  uuid: string | undefined
  readonly filename: string
  readonly #file: Library

  constructor(path: string, _mode: number, done: (error: unknown) => void) {
    this.filename = path
    this.#file = new Libsql(path)
    // As with that package, where Sequelize itself says otherwise.
    this.#file.exec('PRAGMA foreign_keys = OFF')
    setImmediate(done, null)
  }

  run(text: string, ...rest: unknown[]): this {
    // Sequelize switches them on; then it loses what refers to a table that it rebuilds.
    return /foreign_keys\s*=\s*on/i.test(text) ? this : this.#send(text, rest)
  }

  all(text: string, ...rest: unknown[]): this {
    return this.#send(text, rest)
  }

  serialize(work: () => void): void {
    work()
  }

  close(done?: (error: unknown) => void): void {
    this.#file.close()
    if (done) setImmediate(done, null)
  }

  #send(text: string, rest: unknown[]): this {
    const done = rest.find((one) => typeof one === 'function') as Callback | undefined
    const given = typeof rest[0] === 'object' && rest[0] !== null ? rest[0] : []
    const named = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.replace(/^\$/, ''), value]))
    const statement = new Statement()
    let rows: unknown[] = []
    let failure: unknown = null
    try {
      const prepared = this.#file.prepare(text)
      const values = Array.isArray(given) ? given : named
      if (prepared.reader) rows = prepared.all(values)
      else {
        const { changes, lastInsertRowid } = prepared.run(values)
        Object.assign(statement, { changes, lastID: lastInsertRowid })
      }
    } catch (error) {
      failure = Object.assign(error as Error, {
        code: String((error as { code?: unknown }).code).replace(/^(SQLITE_CONSTRAINT)_.*/, '$1'),
      })
    }
    setImmediate(() => done?.call(statement, failure, rows))
    return this
  }
}

export const sqlite3Package = { OPEN_READWRITE: 2, OPEN_CREATE: 4, Database }
